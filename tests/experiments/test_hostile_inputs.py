"""Malformed studies, mixes, tables and models, built by the hundred: each ends in 2, in our words, small and soon."""

import json
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from calibration import tables
from models import PROVINCE
from tests.calibration import test_damaged

SCRIPT = """
import json, resource, sys, time
from typer.testing import CliRunner
from experiments.cli import app
for line in sys.stdin:
    words = json.loads(line)
    start = time.process_time()
    answer = CliRunner().invoke(app, words)
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps([answer.exit_code, answer.stderr, time.process_time() - start, used]), flush=True)
"""

STUDY: dict[str, Any] = {
    "extends": "twelfth-plan", "name": "hostile", "title": "A title", "title_zh": "标题", "members": 16, "seed": 3,
    "target": {"plan": "p12", "national": 16.0}, "allocations": [{"rule": "official", "options": {}}],
    "mixes": [{"mix": "base"}], "parameters": {"switch rebound": 1}, "uncertain": {"depreciation rate": {"low": 0.07}},
    "sampling": {"method": "sobol", "posterior": True}, "policy": {"province": "Hebei", "mix": "base", "members": 8},
    "sensitivity": {"runs": 4000}, "hindcast": False, "outputs": {"variables": ["gdp"], "quantiles": [0.5]},
}  # fmt: skip
STUDY_VALUES: list[Any] = [[[1, 2]], {"no such key": 1}, float("nan"), "\x00", -1e300]
MIX: dict[str, Any] = {
    "title": "A mix", "title_zh": "组合", "description": "What it is.",
    "levers": {"services shift": {"value": 1.0, "source": "a source"}, "plant closure": 0.5},
}  # fmt: skip
MIX_VALUES: list[Any] = [[[1, 2]], {"no such key": 1}, float("nan"), -1e300, float("inf"), "\x00"]
RAW = [
    b"",
    b"\x00\xff\xfe",
    b"- 1\n- 2\n",
    b"{",
    b"a: b: c\n",
    b"&a [*a]\n",
    "标题: 值".encode("gbk"),
    b"!!python/object:os.system {}\n",
]
ROWS = [
    b"", b"province\n", b"province,target_percent\n", b"province,target_percent\nBeijing\n", b"\xff\xfe\x00",
    b"province,target_percent\nBeijing,seventeen\n", b"province,target_percent\nBeijing,nan\n",
    b"province,target_percent\nBeijing,inf\n", b"province,target_percent\nBeijing,-1e300\n",
    b"province,target_percent\nBeijing,17\nBeijing,18\n", b"province,target_percent\nAtlantis,17\n",
    b"province;target_percent\nBeijing;17\n", b"province,target_percent\n\"Beijing,17\n",
    b"province,target_percent,\nBeijing,17,,,\n", b"province,target_percent\nBeijing,1_7\n",
    b"province,target_percent\nBeijing,0x11\n", b"province,target_percent\nBeijing,17%\n",
    b"province,target_percent,target_percent\nBeijing,17,18\n", b"province,target_percent\nbeijing\x00,17\n",
    b"province,target_percent\nBeijing,100\n",
]  # fmt: skip
MODEL = "x = 1\n\t~\tDmnl\n\t~\t|\n"
CONTROLS = "".join(
    f"{name} = {value}\n\t~\tyear\n\t~\t|\n"
    for name, value in (("INITIAL TIME", 0), ("FINAL TIME", 2), ("TIME STEP", 1), ("SAVEPER", "TIME STEP"))
)
MODELS = [
    "", "\x00", "{UTF-8}\n", "x = \n~\n~\n|\n", "x = 1 +\n~\n~\n|\n", "x = (1\n~\n~\n|\n", "x = y\n~\n~\n|\n",
    "x = x + 1\n~\n~\n|\n", "x = NO SUCH FUNCTION(1)\n~\n~\n|\n", "x[a] = 1\n~\n~\n|\n",
    "x = 1\n~\n~\n|\nx = 2\n~\n~\n|\n",
    "x = INTEG(1)\n~\n~\n|\n", "x = IF THEN ELSE(1)\n~\n~\n|\n", "x = 1,2\n~\n~\n|\n", "x = 1e\n~\n~\n|\n",
    "x = GET XLS DATA('a.xls','b','c','d')\n~\n~\n|\n", ":MACRO: M(a)\nM = a\n~\n~\n|\n", "x = 'text'\n~\n~\n|\n",
    "x = 1 = 2 = \n~\n~\n|\n", "<xmile>", "<?xml version='1.0'?><xmile/>", "x =" + "(" * 3000 + "1\n~\n~\n|\n",
    "x = WITH LOOKUP(Time, ())\n~\n~\n|\n", "x = VECTOR SORT ORDER(1)\n~\n~\n|\n", "x = 1;\n~\n~\n|\n",
]  # fmt: skip


