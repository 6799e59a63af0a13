"""A rule of the user's own: one file named by path, in the function, on the command line and in a study."""

from importlib.metadata import EntryPoint

import numpy as np
import pytest

from experiments.allocation import allocate, load, registry
from experiments.allocation.comparison import names, rules_of
from experiments.ensemble.scenario import prepare
from experiments.installation import load_study
from experiments.study import known
from models.reading.faults import InputError

RULE = """
from experiments.allocation import Number, Proposal, rule

@rule("by-income", title="By income", origin="ours", options=[Number("slope", 0.5, 0, 2, reason="half")])
def by_income(indicators, options):
    income = indicators.gdp_per_capita
    return Proposal(lambda m: m * (income / income.mean()) ** options["slope"])
"""
HEAD = "from experiments.allocation import Proposal, rule\nimport numpy as np\n"
ONE = '@rule("mine", title="Mine", origin="ours")\ndef mine(indicators, options):\n'

FAULTS = {
    "syntax": ("def (:", "line 1: invalid syntax"),
    "none": (HEAD, "got 0 rules"),
    "two": (HEAD + 2 * (ONE + "    return 1\n"), "got 2 rules (mine, mine)"),
    "taken": (HEAD + ONE.replace('"mine"', '"s1"') + "    return 1\n", "the name of a shipped rule"),
    "no proposal": (HEAD + ONE + "    return [1, 2]\n", "got list from rule mine; allowed: a Proposal"),
    "shape": (HEAD + ONE + "    return Proposal(lambda m: m * np.ones(3))\n", "got cuts of shape (3,)"),
    "falling": (HEAD + ONE + "    return Proposal(lambda m: -m * np.ones(31))\n", "fall where the scalar rises"),
    "mean of nan": (
        HEAD + ONE + '    own = indicators.amount("energy")\n    return Proposal(lambda m: m * own / own.mean())\n',
        "gives no province a cut (all are nan)",
    ),
    "mistake": (HEAD + ONE + "    return Proposal(lambda m: indicators.gpd)\n", "line 5: AttributeError"),
}


@pytest.fixture
def rule_file(tmp_path):
    path = tmp_path / "my_rule.py"
    path.write_text(RULE, encoding="utf-8")
    return path


def test_a_file_is_a_rule_with_options_of_its_own(rule_file):
    steep = allocate(str(rule_file), 16, slope=1.0).table.set_index("province")["target_percent"]
    flat = allocate(str(rule_file), 16, slope=0.0).table["target_percent"]
    assert steep["Shanghai"] > 2 * steep["Guizhou"]
    assert flat.std() == pytest.approx(0, abs=1e-9)
    assert "by-income" not in load()


def test_an_option_out_of_range_is_refused(rule_file):
    with pytest.raises(InputError, match="slope: got"):
        allocate(str(rule_file), 16, slope=3)


def test_a_changed_file_is_read_again(rule_file):
    before = allocate(str(rule_file), 16).table["target_percent"]
    rule_file.write_text(RULE.replace("0.5, 0, 2", "1.5, 0, 2"), encoding="utf-8")
    assert not np.allclose(before, allocate(str(rule_file), 16).table["target_percent"])


@pytest.mark.parametrize("fault", FAULTS)
def test_a_faulty_file_is_told_with_its_line(fault, tmp_path):
    text, message = FAULTS[fault]
    path = tmp_path / "mine.py"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        allocate(str(path), 16)
    assert message in str(caught.value)
    assert "mine.py" in str(caught.value)


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        allocate(str(tmp_path / "absent.py"), 16)


def test_a_study_names_the_file_relative_to_itself(rule_file):
    study = rule_file.with_name("study.yaml")
    study.write_text(
        "extends: twelfth-plan\nname: own-rule\nmembers: 4\nmixes: [plan]\n"
        "allocations: [official, {rule: my_rule.py, options: {slope: 0.3}}]\n",
        encoding="utf-8",
    )
    targets = prepare(load_study(study)).allocation["target"]
    expected = allocate(str(rule_file), 16, slope=0.3).targets()
    assert list(targets["allocation"].to_numpy()) == ["official", "my_rule"]
    simulated = [str(name) for name in targets["province"].to_numpy() if name in expected["province"]]
    assert len(simulated) == 30
    np.testing.assert_allclose(targets.sel(allocation="my_rule", province=simulated), expected.sel(province=simulated))


def test_a_comparison_takes_the_file_beside_shipped_rules(rule_file):
    found = rules_of(names(f"uniform,{rule_file}", {}), 16, "12FYP", slope=0.3)
    assert [item.rule for item in found] == ["uniform", "by-income"]


def test_an_installed_package_brings_a_rule_by_an_entry_point(monkeypatch, tmp_path):
    (tmp_path / "packaged_rule.py").write_text(RULE.replace("by-income", "packaged"), encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    point = EntryPoint("packaged", "packaged_rule", known.ENTRY_POINTS)
    monkeypatch.setattr(registry, "entry_points", lambda group: [point] if group == known.ENTRY_POINTS else [])
    try:
        assert allocate("packaged", 16).aggregate == pytest.approx(16)
    finally:
        registry._RULES.pop("packaged", None)
