"""Damaged copies of the data: each message names file, line, value and allowed values; nothing is written."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from calibration import tables
from models.reading.faults import InputError, RuleError


@dataclass(frozen=True)
class Damage:
    """One kind of damage. change: old lines → new lines; line: line of the report; says: part of its text."""

    file: str
    change: Callable[[list[bytes]], list[bytes] | None]
    kind: str
    line: int | None
    says: tuple[str, ...]


def line_of(file: str, start: str) -> int:
    """Number of the first line with this beginning (the header is line 1)."""
    lines = (tables.DATA / file).read_bytes().splitlines()
    return next(number for number, line in enumerate(lines, start=1) if line.startswith(start.encode()))


def edit(file: str, start: str, old: str, new: str) -> tuple[int, Callable[[list[bytes]], list[bytes]]]:
    """Replace text in the line with this beginning; returns its number and the change."""
    number = line_of(file, start)

    def change(lines: list[bytes]) -> list[bytes]:
        assert old.encode() in lines[number - 1]
        return [*lines[: number - 1], lines[number - 1].replace(old.encode(), new.encode(), 1), *lines[number:]]

    return number, change


def drop(file: str, start: str) -> tuple[int, Callable[[list[bytes]], list[bytes]]]:
    number = line_of(file, start)
    return number, lambda lines: [*lines[: number - 1], *lines[number:]]


def repeat(file: str, start: str) -> tuple[int, Callable[[list[bytes]], list[bytes]]]:
    number = line_of(file, start)
    return number + 1, lambda lines: [*lines[:number], lines[number - 1], *lines[number:]]


def at(file: str, how: tuple[int, Callable[[list[bytes]], list[bytes]]], kind: str, *says: str) -> Damage:
    return Damage(file, how[1], kind, how[0], says)


GDP = "Guangdong,2007,gdp_nominal,"
ENERGY = "Hebei,2008,energy_total,"
SHARE = "Shanxi,2010,secondary_share,"
ECONOMY, OFFICIAL, CO2 = "economy.csv", "final_energy_official.csv", "co2.csv"
HEBEI = "Hebei,2008,"
DAMAGES = {
    "unknown province": at(
        "economy.csv",
        edit("economy.csv", GDP, "Guangdong", "Guandong"),
        "rule",
        "'Guandong'",
        "did you mean 'Guangdong'",
        "allowed: Anhui",
    ),
    "column missing": Damage(
        "population.csv",
        lambda lines: [b",".join(line.split(b",")[:4] + line.split(b",")[5:]) for line in lines],
        "unreadable",
        1,
        ("column unit missing", "allowed province,year,variable,value,unit"),
    ),
    "unit wrong": at(
        "energy_total.csv",
        edit("energy_total.csv", ENERGY, "1e4 tce", "Mtce"),
        "rule",
        "got 'Mtce'",
        "allowed: '1e4 tce'",
    ),
    "year gap": at(
        "economy.csv",
        drop("economy.csv", GDP),
        "rule",
        "no row for Guangdong in 2007",
        "allowed: every year 2000 to 2015",
    ),
    "negative energy": at(
        "final_energy_official.csv",
        edit("final_energy_official.csv", "Hebei,2008,industry,coal,", "coal,", "coal,-"),
        "rule",
        "got -",
        "allowed 0 to 150",
    ),
    "duplicate key": at(
        "co2.csv",
        repeat("co2.csv", "Hebei,2008,energy_total,"),
        "rule",
        "Hebei, year 2008",
        "a second time",
        "allowed: once",
    ),
    "not UTF-8": Damage(
        "sources.csv",
        lambda lines: [lines[0], b"S01,caf\xe9,x,y,z", *lines[2:]],
        "unreadable",
        2,
        ("got byte 0xe9", "allowed: UTF-8"),
    ),
    "binary": Damage(
        "climate.csv",
        lambda lines: [b"PK\x03\x04\x00\x00", *lines[1:]],
        "unreadable",
        1,
        ("got a zero byte", "allowed: UTF-8"),
    ),
    "missing file": Damage("targets.csv", lambda lines: None, "unreadable", None, ("not found", "restore it")),
    "unknown source": at(
        "co2.csv",
        edit("co2.csv", "Hebei,2008,energy_total,", "ceads_prov_inv", "ceads"),
        "rule",
        "source_id got 'ceads'",
        "allowed: the keys of sources.csv",
    ),
    "unknown vintage": at(
        "co2.csv",
        edit("co2.csv", "Hebei,2008,energy_total,", "ceads-2000", "ceads-1999"),
        "rule",
        "vintage got 'ceads-1999'",
        "allowed: announced",
    ),
    "text for a number": at(
        "electricity.csv",
        edit("electricity.csv", "Hebei,2008,generation_total,", "generation_total,", "generation_total,n/a "),
        "unreadable",
        "value got 'n/a",
        "allowed: a finite number",
    ),
    "share over 100 %": at(
        "economy.csv",
        edit("economy.csv", SHARE, "secondary_share,", "secondary_share,1"),
        "rule",
        "got 1",
        "percent, allowed 0 to 100",
    ),
    "decimal slip": at(
        "energy_total.csv",
        edit("energy_total.csv", ENERGY, "energy_total,", "energy_total,1"),
        "rule",
        "Hebei 2008",
        "times the year before",
        "decimal point",
    ),
    "field too many": at(
        "population.csv",
        edit("population.csv", "Hebei,2008,population,", ",yearbook", ",,yearbook"),
        "unreadable",
        "got 9 fields",
        "allowed 8",
    ),
    "year that is no year": at(
        "climate.csv",
        edit("climate.csv", "Hebei,2008,mean_temperature,", "2008", "2008.5"),
        "unreadable",
        "year got '2008.5'",
        "allowed: a whole number from 2000 to 2015",
    ),
    "unknown series": at(
        "economy.csv",
        edit("economy.csv", GDP, "gdp_nominal", "gdp_nominl"),
        "rule",
        "variable got 'gdp_nominl'",
        "did you mean 'gdp_nominal'",
    ),
    "value changed": at(
        "outcomes.csv",
        (0, edit("outcomes.csv", "Hebei,11FYP,", "-20.15", "-20.16")[1]),
        "rule",
        "got checksum",
        "allowed sha256:",
    ),
}


def damaged(tmp_path: Path, *damages: Damage) -> Path:
    """A data folder of links to the shipped files, with the damaged ones in their place."""
    folder = tmp_path / "data"
    folder.mkdir(parents=True)
    for path in [*tables.DATA.glob("*.csv"), tables.DATA / "datapackage.json"]:
        os.symlink(path, folder / path.name)
    for damage in damages:
        changed = damage.change((tables.DATA / damage.file).read_bytes().splitlines())
        (folder / damage.file).unlink()
        if changed is not None:
            (folder / damage.file).write_bytes(b"\n".join(changed) + b"\n")
    return folder


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_is_named_with_its_place(tmp_path, name):
    damage = DAMAGES[name]
    folder = damaged(tmp_path, damage)
    before = content(folder)
    faults = tables.check(folder, [Path(damage.file).stem])
    line = damage.line or None
    named = [
        fault for fault in faults if fault.table == damage.file and fault.line == line and fault.kind == damage.kind
    ]
    assert any(all(word in fault.text for word in damage.says) for fault in named), [str(fault) for fault in faults]
    with pytest.raises(InputError) as raised:
        tables.read(Path(damage.file).stem, folder)
    assert isinstance(raised.value, RuleError) is (damage.kind == "rule")
    assert content(folder) == before


def test_a_table_is_read_again_once_a_file_that_it_depends_on_has_changed(tmp_path):
    folder = damaged(tmp_path)
    first = tables.read("co2", folder)
    value = first.loc[0, "value"]
    first.loc[0, "value"] = -1.0  # a change of the caller's copy must not change the table
    assert tables.read("co2", folder).loc[0, "value"] == value
    for name in ("co2.csv", "provinces.csv"):
        whole = (folder / name).read_bytes()
        (folder / name).unlink()
        (folder / name).write_bytes(whole.replace(b"Beijing", b"Beijinh"))
        with pytest.raises(InputError, match="Beijin"):
            tables.read("co2", folder)
        (folder / name).write_bytes(whole)
        assert tables.read("co2", folder).loc[0, "value"] == value


def test_all_faults_of_all_files_come_at_once(tmp_path):
    chosen = [DAMAGES[name] for name in ("unit wrong", "duplicate key", "text for a number", "missing file")]
    faults = tables.check(damaged(tmp_path, *chosen))
    for damage in chosen:
        assert any(fault.table == damage.file and all(word in fault.text for word in damage.says) for fault in faults)


def test_two_faults_of_one_file_come_together(tmp_path):
    first, second = DAMAGES["share over 100 %"], DAMAGES["unknown province"]
    both = Damage("economy.csv", lambda lines: second.change(first.change(lines) or []), "rule", None, ())
    text = "\n".join(map(str, tables.check(damaged(tmp_path, both), ["economy"])))
    assert "'Guandong'" in text
    assert "allowed 0 to 100" in text


def test_a_fault_in_every_row_is_told_once(tmp_path):
    every = Damage("co2.csv", lambda lines: [line.replace(b"Mt CO2", b"kt CO2") for line in lines], "rule", None, ())
    faults = tables.check(damaged(tmp_path, every), ["co2"])
    assert len(faults) == 2  # the unit, and the checksum
    assert "more rows" in faults[1].text or "more rows" in faults[0].text


@pytest.mark.parametrize("text", [None, "{", "[]", '{"resources": 1}'])
def test_a_folder_without_a_descriptor_is_refused(tmp_path, text):
    if text is not None:
        (tmp_path / "datapackage.json").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"datapackage\.json"):
        tables.check(tmp_path)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(position=st.integers(0, 700), put=st.binary(max_size=6))
def test_no_damage_crashes_or_passes_unseen(tmp_path_factory, position, put):
    folder = tmp_path_factory.mktemp("mutated")
    for path in [*tables.DATA.glob("*.csv"), tables.DATA / "datapackage.json"]:
        os.symlink(path, folder / path.name)
    whole = (tables.DATA / "provinces.csv").read_bytes()
    mutated = whole[:position] + put + whole[position + len(put) :]
    (folder / "provinces.csv").unlink()
    (folder / "provinces.csv").write_bytes(mutated)
    assert bool(tables.check(folder, ["provinces"])) is (mutated != whole)


def test_the_descriptor_says_what_it_seals():
    package = json.loads((tables.DATA / "datapackage.json").read_text(encoding="utf-8"))
    assert all(resource["hash"].startswith("sha256:") and resource["bytes"] > 0 for resource in package["resources"])