def paths(data: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The place of every part of plain data below its top."""
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, part in items:
        yield (*at, key)
        yield from paths(part, (*at, key))


def planted(data: Any, at: tuple[Any, ...], value: Any) -> Any:
    """A copy with another value in one place."""
    copy = json.loads(json.dumps(data))
    part = copy
    for key in at[:-1]:
        part = part[key]
    part[at[-1]] = value
    return copy


def documents(data: dict[str, Any], values: list[Any], count: int, skip: frozenset[tuple[Any, ...]]) -> list[bytes]:
    """Files with one wrong value each, spread over places and values, and the raw ones."""
    cases = [(at, value) for value in values for at in paths(data) if at not in skip]
    made = [yaml.dump(planted(data, at, value), allow_unicode=True).encode() for at, value in cases]
    return [*RAW, *made][:count]


STUDIES = documents(STUDY, STUDY_VALUES, 120, frozenset())
MIXES = documents(MIX, MIX_VALUES, 50, frozenset())


def answers(folder: Path, kind: str, files: list[bytes], words: list[str]) -> list[tuple[bytes, int, str, float, int]]:
    """(file, exit code, output, processor seconds, kilobytes) of each file, given to one process in turn."""
    paths = [folder / f"case{number}.{kind}" for number in range(len(files))]
    for path, content in zip(paths, files, strict=True):
        path.write_bytes(content)
    rows = said_to([[*words, str(path)] for path in paths])
    return [(content, *row) for content, row in zip(files, rows, strict=True)]


def said_to(commands: list[list[str]]) -> list[tuple[int, str, float, int]]:
    """(exit code, output, processor seconds, greatest memory so far in kilobytes) of commands in one process."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], input="\n".join(map(json.dumps, commands)), capture_output=True, text=True,
        check=True, cwd=Path(__file__).parents[2], timeout=1800,
    )  # fmt: skip
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(rows) == len(commands)
    return rows


def check(found: list[tuple[bytes, int, str, float, int]], what: str, codes: tuple[int, ...] = (2,)) -> None:
    """Every file is refused in our words."""
    worst = max(found, key=lambda row: row[3])
    codes_seen = dict(Counter(code for _, code, *_ in found))
    memory = f"at most {found[-1][4] / 1024:.0f} MB"
    print(f"{what}: {len(found)}, exit codes {codes_seen}, longest {worst[3]:.1f} s of processor time, {memory}")
    wrong = [(content[:300], code, said[:300]) for content, code, said, *_ in found if code not in codes]
    assert not wrong, wrong[:5]
    loud = [said for _, _, said, *_ in found if "Traceback" in said or not said.startswith(("tanlu: ", "8 checks"))]
    assert not loud, loud[:3]
    assert max(len(line) for _, _, said, *_ in found for line in said.splitlines()) < 2000
    assert found[-1][4] < 2_000_000
    assert worst[3] < 10


@pytest.mark.slow
def test_malformed_studies(tmp_path: Path) -> None:
    check(answers(tmp_path, "yaml", STUDIES, ["run", "--dry-run"]), "studies")


@pytest.mark.slow
def test_malformed_mixes(tmp_path: Path) -> None:
    check(answers(tmp_path, "yaml", MIXES, ["policy", "mixes"]), "mixes")


@pytest.mark.slow
def test_malformed_tables(tmp_path: Path) -> None:
    tables = [*ROWS, *(row + b"Hebei,17\n" for row in ROWS[6:16])]
    check(answers(tmp_path, "csv", tables, ["allocate", "--rule", "csv", "--table"]), "tables")


