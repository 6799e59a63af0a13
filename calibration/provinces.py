"""Provinces by any of their names: `guangdong`, 广东, 广东省."""

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from models.reading.names import Spellings, choose
from models.reading.table_file import read_table

TABLE = Path(__file__).parent / "data" / "provinces.csv"
NATION = "China"
SUFFIXES = ("", "省", "市", "自治区", "壮族自治区", "回族自治区", "维吾尔自治区")
"""What may follow a province's Chinese name."""


@cache
def spellings() -> Mapping[str, tuple[str, ...]]:
    """The 31 provinces in yearbook order and the nation, each with its other names: Chinese, and the national code."""
    rows = read_table(TABLE, "the table of provinces", ("province", "code", "name_zh"), other_columns=True).checked()
    names = {
        row["province"]: (*(row["name_zh"] + suffix for suffix in SUFFIXES), row["code"]) for _, row in rows.records()
    }
    return {**names, NATION: ("中国", "全国")}


def known_provinces(allowed: Iterable[str] | None = None) -> Spellings:
    """The allowed names (default: the 31 provinces) with their other spellings, as `choose` takes them."""
    names = [name for name in spellings() if name != NATION] if allowed is None else allowed
    return Spellings({name: spellings().get(name, ()) for name in names})


def choose_province(name: str, allowed: Iterable[str] | None = None) -> str:
    """The province that is meant, by its English or Chinese name or its code.

    Args:
        name: what the user typed.
        allowed: the provinces to choose from, and the nation where it is allowed; default: the 31 provinces.

    Raises:
        InputError: there is no such province; it says which ones are near.

    >>> choose_province("inner mongolia"), choose_province("广东省")
    ('Inner Mongolia', 'Guangdong')
    """
    return choose(name, known_provinces(allowed), "province")
