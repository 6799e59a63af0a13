"""The places of the data: the provinces and the nation that they add up to, from provinces.csv and its descriptor."""

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

DATA = Path(__file__).parent / "data"


@dataclass(frozen=True)
class Place:
    """A province: names, code (GB/T 2260), two letters, whether the model simulates it, its square of the tile map."""

    name: str
    name_zh: str
    code: int
    letters: str
    simulated: bool
    tile: tuple[int, int] | None


@cache
def places() -> Mapping[str, Place]:
    """The provinces by name, in the order of the statistical yearbook."""
    with (DATA / "provinces.csv").open(encoding="utf-8", newline="") as stream:
        return {row["province"]: _place(row) for row in csv.DictReader(stream)}


def _place(row: Mapping[str, str]) -> Place:
    tile = (int(row["tile_column"]), int(row["tile_row"])) if row["tile_column"] and row["tile_row"] else None
    return Place(row["province"], row["name_zh"], int(row["code"]), row["letters"], row["simulated"] == "1", tile)


def _nation() -> Mapping[str, str]:
    package = json.loads((DATA / "datapackage.json").read_text(encoding="utf-8"))
    return {"name": str(package["nation"]["name"]), "name_zh": str(package["nation"]["name_zh"])}


NATION = _nation()["name"]
"""Label of the row that sums the simulated provinces; shown to people as "China (sum of provinces)"."""
