"""What is a study's own: files stored in the run by content, ranges by element, provinces, model files, citation."""

from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from experiments import model_file
from experiments.ensemble import simulation
from experiments.exchange import citation, reproduce
from experiments.runs import contents, manifest, store
from experiments.runs.store import Run
from experiments.study.load import load
from experiments.study.schema import Study, Vocabulary
from models.reading.faults import InputError
from tests.experiments import small_system

MIX = "title: Mine\nlevers: {building codes: 0.9}\n"
STUDY = small_system.STUDY.replace("[base, full]", "[base, ../own.yaml]").replace(
    "{rule: uniform, name: even}", "{rule: csv, name: mine, options: {path: ../t.csv}}"
)


@pytest.fixture
def study(tmp_path: Path) -> Study:
    """A study in a separate folder, whose mix extends another and whose table lies beside the folder."""
    (tmp_path / "in").mkdir()
    (tmp_path / "own.yaml").write_text("extends: below.yaml\ntitle: Above\n", encoding="utf-8")
    (tmp_path / "below.yaml").write_text(MIX, encoding="utf-8")
    (tmp_path / "t.csv").write_text("province,target_percent\n", encoding="utf-8")
    (tmp_path / "in" / "study.yaml").write_text(STUDY, encoding="utf-8")
    return load(tmp_path / "in" / "study.yaml", (), Vocabulary())


def test_files_of_a_study_are_stored_by_content_and_named_alike_ever_after(study: Study, tmp_path: Path) -> None:
    stored, files = contents.collected(study)
    assert set(files) == {"files/own.yaml", "files/t.csv"}
    assert b"building codes" in files["files/own.yaml"]
    assert b"extends" not in files["files/own.yaml"]
    assert (stored.mixes[1].mix, stored.mixes[1].label) == ("files/own.yaml", "own")
    contents.save(files, tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "study.yaml").write_text(stored.text(), encoding="utf-8")
    again, same = contents.collected(load(tmp_path / "elsewhere" / "study.yaml", (), Vocabulary()))
    assert (again.text(), dict(same)) == (stored.text(), dict(files))


def test_two_files_of_one_name_keep_both_contents(study: Study, tmp_path: Path) -> None:
    (tmp_path / "in" / "own.yaml").write_text(MIX, encoding="utf-8")
    data = study.model_dump()
    data["mixes"].append({"mix": "own.yaml", "name": "other"})
    two = Study.model_validate(data)
    two._folder = study.folder
    stored, files = contents.collected(two)
    assert [mix.mix for mix in stored.mixes] == ["base", "files/own.yaml", "files/own-2.yaml"]
    assert files["files/own.yaml"] != files["files/own-2.yaml"]


def test_every_file_that_is_missing_is_named(study: Study, tmp_path: Path) -> None:
    (tmp_path / "t.csv").unlink()
    (tmp_path / "own.yaml").unlink()
    with pytest.raises(InputError) as fault:
        contents.collected(study)
    assert [text.split(":")[0] for text in fault.value.faults] == ["table ../t.csv", "mix ../own.yaml"]


