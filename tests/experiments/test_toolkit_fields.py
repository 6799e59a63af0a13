"""Every field of every sheet is used: changing it changes the study, an analysis or the report, or it is a note."""

import ast
import shutil
from collections.abc import Callable, Iterator
from numbers import Number
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pandas as pd
import pytest
import yaml

from experiments import toolkit
from experiments.ensemble import simulation
from experiments.runs.store import Run
from experiments.toolkit import annex, monitoring, review, sheets
from experiments.toolkit.evidence import Scenario
from experiments.toolkit.sheets import Design, Folder, Settings
from models.reading.faults import InputError
from tests.experiments import small_system

PLACE = "Beijing"
ROWS: dict[str, dict[str, object]] = {
    "1-experts.csv": {"name": "Li Wei", "institution": "Institute", "role": "chair", "steps": "1-9"},
    "2-baseline.csv": {
        "quantity": "energy_total", "year": 2010, "value": 64.0, "unit": "Mtce/year", "relative error": 0.02,
        "vintage": "yearbook", "own value": 66.0, "own source": "bureau", "remark (note)": "read twice",
    },
    "2-other-emissions.csv": {
        "item": "methane", "year": 2010, "value": 5.0, "unit": "MtCO2e/yr", "source": "inventory",
    },
    "3-goals.csv": {
        "goal": "energy intensity", "from": 2010, "to": 2015, "value": 17.0, "unit": "% reduction", "source": "plan",
    },
    "8-feasibility.csv": {
        "option": "IND-01", "barrier": "capital", "severity": 4, "remedy": "loans", "who": "bank", "status": "agreed",
    },
    "9-monitoring.csv": {
        "year": 2011, "quantity": "gdp growth", "value": 10.4, "unit": "%/yr", "error": 1.0, "source": "communiqué",
    },
    "comments.csv": {
        "number": 1, "about": "goals", "comment": "too low?", "from": "Wang", "date": "2026-01-02",
        "answer": "kept", "answered by": "chair",
    },
}  # fmt: skip
OTHER: dict[str, object] = {
    "year": 2009, "quantity": "energy intensity change", "item": "waste", "goal": "co2 intensity", "from": 2009,
    "to": 2014, "option": "IND-02", "status": "approved", "screen": "no", "unit": "%", "number": 2,
}  # fmt: skip
"""Another value of a column where a longer text will not do; numbers are changed by a fifth."""
FIELDS: dict[str, object] = {
    "option": "IND-02", "strength": 0.4, "start": 2013, "phase_in": 2.0, "consensus": "majority", "status": "agreed",
    "mechanisms": ["another"], "related": ["another"], "barriers": ["another"], "province": "Hebei", "plan": "p15",
    "reviewers": ["reviewer-1"], "criteria": {"reduction": 0.5, "cost": 0.5}, "choose_from": 4.9,
    "talk_again_from": 3.5, "members": 64, "measurement_error": 2.0,
}  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("run")
    mixes = "mixes=[base, {mix: full, name: designed}]"
    study = small_system.study(folder, "members=300", mixes, "policy={province: Beijing}")
    return simulation.resume(simulation.start(study, small_system.SYSTEM, folder / "runs"), small_system.SYSTEM)


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    """A folder in which every field of every sheet is filled in."""
    folder = toolkit.init(PLACE, tmp_path / "work", plan="p12").path
    for name, row in ROWS.items():
        sheets.write(folder / name, pd.DataFrame([row]))
    for reviewer, score in (("reviewer-1", 5), ("reviewer-2", 3)):
        path = folder / "5-screening" / f"{reviewer}.csv"
        table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding=sheets.ENCODING).query(
            "option == 'IND-01'"
        )
        for criterion in Folder(folder).settings.criteria:
            table[criterion] = score
        table["cost"] = 5 if score == 3 else 2
        sheets.write(path, table.assign(remark=f"remark {score}"))
    toolkit.merge(folder)
    path = folder / "6-design" / "IND-01.yaml"
    sheet = yaml.safe_load(path.read_text("utf-8"))
    texts = {key: f"own {key}" for key, value in sheet.items() if value in ("", [])}
    whole = {**sheet, **texts, "barriers": ["slow"]}
    path.write_text(yaml.safe_dump(whole, allow_unicode=True), "utf-8")
    return folder


