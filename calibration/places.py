"""The places of the data: the provinces and the nation that they add up to, from provinces.csv and its descriptor."""

import csv
import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from models.reading.faults import InputError
from models.reading.names import Spellings, choose
from models.reading.yaml_file import read_yaml

DATA = Path(__file__).parent / "data"
VARIABLE = "TANLU_REGION"
"""Environment variable with the folder of the region pack that the process uses."""
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9 ]{0,39}")
_KEYS = {"name", "name_zh", "made_up", "places", "central_heating"}


@dataclass(frozen=True)
class Region:
    """Description of a region pack.

    Attributes:
        folder: folder of the pack.
        name: name of the sum of its places.
        name_zh: the same in Chinese.
        made_up: whether the figures belong to no real place.
        places: names of the places.
        central_heating: the places with heat networks.
    """

    folder: Path
    name: str
    name_zh: str
    made_up: bool
    places: tuple[str, ...]
    central_heating: tuple[str, ...]

    @classmethod
    def read(cls, folder: Path) -> "Region":
        """Read the description in `region.yaml`. Raises InputError with every fault."""
        document = read_yaml(folder / "region.yaml", "the description of a region pack")
        data, faults = document.data, list(document.faults)
        allowed = ", ".join(sorted(_KEYS))
        faults += [f"region.yaml: unknown key {key!r}; allowed: {allowed}" for key in data if key not in _KEYS]
        names = [str(name) for name in data.get("places") or []]
        label = str(data.get("name", ""))
        faults += [] if names or document.faults else ["region.yaml: places: a list of at least one place is needed"]
        faults += [
            f"region.yaml: got {name!r}, allowed: a letter, then letters, digits and spaces, at most 40"
            for name in [*names, label]
            if not _NAME.fullmatch(name) and not document.faults
        ]
        if label in names:
            faults.append(f"region.yaml: name {label!r} is also a place; it names the sum of places, give it another")
        twice = sorted({name for name in names if names.count(name) > 1})
        faults += [f"region.yaml: place {name!r} appears twice" for name in twice]
        heated = [str(name) for name in data.get("central_heating") or []]
        faults += [f"region.yaml: central_heating: {name!r} is not a place" for name in heated if name not in names]
        if faults:
            raise InputError(faults)
        zh = str(data.get("name_zh") or label)
        return cls(folder, label, zh, bool(data.get("made_up", False)), tuple(names), tuple(heated))


def active_region() -> Path | None:
    """The folder of the region pack that this process uses; None with the provinces that ship."""
    folder = os.environ.get(VARIABLE)
    return Path(folder) if folder else None


@cache
def region() -> Region | None:
    """The region that this process uses; None with the provinces that ship."""
    folder = active_region()
    return Region.read(folder) if folder else None


@dataclass(frozen=True)
class Place:
    """A province.

    Attributes:
        name: English name.
        name_zh: Chinese name.
        code: code of GB/T 2260.
        letters: two letters.
        simulated: whether the model simulates it.
        tile: column and row of its square on the tile map.
    """

    name: str
    name_zh: str
    code: int
    letters: str
    simulated: bool
    tile: tuple[int, int] | None


@cache
def places() -> Mapping[str, Place]:
    """The provinces by name, in the order of the statistical yearbook; with a region pack, its places."""
    own = region()
    if own is not None:
        return {name: Place(name, name, 0, name[:2], True, (at % 8, at // 8)) for at, name in enumerate(own.places)}
    with (DATA / "provinces.csv").open(encoding="utf-8", newline="") as stream:
        return {row["province"]: _place(row) for row in csv.DictReader(stream)}


def _place(row: Mapping[str, str]) -> Place:
    tile = (int(row["tile_column"]), int(row["tile_row"])) if row["tile_column"] and row["tile_row"] else None
    return Place(row["province"], row["name_zh"], int(row["code"]), row["letters"], row["simulated"] == "1", tile)


def _nation() -> Mapping[str, str]:
    if (own := region()) is not None:
        return {"name": own.name, "name_zh": own.name_zh}
    package = json.loads((DATA / "datapackage.json").read_text(encoding="utf-8"))
    return {"name": str(package["nation"]["name"]), "name_zh": str(package["nation"]["name_zh"])}


NATION = _nation()["name"]
"""Label of the row that sums the simulated provinces; shown to people as "China (sum of provinces)"."""

SUFFIXES = ("", "省", "市", "自治区", "壮族自治区", "回族自治区", "维吾尔自治区")
"""Suffixes that may follow a province's Chinese name."""


@cache
def _spellings() -> Mapping[str, tuple[str, ...]]:
    """Every place with its other names: Chinese name, national code, letters."""
    names = {
        name: (*(place.name_zh + suffix for suffix in SUFFIXES), str(place.code), place.letters)
        for name, place in places().items()
    }
    return {**names, NATION: (_nation()["name_zh"], *(() if region() else ("中国",)))}


def known_provinces(allowed: Iterable[str] | None = None) -> Spellings:
    """The allowed names (default: all provinces) with their other spellings, in the form that `choose` takes."""
    return Spellings({name: _spellings().get(name, ()) for name in (places() if allowed is None else allowed)})


def simulated() -> list[str]:
    """The provinces that the model simulates, and the nation."""
    return [*(name for name, place in places().items() if place.simulated), NATION]


def choose_province(name: str, allowed: Iterable[str] | None = None) -> str:
    """The province with an English or Chinese name, a code or letters that a user typed.

    Args:
        name: the text that the user typed.
        allowed: the provinces to choose from, and the nation where it is allowed; default: all provinces.

    Raises:
        InputError: there is no such province; the message names the nearest ones.

    >>> choose_province("inner mongolia"), choose_province("广东省")
    ('Inner Mongolia', 'Guangdong')
    """
    return choose(name, known_provinces(allowed), "province")