@pytest.mark.slow
def test_malformed_models(tmp_path: Path) -> None:
    whole = PROVINCE.read_text(encoding="utf-8")
    assert len(MODELS) == 25
    files = [
        (text if text.startswith("<") or len(text) < 3 else "{UTF-8}\n" + text + CONTROLS).encode() for text in MODELS
    ]
    files[1] = whole[: len(whole) // 2].encode()
    check(answers(tmp_path, "mdl", files, ["model", "check"]), "models", (2, 3))  # 3: a check failed


def folders(tmp_path: Path) -> list[Path]:
    """40 damaged data folders: the kinds of tests/calibration/test_damaged, and ruins of other tables in turn."""
    made = [
        test_damaged.damaged(tmp_path / f"kind{number}", damage)
        for number, damage in enumerate(test_damaged.DAMAGES.values())
    ]
    files = sorted(path.name for path in tables.DATA.glob("*.csv"))
    for number in range(40 - len(made)):
        folder = test_damaged.damaged(tmp_path / f"ruin{number}")
        name = [*files, "datapackage.json"][number % (len(files) + 1)]
        whole = (tables.DATA / name).read_bytes()
        ruin = RUINS[number % len(RUINS)]
        (folder / name).unlink()
        (folder / name).write_bytes(ruin(whole))
        made.append(folder)
    return made


RUINS: list[Callable[[bytes], bytes]] = [
    lambda whole: b"",
    lambda whole: whole[: len(whole) // 2 - 3],
    lambda whole: whole.splitlines()[0] + b"\n",
    lambda whole: whole.replace(b",", b";"),
    lambda whole: whole.replace(b"\n", b',"\n', 3),
    lambda whole: whole + whole,
    lambda whole: whole[::-1],
    lambda whole: random.Random(len(whole)).randbytes(len(whole)),
]


@pytest.mark.slow
def test_damaged_data_folders(tmp_path: Path) -> None:
    made = folders(tmp_path)
    before = [test_damaged.content(folder) for folder in made]
    rows = said_to([["data", "check", str(folder)] for folder in made])
    check([(str(one).encode(), *row) for one, row in zip(made, rows, strict=True)], "data folders", (2, 3))
    assert [test_damaged.content(folder) for folder in made] == before


LARGE = 1_000_000
NAMES = 60_000


def large_inputs(folder: Path) -> dict[str, list[str]]:
    """Commands with more rows, mixes and names than anybody has."""

    def put(name: str, text: str) -> str:
        (folder / name).write_text(text, encoding="utf-8")
        return str(folder / name)

    def study(name: str, text: str) -> list[str]:
        return ["run", "--dry-run", put(f"{name}.yaml", f"extends: twelfth-plan\nname: large\nmembers: 16\n{text}")]

    targets = ["allocate", "--rule", "csv", "--table"]
    package = test_damaged.damaged(folder)
    economy = (package / "economy.csv").read_text(encoding="utf-8").splitlines()
    (package / "economy.csv").unlink()
    put("data/economy.csv", "\n".join([*economy, *[economy[-1]] * LARGE]))
    rows = "\n".join(f"{number:x},Hebei,2012,1" for number in range(LARGE))
    put("projects.csv", f"name,province,start,energy\n{rows}\n")
    mixes = ", ".join(f"{{mix: base, name: m{number}}}" for number in range(3000))
    unknown = ", ".join(f"u{number}: 1" for number in range(15_000))  # as many as a study's 200,000 bytes hold
    return {
        "rows of one province": [*targets, put("same.csv", "province,target_percent\n" + "Beijing,17\n" * LARGE)],
        "unknown provinces": [
            *targets,
            put("names.csv", "province,target_percent\n" + "".join(f"Atlantis{n},17\n" for n in range(NAMES))),
        ],
        "rows of a data table": ["data", "check", str(package)],
        "rows of a list of projects": study("projects", "projects: projects.csv\n"),
        "mixes": study("mixes", f"mixes: [{mixes}]\npolicy: null\n"),
        "unknown parameters": study("few", f"parameters: {{{unknown}}}\n"),
        "unknown parameters beyond the size of a study": study(
            "many", "parameters: {" + ", ".join(f"unknown {n}: 1" for n in range(NAMES)) + "}\n"
        ),
        "unknown keys": study("keys", "".join(f"u{n}: 1\n" for n in range(15_000))),
        "unknown provinces of a study": study("where", f"provinces: [{', '.join(f'u{n}' for n in range(15_000))}]\n"),
        "unknown levers": ["policy", "mixes", put("mix.yaml", f"title: t\nlevers: {{{unknown}}}")],
    }  # fmt: skip


@pytest.mark.slow
def test_a_million_rows_thousands_of_mixes_and_of_names(tmp_path: Path) -> None:
    asked = large_inputs(tmp_path)
    rows = dict(zip(asked, said_to(list(asked.values())), strict=True))
    for name, (code, said, seconds, memory) in rows.items():
        lines = said.splitlines()
        print(f"{name}: exit code {code}, {seconds:.1f} s, {memory / 1024:.0f} MB, {len(lines)} lines: {lines[:1]}")
    for name, (code, said, seconds, memory) in rows.items():
        assert code in ((0, 2) if name == "mixes" else (2, 3)), name
        assert seconds < 60, name
        assert memory < 2_000_000, name
        assert len(said.splitlines()) <= 60, name
        assert "Traceback" not in said, name
