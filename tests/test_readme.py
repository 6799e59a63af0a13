"""The code in the README runs as it is described."""

import re
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"


def test_the_python_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert len([line for line in code.splitlines() if line.strip()]) <= 12
    exec(compile(code, str(README), "exec"), {})
    printed = capsys.readouterr().out
    change = dict(re.findall(r"^(.+?) {2,}(-?[\d.]+)$", printed, re.MULTILINE))
    assert len(change) == 30
    assert all(float(value) > 0 for value in change.values()), "without the pressure of targets more energy is used"


def test_both_languages_give_the_same_two_commands() -> None:
    texts = (README.read_text(encoding="utf-8"), README.with_suffix(".zh.md").read_text(encoding="utf-8"))
    first, second = (re.findall(r"```bash\n(.*?)```", text, re.DOTALL)[:2] for text in texts)
    assert first == second
    assert len(first) == 2


def test_the_pictures_exist() -> None:
    for picture in re.findall(r"!\[.*?\]\((.*?)\)", README.read_text(encoding="utf-8")):
        assert (README.parent / picture).exists(), picture
