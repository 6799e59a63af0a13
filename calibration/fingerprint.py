"""The fingerprint of a posterior: one hash of everything that it depends on."""

import hashlib
import json

from calibration import tables
from models import PARAMETERS, PROVINCE

READ = (
    "balance_flows", "breaks", "climate", "co2", "conversion_factors", "economy", "electricity", "energy_total",
    "final_energy_assembled", "final_energy_official", "industry_output", "measurement_errors", "national_reference",
    "national_subsectors", "policy_parameters", "population", "provinces", "targets",
)  # fmt: skip
"""The tables that a fit reads; outcomes and verdicts, which score the forecasts, are not among them."""


def fingerprint(**settings: object) -> str:
    """Hash of the tables that a fit reads, the model file, the table of parameters and the settings."""
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode())
    for name in READ:
        path = next(item["path"] for item in tables.descriptor()["resources"] if item["name"] == name)
        digest.update((tables.DATA / path).read_bytes())
    for path in (PROVINCE, PARAMETERS):
        digest.update(path.read_bytes())
    return digest.hexdigest()
