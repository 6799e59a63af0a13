"""Eight faults planted in a copy of the model: each is reported with its variable."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from calibration.validation import validate
from models import PROVINCE, UNITS
from sim import check as general
from sim.check import Subject, Verdict
from sim.unit_registry import Units


@dataclass(frozen=True)
class Planted:
    """old → new in the model file; `check` must then name `named`."""

    old: str
    new: str
    check: Callable[..., Verdict]
    named: str


FAULTS = {
    "unit": Planted(
        "birth rate*population[province]\n\t~\tMperson/year",
        "birth rate*population[province]\n\t~\tMperson",
        general.units,
        "births (line",
    ),
    "sign": Planted(
        "*perceived price index^(-frontier price elasticity)",
        "*perceived price index^(frontier price elasticity)",
        validate.expectations,
        "frontier price elasticity must lower total energy",
    ),
    "leaking stock": Planted(
        "births[province]-deaths[province]+",
        "births[province]-1.1*deaths[province]+",
        general.stocks,
        "population (line",
    ),
    "unstable step": Planted(
        "effort build time=\n\t1\n", "effort build time=\n\t0.1\n", general.step, "effort build time = 0.1 is shorter"
    ),
    "negative share": Planted(
        "nonfossil drift=\n\t0.004", "nonfossil drift=\n\t-0.03", general.shares, "planned nonfossil share falls to -"
    ),
    "dead parameter": Planted(
        "\tautonomous retrofit rate+retrofit by effort",
        "\tretrofit by effort",
        general.dead,
        "autonomous retrofit rate",
    ),
    "missing source": Planted(
        "source: social discount rate of project appraisal in China 8 %, 6 % for public works (discount_2006)",
        "",
        general.sources,
        "discount rate (line",
    ),
    "broken sum": Planted(
        "\tgdp[province]-secondary value added[province]-primary value added[province]",
        "\tgdp[province]-secondary value added[province]",
        validate.accounts,
        "the parts of GDP add: off by",
    ),
}


def copy(path: Path, faults: list[Planted]) -> Subject:
    text = PROVINCE.read_text(encoding="utf-8")
    for fault in faults:
        assert text.count(fault.old) == 1, f"{text.count(fault.old)} places for {fault.old!r}, one is needed"
        text = text.replace(fault.old, fault.new)
    path.write_text(text, encoding="utf-8")
    return Subject.load(path, Units.load(UNITS))


def verdict(fault: Planted, subject: Subject, case: validate.ValidationCase) -> Verdict:
    provincial = fault.check.__module__ == validate.__name__
    return fault.check(replace(case, model=subject.model) if provincial else subject)


@pytest.fixture(scope="module")
def damaged(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    return copy(tmp_path_factory.mktemp("model") / "damaged.mdl", list(FAULTS.values()))


@pytest.mark.parametrize("name", FAULTS)
def test_each_of_eight_faults_in_one_copy_is_named(name: str, damaged: Subject, case: validate.ValidationCase) -> None:
    found = verdict(FAULTS[name], damaged, case)
    assert any(FAULTS[name].named in fault for fault in found.faults), found.faults


@pytest.mark.slow
@pytest.mark.parametrize("name", FAULTS)
def test_a_single_fault_is_named(name: str, tmp_path: Path, case: validate.ValidationCase) -> None:
    found = verdict(FAULTS[name], copy(tmp_path / "damaged.mdl", [FAULTS[name]]), case)
    assert any(FAULTS[name].named in fault for fault in found.faults), found.faults


TANK = """{{UTF-8}}
tank = INTEG ({flow}, first) ~ m3 ~ Water. |
first = 10 ~ m3 ~ Water at the start (source: measured). |
inflow = 2 ~ m3/year ~ Into the tank (source: a tap). |
outflow = tank/life ~ m3/year ~ Out of the tank. |
life = {life} ~ year ~ Residence time (source: measured). |
INITIAL TIME = 0 ~ year ~ Start. |
FINAL TIME = 10 ~ year ~ End. |
TIME STEP = 0.25 ~ year ~ Step. |
SAVEPER = 1 ~ year ~ Saved. |
"""


def tank(path: Path, flow: str = "inflow-outflow", life: float = 5) -> dict[str, Verdict]:
    path.write_text(TANK.format(flow=flow, life=life), encoding="utf-8")
    return {name: check(Subject.load(path)) for name, check in general.CHECKS.items()}


def test_a_sound_tank_passes(tmp_path: Path) -> None:
    assert [name for name, found in tank(tmp_path / "tank.mdl").items() if not found.passed] == []


def test_any_model_file_is_checked(tmp_path: Path) -> None:
    leaking = tank(tmp_path / "leaking.mdl", flow="inflow-0.9*outflow")
    assert "tank" in leaking["stocks"].faults[0]
    hidden = tank(tmp_path / "hidden.mdl", flow="inflow-tank/life")
    assert any("have no name" in fault for fault in hidden["stocks"].faults)
    stiff = tank(tmp_path / "stiff.mdl", life=0.1)
    assert any("life = 0.1" in fault for fault in stiff["step"].faults)
    assert any("tank moves" in fault for fault in stiff["step"].faults)


def test_a_check_that_meets_only_missing_values_is_a_fault_and_not_a_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(case: validate.ValidationCase) -> Verdict:
        raise ValueError("Encountered all NA values")

    monkeypatch.setattr(validate, "CHECKS", (nothing,))
    (found,) = validate.check(None)  # type: ignore[arg-type]
    assert (found.passed, found.measured) == (False, "could not be run")
