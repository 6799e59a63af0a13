"""Generated documents are complete and up to date with the model."""

from pathlib import Path

from experiments.exchange.equation_sources import table, unknown_forms
from sim import diagram
from sim.check import Subject
from sim.equation_table import gaps, markdown

DOCS = Path(__file__).parents[2] / "docs"


def test_equations_have_no_empty_cell() -> None:
    frame = table()
    assert gaps(frame) == []
    columns = ["name", "unit", "equation", "meaning", "source"]
    empty = frame[columns].apply(lambda column: column.str.strip() == "").any(axis=1)
    assert list(frame.loc[empty, "name"]) == []
    assert unknown_forms(frame) == []


def test_equations_are_up_to_date() -> None:
    text = (DOCS / "equations.md").read_text(encoding="utf-8")
    assert text == markdown(table()), "run: tanlu model equations"


def test_every_stock_and_group_is_drawn(subject: Subject) -> None:
    views = {view.name: view for view in diagram.views(subject.source)}
    assert list(views) == ["Economy", "Demand", "Supply and emissions", "Target response", "Policy", "Costs"]
    drawn = {name for view in views.values() for name, kind in view.kinds.items() if kind == "stock"}
    stocks = {name for name, element in subject.source.elements.items() if element.kind == "stock"}
    assert drawn == stocks


def test_pictures_are_up_to_date(subject: Subject) -> None:
    for view in diagram.views(subject.source):
        name = view.name.lower().replace(" ", "_")
        text = (DOCS / "pictures" / "model" / f"{name}.svg").read_text(encoding="utf-8")
        words = {word for label in view.labels.values() for word in label.replace("<", "").replace(">", "").split("\n")}
        assert (DOCS / "pictures" / "model" / f"{name}.dot").read_text(encoding="utf-8") == diagram.dot_text(view)
        missing = [word for word in words if f">{word}" not in text and word not in text]
        assert not missing, f"{name}.svg lacks {missing}; run: tanlu model diagram"
