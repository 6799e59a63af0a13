from types import SimpleNamespace
from typing import cast

import pandas as pd

from experiments.cli.tables import terminal_tables
from experiments.runs.store import Run


def test_the_trust_panel_is_set_from_the_left_and_loses_no_word() -> None:
    value = "points against the trend of the previous plan, " * 5 + "80 % bands hold 70 %"
    panel = pd.DataFrame({"topic": ["members", "test"], "value": ["10 drawn", value], "verdict": ["good", "caution"]})
    run = cast(Run, SimpleNamespace(table={"trust": panel}.get))
    shown = terminal_tables.trust(run).to_string(index=False)
    lines = shown.splitlines()
    assert max(map(len, lines)) < 120
    assert lines[1].startswith("good    members 10 drawn")
    assert shown.split()[3:] == ["good", "members", "10", "drawn", "caution", "test", *value.split()]
