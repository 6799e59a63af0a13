"""Malformed studies, mixes, tables and models, built by the hundred: each ends in 2, in our words, small and soon."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from models import PROVINCE

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
    """(file, exit code, what was said, processor seconds, kilobytes) of each file, given to one process in turn."""
    lines = []
    for number, content in enumerate(files):
        path = folder / f"case{number}.{kind}"
        path.write_bytes(content)
        lines.append(json.dumps([*words, str(path)]))
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], input="\n".join(lines), capture_output=True, text=True, check=True,
        cwd=Path(__file__).parents[2], timeout=1800,
    )  # fmt: skip
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(rows) == len(files)
    return [(content, *row) for content, row in zip(files, rows, strict=True)]


def check(found: list[tuple[bytes, int, str, float, int]], what: str, codes: tuple[int, ...] = (2,)) -> None:
    """Every file is refused in our words."""
    worst = max(found, key=lambda row: row[3])
    print(f"{what}: {len(found)}, longest {worst[3]:.1f} s of processor time, at most {found[-1][4] / 1024:.0f} MB")
    wrong = [(content[:300], code, said[:300]) for content, code, said, *_ in found if code not in codes]
    assert not wrong, wrong[:5]
    loud = [said for _, _, said, *_ in found if "Traceback" in said or not said.startswith(("tanlu: ", "8 checks"))]
    assert not loud, loud[:3]
    assert max(len(line) for _, _, said, *_ in found for line in said.splitlines()) < 2000
    assert found[-1][4] < 2_000_000


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
