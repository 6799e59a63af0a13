"""The tutorials of the documentation, executed from their text alone, each in an empty folder.

The code cells are those that the site's builder executes; here without it, so that no notebook server is needed. A
line that begins with `!` is a command, with `{expression}` filled in. At full size `.ci/slow` executes
them as notebooks of the site.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

TUTORIALS = sorted((Path(__file__).parents[1] / "docs" / "tutorials").glob("*.md"))
CELL = re.compile(r"^```{code-cell}\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MEMBERS = {"sensitivity": 16}
"""Members of the small form; else 8."""
START = """
import subprocess as _subprocess

def _command(text):
    done = _subprocess.run(text, shell=True, capture_output=True, text=True)
    assert done.returncode == 0, f"{text}: {done.stderr}"
    print(done.stdout)
"""


def script(tutorial: Path) -> str:
    """The code cells as one Python program."""
    cells = CELL.findall(tutorial.read_text(encoding="utf-8"))
    assert cells, f"{tutorial.name} has no code cell"
    lines = [START]
    for cell in cells:
        text = re.sub(r"^!(.*)$", lambda found: f"_command(f{found[1]!r})", cell, flags=re.MULTILINE)
        lines += ["# cell", text]
    return "\n".join(lines)


def execute(tutorial: Path, folder: Path, members: int) -> None:
    """Run the tutorial; the test fails where a cell or a command does."""
    root, programs = tutorial.parents[2], str(Path(sys.executable).parent)
    here = {**os.environ, "PYTHONPATH": str(root), "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    here["TANLU_MEMBERS"] = str(members)
    (folder / "tutorial.py").write_text(script(tutorial), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "tutorial.py"], cwd=folder, env=here, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{tutorial.name}:\n{done.stderr}"


WRITES = {
    "own-equation": ["runs/forms-*/metrics.nc"],
    "own-region": ["runs/lake-district-*/report.html", "runs/lake-district-*/report.zh.html"],
    "own-study": ["runs/pair-*/metrics.nc"],
    "publish": ["reproduced/paper-*/metrics.nc"],
    "sensitivity": [],
}


def test_every_tutorial_is_known_here() -> None:
    assert [tutorial.stem for tutorial in TUTORIALS] == sorted(WRITES)


SLOW = {"own-equation"}
"""Left to the slow tests even in the small form: members are fitted again under another model form."""


@pytest.mark.parametrize(
    "tutorial",
    [pytest.param(path, marks=pytest.mark.slow if path.stem in SLOW else (), id=path.stem) for path in TUTORIALS],
)
def test_a_tutorial_runs_from_its_text_alone(tutorial: Path, tmp_path: Path) -> None:
    execute(tutorial, tmp_path, MEMBERS.get(tutorial.stem, 8))
    for pattern in WRITES[tutorial.stem]:
        assert list(tmp_path.glob(pattern)), f"{pattern} was not written"
