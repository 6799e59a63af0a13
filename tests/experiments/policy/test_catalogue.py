"""The option catalogue: complete, sourced, balanced, in step with the model; every fault of a bad file is reported."""

import re
from pathlib import Path

import numpy as np
import pytest

from experiments.policy import catalogue, load, mix, sets
from experiments.policy.catalogue import CATALOGUE, FOLDER, Quantity, Schedule, references, scope_of, source_keys
from experiments.policy.size import shipped_shares, sizes
from models import PROVINCE
from models.parameters import defaults, parameters
from models.reading.faults import InputError

FIELDS = {"industrial development", "economic shift", "energy shift", "urbanisation", "modern agriculture"}


def test_at_least_25_options_in_every_field() -> None:
    options = catalogue().options.values()
    assert len(options) >= 25
    assert {option.package for option in options} == FIELDS


@pytest.mark.parametrize(
    ("start", "years", "last"), [(2026, 5, 2030), (2026, 1, 2026), (2026, 0.5, 2026), (2011, 4, 2014)]
)
def test_the_last_year_of_a_phase_in_is_a_calendar_year(start: int, years: float, last: int) -> None:
    assert Schedule(start=start, phase_in=years, source="definition: test").last_year == last


def test_no_option_of_the_plan_ahead_is_phased_in_after_the_plan() -> None:
    assert {option.schedule.last_year for option in catalogue("2026-2030").options.values()} <= set(range(2026, 2031))


def test_the_plan_ahead_has_options_of_all_six_sectors_and_instruments() -> None:
    options = catalogue("2026-2030").options.values()
    assert {option.package for option in options} == FIELDS
    sectors = {sector for option in options for sector in option.base.sectors}
    assert sectors >= {"heavy industry", "light industry", "transport", "services", "residential", "power"}
    assert "agriculture and construction" in sectors
    assert sum(option.kind == "instrument" for option in options) >= 2
    assert all(option.capital_cost.price_year == 2024 for option in options)
    with pytest.raises(InputError, match="did you mean '2026-2030'"):
        catalogue("2026-203")


def test_every_number_has_a_source() -> None:
    for option in catalogue().options.values():
        for field, source in option.sources().items():
            kind, _, why = source.partition(":")
            named = source_keys(source)
            assert len(source) > 8 or source in references(), f"{option.id}.{field}: {source!r} names nothing"
            assert kind not in ("assumption", "definition") or len(why) > 10, f"{option.id}.{field}: no reason"
            assert all(key in references() for key in named)


def test_every_source_is_used_and_has_a_text() -> None:
    every = [option for plan in sets() for option in catalogue(plan).options.values()]
    used = {key for o in every for s in o.sources().values() for key in source_keys(s)}
    texts = [path for kind in ("yaml", "csv") for path in FOLDER.rglob(f"*.{kind}")]
    cited_elsewhere = " ".join(path.read_text(encoding="utf-8") for path in texts)
    for key, reference in references().items():
        assert reference["scope"] in ("China", "US", "generic")
        assert len(reference["text"]) > 30
        assert key in used or cited_elsewhere.count(key) > 1, f"{key} is cited nowhere"


def test_foreign_and_assumed_values_are_labelled() -> None:
    assert scope_of("parameters_us: 669 USD") == "US"
    assert scope_of("brt_cost") == "generic"
    assert scope_of("assumption: because") == "assumption"
    assert scope_of("top1000") == "China"
    counts = catalogue().scopes()
    assert counts["US"] >= 3
    assert counts["assumption"] < 0.7 * sum(counts.values())


def test_levers_are_those_of_the_model() -> None:
    text = PROVINCE.read_text(encoding="utf-8")
    listed = re.search(r"^lever:\n\t(.+)$", text, re.MULTILINE)
    assert listed is not None
    assert list(catalogue().levers) == [name.strip() for name in listed[1].split(",")]
    known = set(parameters().index)
    assert {m for lever in catalogue().levers.values() for m in lever.maxima} <= known


def test_shares_of_each_lever_add_to_one_in_every_province() -> None:
    for lever in catalogue().levers:
        if not catalogue().moving(lever):  # a lever of the 2020s
            continue
        total = shipped_shares("2011-2015")[catalogue().moving(lever)].sum(axis=1)
        np.testing.assert_allclose(total, 1, atol=1e-12)


def test_the_model_file_carries_the_nation_s_costs() -> None:
    """What Vensim shows without inputs: the options' costs of the full mix, weighted by their national size.

    The levers of the 2020s have no options in this set.
    """
    table, costs = sizes(catalogue(), "2011-2015"), mix("full").costs()
    weight = np.array([table[catalogue().moving(lever)].sum(axis=1) for lever in catalogue().levers]).T
    sized = weight.sum(0) > 0
    assert sized.sum() == 16
    for name, values in costs.items():
        nation = (values.to_numpy() * weight)[:, sized].sum(0) / weight[:, sized].sum(0)
        shipped = np.asarray(defaults(parameters().loc[name]))[sized]
        np.testing.assert_allclose(shipped, nation, rtol=0.02, atol=0.005, err_msg=name)


def test_faults_of_all_files_come_at_once(tmp_path: Path) -> None:
    good = (CATALOGUE / "agriculture.yaml").read_text(encoding="utf-8")
    (tmp_path / "a.yaml").write_text(
        good.replace("source: biogas_stock}", "source: biogas_stok}", 1)
        .replace("lever: farm machinery", "lever: farm machinary", 1)
        .replace("unit_saving:", "unit_savings:", 1),
        encoding="utf-8",
    )
    (tmp_path / "b.yaml").write_text("package: modern agriculture\noptions:\n- id: X-1\n", encoding="utf-8")
    (tmp_path / "c.yaml").write_text("a: [", encoding="utf-8")
    (tmp_path / "d.yaml").write_text("options: [text]\n", encoding="utf-8")
    (tmp_path / "e.yaml").write_text("options: {X-1: 2}\n", encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load(tmp_path)
    told = "\n".join(caught.value.faults)
    for expected in (
        "options.0.unit_savings: unknown key; did you mean 'unit_saving'",
        "b.yaml:3: options.0.coverage: is missing",
        "unknown source 'biogas_stok'; did you mean 'biogas_stock'",
        "b.yaml:3: options.0.capital_cost: is missing",
        "options.0.lever: unknown lever 'farm machinary'; did you mean 'farm machinery'",
        "c.yaml:1: not YAML",
        "d.yaml:1: options.0: got 'text', allowed: a mapping",
        "e.yaml: `options` must be a list of mappings",
    ):
        assert expected in told
    assert len(caught.value.faults) > 10


def test_names_with_a_comma_stay_whole() -> None:
    """`Top-10,000 programme` in a YAML list without quotes is two names."""
    related = [name for option in catalogue().options.values() for name in option.related]
    assert "Top-10,000 programme" in related
    assert not [name for name in related if name.startswith("000")]


def test_a_range_must_hold_its_value() -> None:
    with pytest.raises(ValueError, match="low ≤ value ≤ high"):
        Quantity(value=3, low=1, high=2, unit="x", source="assumption: none")
