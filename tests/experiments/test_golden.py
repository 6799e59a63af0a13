"""A small golden table: means over sixteen members of the golden study, which must not move unless somebody means it.

`python -m tests.experiments.test_golden` writes the table anew, after a change of model, data or calibration.
`tools/golden` compares whole runs of two versions byte by byte.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from experiments.ensemble.core import Ensemble
from experiments.ensemble.installed import installed
from experiments.installation import load_study

STUDY = Path(__file__).parents[2] / "tools" / "golden.yaml"
GOLDEN = Path(__file__).parent / "golden" / "golden_study.csv"
PLACES = ["Beijing", "Chongqing", "Guangdong", "Ningxia"]
OUTPUTS = ["gdp", "total energy", "energy co2", "annualised policy cost"]


def means() -> pd.DataFrame:
    """One row per allocation, mix, quantity and province."""
    study = load_study(STUDY, ["members=16", "allocations=[official, s1]"])
    ensemble, rows = Ensemble.of(study, installed()), []
    for allocation in ("official", "s1"):
        target = ensemble.inputs.allocation["target"].sel(allocation=allocation, province=ensemble.provinces)
        rows += [(allocation, "", "target", place, float(target.sel(province=place))) for place in PLACES]
        for mix in ("base", "full"):
            params = ensemble.params(mix, target.to_numpy() / 100)
            reduction = dict(zip(ensemble.provinces, ensemble.reduction(params).mean(axis=0), strict=True))
            rows += [(allocation, mix, "reduction", place, float(reduction[place])) for place in PLACES]
            last = ensemble.results(params, OUTPUTS).isel(year=-1).mean("member")
            for name in OUTPUTS:
                values = last[name].sum([dim for dim in last[name].dims if dim != "province"])
                rows += [(allocation, mix, name, place, float(values.sel(province=place))) for place in PLACES]
    return pd.DataFrame(rows, columns=["allocation", "mix", "quantity", "province", "value"])


def test_the_golden_study_gives_the_golden_table() -> None:
    golden, found = pd.read_csv(GOLDEN, keep_default_na=False), means()
    names = ["allocation", "mix", "quantity", "province"]
    pd.testing.assert_frame_equal(found[names], golden[names], check_dtype=False)
    np.testing.assert_allclose(found["value"], golden["value"].astype(float), rtol=1e-9)


if __name__ == "__main__":
    means().to_csv(GOLDEN, index=False, lineterminator="\n")
