"""The code in the README runs as it is described."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from calibration import posterior
from calibration.assumptions import reference
from calibration.prior import FREE
from experiments.installation import ProvinceModel, calibrated

README = Path(__file__).parents[1] / "README.md"


def free_parameters(design: pd.DataFrame, provinces: list[str]) -> np.ndarray:
    """What the columns of a design give to the free parameters of the calibration: (member, province, parameter)."""
    base = calibrated()[1]["base final energy"]

    def column(province: str, parameter: str, sectors: tuple[str, ...]) -> np.ndarray:
        if not sectors:
            return design[f"{parameter}[{province}]"].to_numpy()
        values = design[f"{parameter}[{province},{sectors[0]}]"].to_numpy()
        if parameter != "base final energy":
            return values
        return np.log(values / float(base.sel(province=province, sector=sectors[0])))

    return np.stack([np.stack([column(p, *free) for free in FREE.values()], axis=1) for p in provinces], axis=1)


def unexplained(design: pd.DataFrame) -> np.ndarray:
    """Distance of each member's free parameters to the nearest shipped draw, moved with the member's assumptions.

    In widths of the parameters' ranges, the largest of all provinces and parameters.
    """
    shipped = posterior.load(posterior.PUBLISHED)
    names = [str(name) for name in shipped["assumption"].values]
    shift = design[names].to_numpy() - reference(names)
    slope = shipped["response"].transpose("province", "parameter", "assumption").values
    low, high, draws = shipped["low"].values, shipped["high"].values, shipped["draws"].values
    members = free_parameters(design, [str(p) for p in shipped["province"].values])
    moved = np.einsum("pka,ma->mpk", slope, shift)
    distances = [
        (np.abs(np.clip(draws + one, low, high) - member) / (high - low)).max(axis=(1, 2)).min()
        for member, one in zip(members, moved, strict=True)
    ]
    return np.array(distances)


def test_the_python_example_runs_calibrated_members(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    simulated: list[pd.DataFrame] = []
    run = ProvinceModel.__call__

    def recording(model: ProvinceModel, design: pd.DataFrame, *given: object) -> object:
        simulated.append(design)
        return run(model, design, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(ProvinceModel, "__call__", recording)
    (code,) = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert len([line for line in code.splitlines() if line.strip()]) <= 12
    exec(compile(code, str(README), "exec"), {})
    printed = capsys.readouterr().out
    change = dict(re.findall(r"^(.+?) {2,}(-?[\d.]+)$", printed, re.MULTILINE))
    assert len(change) == 30
    assert all(float(value) > 0 for value in change.values()), "without the pressure of targets more energy is used"
    assert [len(design) for design in simulated] == [100, 100]
    for design in simulated:
        assert unexplained(design).max() < 1e-9
    centre = simulated[0].assign(**{name: simulated[0][name].mean() for name in simulated[0]})
    assert unexplained(centre).min() > 0.05, "members without draws of their own must be noticed"


def test_both_languages_give_the_same_two_commands() -> None:
    texts = (README.read_text(encoding="utf-8"), README.with_suffix(".zh.md").read_text(encoding="utf-8"))
    first, second = (re.findall(r"```bash\n(.*?)```", text, re.DOTALL)[:2] for text in texts)
    assert first == second
    assert len(first) == 2


def test_the_pictures_exist() -> None:
    for picture in re.findall(r"!\[.*?\]\((.*?)\)", README.read_text(encoding="utf-8")):
        assert (README.parent / picture).exists(), picture
