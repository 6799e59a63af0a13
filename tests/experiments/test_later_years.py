"""The documented way to forecasts of later years works as it is printed."""

import re
from pathlib import Path
from typing import Any

import pytest

DOCS = Path(__file__).parents[2] / "docs" / "analyses.md"


def test_the_example_gives_thirty_provinces_with_bands(capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", DOCS.read_text(encoding="utf-8"), flags=re.DOTALL)
    space: dict[str, Any] = {}
    exec(code.replace("200", "16"), space)
    table = space["table"]
    assert len(table) == 30
    assert ((table["low_80"] < table["median"]) & (table["median"] < table["high_80"])).all()
    assert "Guangdong" in capsys.readouterr().out