def results(folder: Path, run: Run) -> Iterator[Callable[[], str]]:
    """What the sheets lead to: merged scores, mix and study; monitoring; annex, which shows both; second round."""

    def files() -> str:
        merged = toolkit.merge(folder).to_csv()
        made = [folder / name for name in ("mix.yaml", "study.yaml")]
        return merged + "".join(path.read_text("utf-8") for path in made if path.is_file())

    def again() -> str:
        review.second_round(folder)
        sheet = folder / "5-screening" / "round-2"
        text = "".join(path.read_text("utf-8") for path in sorted(sheet.glob("*.csv")))
        for path in sheet.glob("*.csv"):
            path.unlink()
        sheet.rmdir()
        return text

    yield files
    yield lambda: str([t.to_csv() for t in monitoring.monitor(folder, run, small_system.SYSTEM)])
    yield lambda: str([t.to_csv() for t in annex.tables(folder, run, small_system.SYSTEM).values()])
    yield again


def changed(before: list[str], filled: Path, run: Run, name: str, content: bytes) -> bool:
    """Whether anything that follows from a copy of the sheets with this content differs, or the change is refused."""
    folder = filled.with_name("copy")
    shutil.copytree(filled, folder)
    (folder / name).write_bytes(content)
    try:
        return any(made() != known for known, made in zip(before, results(folder, run), strict=False))
    except InputError:
        return True
    finally:
        shutil.rmtree(folder)


def another(column: str, value: object) -> object:
    if column in OTHER:
        return OTHER[column]
    return value * 1.2 if isinstance(value, int | float) else f"{value} changed"


@pytest.mark.slow
def test_every_column_of_every_sheet_is_used_or_marked_as_a_note(filled: Path, run: Run) -> None:
    before = [made() for made in results(filled, run)]
    score = "5-screening/reviewer-1.csv"
    for name in [*ROWS, "4-options.csv", score]:
        table = pd.read_csv(filled / name, encoding=sheets.ENCODING)
        same = table.to_csv(index=False).encode(sheets.ENCODING)
        assert not changed(before, filled, run, name, same), f"{name} written again"
        for column in table.columns:
            cell = table.loc[0, column]
            given = 1 if name == score and isinstance(cell, Number) else another(column, cell)
            edited = table.astype(object)
            edited.loc[0, column] = given
            content = edited.to_csv(index=False).encode(sheets.ENCODING)
            if column.endswith(sheets.NOTE):
                assert not changed(before, filled, run, name, content), f"{name}: {column}"
            else:
                assert changed(before, filled, run, name, content), f"{name}: {column} = {given}"


@pytest.mark.slow
def test_every_field_of_the_settings_and_of_a_design_sheet_is_used(filled: Path, run: Run) -> None:
    monitored = filled / "9-monitoring.csv"  # the error of the settings counts where a row has none
    sheets.write(monitored, pd.read_csv(monitored, encoding=sheets.ENCODING).assign(error=""))
    before = [made() for made in results(filled, run)]
    for name, kind in (("toolkit.yaml", Settings), ("6-design/IND-01.yaml", Design)):
        content = yaml.safe_load((filled / name).read_text("utf-8"))
        assert not changed(before, filled, run, name, yaml.safe_dump(content, sort_keys=False).encode())
        for field in kind.model_fields:
            edited = yaml.safe_dump({**content, field: FIELDS.get(field, "another text")}, sort_keys=False).encode()
            assert changed(before, filled, run, name, edited), f"{name}: {field}"


SHEETS = {
    "2-baseline.csv": sheets.BASELINE, "2-other-emissions.csv": sheets.OTHER, "3-goals.csv": sheets.GOALS,
    "4-options.csv": sheets.options_columns([]), "5-screening": sheets.screening_columns([], []),
    "8-feasibility.csv": sheets.FEASIBILITY, "9-monitoring.csv": sheets.MONITORING, "comments.csv": sheets.COMMENTS,
}  # fmt: skip
"""Without 1-experts.csv, which the annex shows as it is."""
READERS = ("annex", "checking", "merging", "monitoring", "review", "study_files", "evidence")


def test_every_column_and_setting_is_named_where_sheets_are_read() -> None:
    """The quick form: what no reader names is used nowhere; the slow tests above change each field."""
    package = Path(annex.__file__).parent
    nodes = [node for name in READERS for node in ast.walk(ast.parse((package / f"{name}.py").read_text("utf-8")))]
    texts = {node.value for node in nodes if isinstance(node, ast.Constant)}
    for sheet, columns in SHEETS.items():
        unused = [
            column.name for column in columns if not column.name.endswith(sheets.NOTE) and column.name not in texts
        ]
        assert not unused, f"{sheet}: {unused}"
    names = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    assert set(Settings.model_fields) - names <= {"region"}  # read when a folder is opened


def test_every_field_of_a_design_sheet_is_in_the_annex() -> None:
    whole = {field: FIELDS.get(field, "own text") for field in Design.model_fields}
    run = cast(Run, SimpleNamespace(tables=()))
    shown = annex.designs({"IND-02": Design.model_validate(whole)}, run, Scenario("official", "designed", PLACE))
    assert set(shown["field"]) == {field.replace("_", " ") for field in Design.model_fields if field != "option"}
