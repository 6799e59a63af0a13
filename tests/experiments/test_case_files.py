"""Small files that a user may name, most of them hostile: each is answered as tests/cases/files/cases.csv says."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "cases" / "files"
CASES = [row["file"] for row in csv.DictReader((FOLDER / "cases.csv").read_text(encoding="utf-8").splitlines())]
KILOBYTES = 1_000_000

SAYS = {
    "mix_key_twice.yaml": ["mix_key_twice.yaml:2: key 'levers' appears twice, first on mix_key_twice.yaml:1"],
    "mix_alias_bomb.yaml": ["mix_alias_bomb.yaml:2: YAML aliases (*name) are not allowed"],
    "mix_deep.yaml": ["mix_deep.yaml:1: got lists in lists without end, allowed: 20 deep"],
    "mix_bad_date.yaml": ["mix_bad_date.yaml:1: got 2011-13-45, which is no date"],
    "mix_long_number.yaml": [
        "mix_long_number.yaml:1: got 99999999999999999999…, a number of 5,000 digits, allowed: at"
    ],
    "mix_extends_number.yaml": ["mix_extends_number.yaml:1: extends: got 5, allowed: the name or path of a mix"],
    "mix_nan_range.yaml": ["mix_nan_range.yaml:1: got .nan, allowed: a finite number"],
    "study_octal.yaml": ["study_octal.yaml:3: got 0100, which YAML reads as octal"],
    "study_sexagesimal.yaml": ["study_sexagesimal.yaml:3: got 1:40, which YAML reads in base 60"],
    "study_surrogate.yaml": ["study_surrogate.yaml:3: got the character U+D800 in a text"],
    "study_switch_5.yaml": ["parameters: 'switch rebound': got 5, allowed: 0 to 1"],
    "study_huge_effort.yaml": ["parameters: 'effort sensitivity': got -1e+300, allowed: 0 to 400"],
    "study_option_named_rule.yaml": [
        "allocation s1: unknown option of rule s1 'rule'",
        "unknown option of rule s1 'national'",
        "cap",
    ],
    "targets_formula.csv": [
        "targets_formula.csv:2: target_percent of Beijing: got \"=cmd|'/C calc'!A0\", allowed: a n"
    ],
    "targets_label_formula.yaml": ["got the label '=HYPERLINK("],
    "targets_gbk.csv": ["targets_gbk.csv:1: got byte 0xb7, allowed: UTF-8 text; the file seems to be in GBK"],
}
"""The message about each file, and nothing else, but for the table of one province: the others are missing."""

RUN = {"study_own_rebound.yaml"}
"""Files that a run answers, in its trust panel (test_members_fit.py): a dry run accepts them."""

SCRIPT = """
import json, resource, sys
from pathlib import Path
from typer.testing import CliRunner
from experiments.cli import app
for name in sys.argv[2:]:
    file = str(Path(sys.argv[1]) / name)
    words = ["allocate", "--rule", "csv", "--table", file] if name.endswith(".csv") else ["run", "--dry-run", file]
    words = ["policy", "mixes", file] if name.startswith("mix") else words
    answer = CliRunner().invoke(app, words)
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps([name, answer.exit_code, answer.stderr, used]), flush=True)
"""


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[int, str, int]]:
    """Exit code, output and the greatest memory of a process that was given every file."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(FOLDER), *CASES], capture_output=True, text=True, check=True, timeout=300,
        cwd=Path(__file__).parents[2],
    )  # fmt: skip
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    return {name: (code, said, memory) for name, code, said, memory in rows}


def test_every_case_is_here() -> None:
    assert set(SAYS) | RUN == set(CASES) == {path.name for path in FOLDER.iterdir()} - {"cases.csv"}
    assert not set(SAYS) & RUN


@pytest.mark.parametrize("file", CASES)
def test_every_answer_is_short_and_small(answers: dict[str, tuple[int, str, int]], file: str) -> None:
    _, said, memory = answers[file]
    assert memory < KILOBYTES
    assert all(len(line) < 1000 for line in said.splitlines())


@pytest.mark.parametrize("file", SAYS)
def test_refused_in_the_users_words(answers: dict[str, tuple[int, str, int]], file: str) -> None:
    code, said, *_ = answers[file]
    assert code == 2
    assert all(words in said for words in SAYS[file]), said
    faults = [line for line in said.splitlines() if ": no row for " not in line]
    assert len(faults) == len([words for words in SAYS[file] if len(words) > 5]), said


@pytest.mark.parametrize("file", sorted(RUN))
def test_accepted_by_a_dry_run(answers: dict[str, tuple[int, str, int]], file: str) -> None:
    assert answers[file][0] == 0
