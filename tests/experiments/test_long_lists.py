"""A list of more rows than a person makes is refused by its size, before its names are looked up one by one."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from experiments.allocation.negotiation import read_offers
from experiments.allocation.rules import own_table
from experiments.ensemble import own_projects
from models.reading.faults import InputError

READERS: dict[str, tuple[Callable[[Path, list[str]], Any], str, str]] = {
    "targets": (own_table.read, "province,target_percent", "Hebei,17"),
    "offers": (read_offers, "round,province,offer_percent", "1,Hebei,17"),
    "projects": (own_projects.read, "name,province,start,energy", "a,Hebei,2012,1"),
}


@pytest.mark.parametrize("kind", READERS)
def test_a_million_rows_are_refused(kind: str, tmp_path: Path) -> None:
    read, head, row = READERS[kind]
    path = tmp_path / "list.csv"
    path.write_text("\n".join([head, *[row] * 1_000_000]), encoding="utf-8")
    with pytest.raises(InputError, match=r"list.csv.*got [\d,]+ bytes, allowed: a (table|log) of .* at most 1,000,000"):
        read(path, ["Hebei"])