def test_a_run_is_named_by_its_files_made_again_from_its_folder_and_cited(study: Study, tmp_path: Path) -> None:
    def carry_out(file: Path, runs: Path = tmp_path / "again") -> Run:
        begun = simulation.start(load(file, (), Vocabulary()), small_system.SYSTEM, runs)
        return simulation.resume(begun, small_system.SYSTEM)

    first = carry_out(tmp_path / "in" / "study.yaml", tmp_path / "runs")
    moved = Run(first.folder.rename(tmp_path / "copy"))
    for file in ("own.yaml", "below.yaml", "t.csv", "in/study.yaml"):
        (tmp_path / file).unlink()
    second, table = reproduce.reproduce(moved, carry_out)
    assert second.name == moved.manifest["run"]
    assert {"files/own.yaml", "files/t.csv", "metrics.nc", "study.yaml"} < set(table["file"])
    assert set(table["identical"]) == {"yes"}
    text = citation.citation(second)
    assert second.name in text
    assert manifest.version() in text
    assert citation.facts(second)["own files"] in citation.bibtex(second)
    record = (second.folder / "manifest.json").read_text(encoding="utf-8")
    (second.folder / "manifest.json").write_text(record.replace(manifest.version(), "9.9", 1), encoding="utf-8")
    with pytest.raises(InputError, match=r"manifest\.json was changed by hand"):
        citation.citation(second)
    store.update_manifest(second, note="a later entry seals the file again and keeps the mark")
    with pytest.raises(InputError, match="changed by hand"):
        citation.citation(second)
    (second.folder / "manifest.json").write_text(record, encoding="utf-8")
    (second.folder / "files" / "t.csv").write_text("province,target_percent\nHebei,3\n", encoding="utf-8")
    assert reproduce.compared(moved, second).set_index("file")["identical"]["files/t.csv"] == "no"
    (moved.folder / "design.parquet").unlink()
    assert "missing" in reproduce.compared(moved, second).set_index("file")["identical"]["design.parquet"]
    (tmp_path / "copy" / "files" / "t.csv").write_text("province,target_percent\nHebei,3\n", encoding="utf-8")
    assert carry_out(moved.folder / "study.yaml").name != second.name


def test_paths_of_what_a_study_extends_start_from_its_own_file(study: Study, tmp_path: Path) -> None:
    (tmp_path / "leaf").mkdir()
    leaf = tmp_path / "leaf" / "leaf.yaml"
    leaf.write_text("extends: ../in/study.yaml\nname: leaf\n", encoding="utf-8")
    data = load(leaf, (), Vocabulary())
    assert data.path(data.mixes[1].mix).resolve() == (tmp_path / "own.yaml").resolve()
    assert contents.collected(data)[1] == contents.collected(study)[1]


def test_the_commit_is_of_the_tool_and_not_of_a_repository_around_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manifest, "ROOT", manifest.ROOT / "experiments")
    assert manifest.commit() == {"commit": None, "dirty": None}


def test_a_model_file_takes_the_provinces_of_a_study() -> None:
    text = model_file.with_provinces("", ["Hebei", "Guangdong"])
    assert "province:\n\tHebei, Guangdong\n\t~" in text
    assert "Tianjin" not in text
    with pytest.raises(InputError, match="no range `province`"):
        model_file.with_provinces("x = 1 ~~|", ["Hebei"])


def test_a_model_file_that_lacks_what_a_study_needs_is_told_all_of_it() -> None:
    ranges = {"sector": ("a",), "fuel": ("b",), "lever": ("c",), "plan": ("p",)}
    small = SimpleNamespace(variables={"gdp": 1}, subscripts=ranges)
    faults = model_file.lacking(small, small, ["base gdp"], ["gdp", "effort"])
    assert "lacks the output 'effort', which a study judges or keeps" in faults
    assert "lacks the input 'base gdp', which the data, the calibration or a mix gives" in faults
    assert not any("'gdp'" in fault for fault in faults)


def test_a_range_of_a_constant_by_sector_gives_each_its_draw_or_all_the_same() -> None:
    from experiments.ensemble.member_design import drawn_rows
    from experiments.installation import load_study

    def columns(text: str) -> "list[pd.Series]":
        study = load_study("twelfth-plan", [f"uncertain={text}"])
        return list(drawn_rows(study, []).values())

    each = columns("{rebound: {distribution: uniform, low: 0.1, high: 0.5}}")
    assert [float(row["default"]) for row in each] == [0.2] * 5 + [0.3]
    common = columns("{rebound: {distribution: uniform, low: 0.1, high: 0.5, draw: common}}")
    assert len(common) == 1
    assert len(columns("{heating sensitivity: {draw: each}}")) == 30
    with pytest.raises(InputError, match="one number for all"):
        columns("{discount rate: {draw: each}}")
