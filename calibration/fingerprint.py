"""The fingerprint of a posterior: what it depends on, as one hash."""

import hashlib
import json

from calibration import tables
from models import PARAMETERS, PROVINCE


def fingerprint(**settings: object) -> str:
    """Hash of all that a posterior depends on: data (by checksum), model, table of parameters, settings."""
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode())
    for path in (tables.DATA / tables.DESCRIPTOR, PROVINCE, PARAMETERS):
        digest.update(path.read_bytes())
    return digest.hexdigest()
