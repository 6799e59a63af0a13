"""The table of equations, and the reading of model files behind it."""

from pathlib import Path

import numpy as np
import pytest

from models import PROVINCE
from sim import equation_table
from sim.errors import ModelError
from sim.pysd_parser import abstract_model
from sim.source import entries, read
from sim.syntax_tree import kind_of, text, value_of

MODELS = Path(__file__).parent / "models"
SOUND = MODELS / "units" / "sound.mdl"


def test_a_row_a_variable_in_the_order_of_the_file():
    frame = equation_table.table(SOUND)
    assert list(frame.columns) == list(equation_table.COLUMNS)
    assert list(frame["name"][:2]) == ["capital", "capital at start"]
    assert frame["line"].is_monotonic_increasing
    row = frame.set_index("name").loc["depreciation"]
    assert row["equation"] == "depreciation = capital / lifetime"
    assert (row["unit"], row["meaning"], row["kind"], row["group"]) == ("Gyuan/year", "Outflow.", "flow", "Economy")


def test_kinds():
    kinds = equation_table.table(MODELS / "stocks.mdl").set_index("name")["kind"]
    assert kinds["prey"] == "stock"
    assert kinds["births"] == "flow"
    assert kinds["growth"] == "flow"
    assert kinds["predators at start"] == "constant"
    assert kinds["TIME STEP"] == "control"
    assert equation_table.table(MODELS / "lookups.mdl").set_index("name")["kind"]["table"] == "lookup"
    assert equation_table.table(MODELS / "data_and_external.mdl").set_index("name")["kind"]["series"] == "data"


def test_lines_are_those_of_the_file():
    for path in MODELS.glob("*.mdl"):
        lines = path.read_text(encoding="utf-8").splitlines()
        for element in read(path).elements.values():
            assert lines[element.line - 1].startswith(element.name), (path.name, element.name, element.line)


def test_every_definition_of_a_subscripted_variable_is_a_line():
    frame = equation_table.table(MODELS / "except.mdl").set_index("name")
    assert frame.loc["but one", "equation"].split("\n") == ["but one[row] :EXCEPT: [r2] = 5 + Time", "but one[r2] = -1"]


def test_groups_come_from_the_file_or_from_its_sketch(tmp_path):
    assert read(SOUND).groups == ("Economy", "Control")
    sketch = "\\\\\\---/// Sketch information\nV300\n*Farm\n$192\n10,1,prey,1,1,4,2,3,3,0,0,0,0,0,0\n"
    sketch += "*Forest\n10,1,prey,1,1,4,2,3,2,0,0,0,0\n"
    sketch += "10,2,predators,1,1,4,2,3,3,0,0,0,0,0,0\n"
    path = tmp_path / "views.mdl"
    path.write_text((MODELS / "stocks.mdl").read_text(encoding="utf-8") + sketch, encoding="utf-8")
    groups = equation_table.table(path).set_index("name")["group"]
    assert (groups["prey"], groups["predators"], groups["births"], groups["SAVEPER"]) == (
        "Farm",
        "Forest",
        "Model",
        "Control",
    )


def test_separators_inside_quoted_names_do_not_split(tmp_path):
    path = tmp_path / "quoted.mdl"
    path.write_text(
        '{UTF-8}\n"a | b ~ c" = 1 ~ m ~ An inch is 1" long. |\nd = 2 ~ m [0,5] ~ next |\n', encoding="utf-8"
    )
    found = list(entries(path))
    assert [(entry.name, entry.line, entry.units) for entry in found] == [('"a | b ~ c"', 2, "m"), ("d", 3, "m")]


def test_gaps_name_what_is_empty():
    frame = equation_table.table(MODELS / "stocks.mdl", sources={"predators at start": ""})
    faults = equation_table.gaps(frame)
    assert "predators at start (line 12): no unit" in faults
    assert "predators at start: no source" in faults
    assert equation_table.gaps(equation_table.table(SOUND)) == []


@pytest.mark.parametrize("ending", [".md", ".csv", ".html"])
def test_written_tables_hold_every_name(ending, tmp_path):
    frame = equation_table.table(SOUND)
    file = tmp_path / f"equations{ending}"
    equation_table.write(frame, file)
    content = file.read_text(encoding="utf-8")
    assert all(name in content for name in frame["name"])
    assert "capital / lifetime" in content


def test_another_ending_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"allowed are \.md"):
        equation_table.write(equation_table.table(SOUND), tmp_path / "equation_table.pdf")


def test_names_are_escaped_in_html(tmp_path):
    path = tmp_path / "hostile.mdl"
    path.write_text('{UTF-8}\n"<script>alert(1)</script>" = 1 ~ <b> ~ <img src=x> |\n', encoding="utf-8")
    content = equation_table.to_html(equation_table.table(path))
    assert "<script>" not in content
    assert "<img" not in content
    assert "&lt;script&gt;" in content


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ModelError, match="no such file"):
        equation_table.table(tmp_path / "none.mdl")


def shapes(node):
    """A node without the order in which equal structures were made."""
    if kind_of(node) == "number":
        return "nan" if np.isnan(node) else float(node)
    if kind_of(node) == "ndarray":
        return node.ravel().tolist()
    inside = vars(node).values() if hasattr(node, "__dict__") else ()
    parts = tuple(shapes(one) for value in inside for one in (value if isinstance(value, list | tuple) else [value]))
    return (kind_of(node), *parts) if parts or hasattr(node, "__dict__") else node


@pytest.mark.parametrize("path", sorted(MODELS.glob("*.mdl")), ids=lambda path: path.stem)
def test_equations_written_again_mean_the_same(path, tmp_path):
    """Independent route: the text made from the parsed expression parses into the same expression."""
    model = abstract_model(path).sections[0]
    names = {element.name.lower().replace(" ", "_"): element.name for element in model.elements}
    for element in model.elements:
        for component in element.components:
            if kind_of(component.ast) in ("LookupsStructure", "GetLookupsStructure", "GetDataStructure", "ndarray"):
                continue
            again = tmp_path / "again.mdl"
            again.write_text(f"{{UTF-8}}\nagain = {text(component.ast, names)} ~ ~ |\n", encoding="utf-8")
            parsed = abstract_model(again).sections[0].elements[0].components[0].ast
            assert shapes(parsed) == shapes(component.ast), text(component.ast, names)


def test_values_of_literal_expressions(tmp_path):
    path = tmp_path / "literals.mdl"
    path.write_text(
        "{UTF-8}\na = 2 ^ 3 ^ 0.5 - 4 / 2 / 2 ~ ~ |\nb = -(1 + 2) ~ ~ |\nc = a + 1 ~ ~ |\nd = 1 / 0 ~ ~ |\n",
        encoding="utf-8",
    )
    values = [value_of(element.components[0].ast) for element in abstract_model(path).sections[0].elements]
    assert values == [2**3**0.5 - 1, -3, None, None]


def test_an_equation_keeps_its_sign_and_a_lookup_has_none():
    lookups = equation_table.table(MODELS / "lookups.mdl").set_index("name")["equation"]
    assert lookups["table"].startswith("table(")
    assert lookups["bounded table"].startswith("bounded table(")
    for path in (*MODELS.glob("*.mdl"), PROVINCE):
        for element in read(path).elements.values():
            for part in element.parts:
                is_lookup = kind_of(part.node) == "LookupsStructure"
                assert part.equation.startswith(f"{part.left} = ") != is_lookup, part.equation
                assert part.equation.endswith(part.right)
