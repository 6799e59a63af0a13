import numpy as np
import pandas as pd
import pytest

from experiments.analyses.sensitivity import model_form
from experiments.analyses.sensitivity.factors import Factor
from experiments.installation import FORM


def test_share_of_the_form_is_that_of_the_closed_form() -> None:
    # y = 2·form + u + form·v, u and v uniform on 0…√12, so each has variance 1; forms 0 and 1 equally likely.
    factors = [
        Factor(FORM, choices=(0, 1), group=FORM),
        Factor("u", 0, 12**0.5, group="economy"),
        Factor("v", -(12**0.5) / 2, 12**0.5 / 2, group="demand"),
        Factor("national shock", -1, 1, group="predictive error"),
    ]

    def margin(x: pd.DataFrame) -> np.ndarray:
        form, shock = x[FORM].to_numpy(dtype=float), x.get("national shock", pd.Series(0.0, x.index))
        return (2 * form + x.u + form * x.v + shock).to_numpy()[:, None]

    table = model_form.shares(margin, factors, ["Hebei"], runs=8192).set_index(["output", "group"])
    # Variances: form 4/4 = 1, u 1, v E[form]²·1 = 1/4, form with v 1/4, shock 1/3.
    total = 1 + 1 + 0.25 + 0.25 + 1 / 3
    own = table.loc[("margin", FORM)]
    assert pytest.approx(1 / total, abs=0.03) == own.S1
    assert pytest.approx(1.25 / total, abs=0.03) == own.ST
    assert own.S1_low < 1 / total < own.S1_high
    bare = table.loc[("modelled margin", FORM)]
    assert pytest.approx(1 / 2.5, abs=0.03) == bare.S1
    assert pytest.approx(1.25 / total, abs=0.03) == table.loc[("margin", "assumptions")].S1
    assert own.verdict == "decides"
