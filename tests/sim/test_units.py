"""The unit pass: a sound model has no fault; each planted fault is named with its variable, equation and two units."""

from pathlib import Path

import pytest

from sim.units import Units, UnitTextError, check

HERE = Path(__file__).parent
SOUND = (HERE / "models" / "units" / "sound.mdl").read_text(encoding="utf-8")
CONTROL = (
    "INITIAL TIME = 0 ~ month ~ |\nFINAL TIME = 9 ~ month ~ |\nTIME STEP = 1 ~ month ~ |\nSAVEPER = 1 ~ month ~ |\n"
)


@pytest.fixture(scope="module")
def units():
    return Units.load(HERE / "units.txt")


def changed(tmp_path, old, new):
    assert SOUND.count(old) == 1, f"the planted fault needs one place, found {SOUND.count(old)} of {old!r}"
    path = tmp_path / "changed.mdl"
    path.write_text(SOUND.replace(old, new), encoding="utf-8")
    return path


def model(tmp_path, body):
    path = tmp_path / "model.mdl"
    path.write_text("{UTF-8}\n" + body + CONTROL, encoding="utf-8")
    return path


def test_a_sound_model_has_no_fault(units):
    assert check(HERE / "models" / "units" / "sound.mdl", units) == []


# change → the variable that is named, the two units
PLANTED = {
    "a wrong declared unit": (
        "lifetime\n\t~\tGyuan/year",
        "lifetime\n\t~\tGyuan",
        "depreciation",
        "Gyuan",
        "Gyuan/year",
    ),
    "a flow without time": ("at start)\n\t~\tGyuan", "at start)\n\t~\tperson", "capital", "person/year", "Gyuan/year"),
    "a sum of unlike things": ("investment - depreciation", "investment - lifetime", "capital", "Gyuan/year", "year"),
    "another scale": ("kyuan/(person*year)", "yuan/(person*year)", "income", "yuan/person/year", "Gyuan/Mperson/year"),
    "a bare literal in a comparison": ("income > income scale", "income > 3", "rich", "kyuan/person/year", "Dmnl"),
    "a bare literal in a sum": ("Time - start year", "Time - 2000", "output", "year", "Dmnl"),
    "an exponent with a unit": (") ^ 0.4", ") ^ lifetime", "output", "Dmnl", "year"),
    "a variable power of a quantity": ("SQRT(floor area)", "floor area ^ saving", "side of square", "Dmnl", "m2"),
    "an exponential of a quantity": ("growth * (Time", "(Time", "output", "Dmnl", "year"),
    "a root of the wrong power": ("~\tm\n", "~\tm2\n", "side of square", "m2", "m2^0.5"),
    "a delay without a time": (
        "(income, expectation time, income",
        "(income, saving, income",
        "expected income",
        "year",
        "Dmnl",
    ),
    "a start of another unit": (
        "time, income * 0.9",
        "time, output * 0.9",
        "expected income",
        "kyuan/person/year",
        "Gyuan/year",
    ),
    "a step at no time": ("start year + expectation time)", "saving)", "programme", "year", "Dmnl"),
    "a slope that is no slope": ("~\tGyuan/(year*year)", "~\tGyuan/year", "programme", "Gyuan", "Gyuan/year"),
    "a maximum of unlike things": ("MAX(0,", "MAX(lifetime,", "shortage", "year", "Gyuan/year"),
}


@pytest.mark.parametrize("fault", PLANTED)
def test_a_planted_fault_is_named(fault, tmp_path, units):
    old, new, variable, one, other = PLANTED[fault]
    found = {fault.variable: fault for fault in check(changed(tmp_path, old, new), units)}
    assert variable in found
    fault = found[variable]
    assert fault.line > 0
    assert fault.equation.startswith(variable)
    assert {one, other} == {fault.declared, fault.derived}


def test_every_fault_is_reported_not_only_the_first(tmp_path, units):
    path = tmp_path / "changed.mdl"
    path.write_text(SOUND.replace("~\tm\n", "~\tm2\n").replace("MAX(0,", "MAX(lifetime,"), encoding="utf-8")
    assert {fault.variable for fault in check(path, units)} == {"side of square", "shortage"}


def test_a_missing_and_an_unknown_unit_are_faults(tmp_path, units):
    path = model(tmp_path, "a = 3 ~ ~ |\nb = 4 ~ furlong ~ |\nc = 5 ~ m/(month ~ |\n")
    found = {fault.variable: str(fault) for fault in check(path, units)}
    assert "no unit is declared" in found["a"]
    assert "furlong" in found["b"]
    assert "units file" in found["b"]
    assert "not closed" in found["c"]


def test_without_a_registry_every_name_is_a_dimension(tmp_path):
    path = model(
        tmp_path, "a = 3 ~ widgets/person ~ |\nb = 4 ~ People ~ |\nc = a * b ~ Widgets ~ |\nd = a ~ gadgets ~ |\n"
    )
    assert [fault.variable for fault in check(path)] == ["d"]


def test_a_macro_is_derived_for_each_call(tmp_path, units):
    macro = ":MACRO: ADJUST(goal, over)\nADJUST = INTEG((goal - ADJUST) / over, goal) ~ ~ |\n:END OF MACRO:\n"
    body = "a = 3 ~ m ~ |\nt = 2 ~ month ~ |\nright = ADJUST(a, t) ~ m ~ |\nwrong = ADJUST(a, a) ~ m ~ |\n"
    faults = check(model(tmp_path, macro + body), units)
    assert [fault.variable for fault in faults] == ["wrong"]
    assert "inside the macro" in faults[0].message


def test_lines_of_subscripted_definitions_are_told_apart(tmp_path, units):
    body = "part: p1, p2\n~ ~ |\nx[part] = 1, 2 ~ m ~ |\ny[p1] = x[p1] ~ ~ |\ny[p2] = x[p2] * x[p2] ~ m ~ |\n"
    (fault,) = check(model(tmp_path, body), units)
    assert (fault.variable, fault.line) == ("y", 6)
    assert fault.equation.startswith("y[p2]")


@pytest.mark.parametrize("line", ["yuan = = 3", "???", "x = 3 * nothing_known"])
def test_a_bad_registry_is_refused_with_its_line(line, tmp_path):
    file = tmp_path / "units.txt"
    file.write_text(line + "\n", encoding="utf-8")
    with pytest.raises(UnitTextError, match=r"definition|not in the units file"):
        Units.load(file).parse("x")


@pytest.mark.parametrize(
    ("words", "meaning"),
    [("1/(m*m)", "1/m2"), ("m^2/m**2", "Dmnl"), ("kg * m / second / second", "J/m"), ("Dmnl", "1"), ("(((m)))", "m")],
)
def test_unit_texts(words, meaning, units):
    assert units.agree(units.parse(words), units.parse(meaning))


@pytest.mark.parametrize("words", ["m/", "m m", "*m", "m^x", "(m", "m)", "__import__('os')"])
def test_bad_unit_texts(words, units):
    with pytest.raises(UnitTextError):
        units.parse(words)
