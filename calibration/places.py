"""The places of the data: the provinces and the nation that they add up to, from provinces.csv and its descriptor."""

import csv
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from models.reading.names import Spellings, choose

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

SUFFIXES = ("", "省", "市", "自治区", "壮族自治区", "回族自治区", "维吾尔自治区")
"""What may follow a province's Chinese name."""


@cache
def _spellings() -> Mapping[str, tuple[str, ...]]:
    """Every place with its other names: in Chinese, the national code, the letters."""
    names = {
        name: (*(place.name_zh + suffix for suffix in SUFFIXES), str(place.code), place.letters)
        for name, place in places().items()
    }
    return {**names, NATION: (_nation()["name_zh"], "中国")}


def known_provinces(allowed: Iterable[str] | None = None) -> Spellings:
    """The allowed names (default: all provinces) with their other spellings, as `choose` takes them."""
    return Spellings({name: _spellings().get(name, ()) for name in (places() if allowed is None else allowed)})


def simulated() -> list[str]:
    """The provinces that the model simulates, and the nation."""
    return [*(name for name, place in places().items() if place.simulated), NATION]


def choose_province(name: str, allowed: Iterable[str] | None = None) -> str:
    """The province that is meant, by its English or Chinese name, its code or its letters.

    Args:
        name: what the user typed.
        allowed: the provinces to choose from, and the nation where it is allowed; default: all provinces.

    Raises:
        InputError: there is no such province; it says which ones are near.

    >>> choose_province("inner mongolia"), choose_province("广东省")
    ('Inner Mongolia', 'Guangdong')
    """
    return choose(name, known_provinces(allowed), "province")
