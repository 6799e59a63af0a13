"""The words: one table (`terms.csv`) holds every text of report and explorer in English and Chinese."""

import csv
import json
import math
import re
import string
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from calibration.places import Region, region
from models.indicators import Indicator

Lang = Literal["en", "zh"]
LANGS: tuple[Lang, ...] = ("en", "zh")
NARROW = "\N{NARROW NO-BREAK SPACE}"
TABLE = Path(__file__).with_name("terms.csv")
CHINESE_UNITS = {
    "year": "年", "Mtce": "百万吨标准煤", "Mt": "百万吨", "Gyuan": "十亿元", "kyuan": "千元", "person": "人",
}  # fmt: skip
OFFICIAL_UNITS = {"Mtce": ("万吨标准煤", 100.0), "Mt": ("万吨", 100.0), "Gyuan": ("亿元", 10.0), "kyuan": ("万元", 0.1)}
"""Unit of the model → the unit in which officials write the quantity, and the factor to it."""
SIZES = (
    *(("百万吨", 1e6), ("亿吨", 1e8), ("万吨", 1e4), ("十亿元", 1e9), ("亿元", 1e8), ("千元", 1e3), ("万元", 1e4)),
    *(("Mtce", 1e6), ("Mt", 1e6), ("10⁹ yuan", 1e9), ("billion yuan", 1e9), ("thousand yuan", 1e3)),
)
"""Tonnes or yuan of the units that a text may name; the first that is found counts."""
IN_REGION = "in a region: "
"""Begins the key of a text that replaces another when the run is of a region pack."""


@cache
def table() -> Mapping[str, tuple[str, str]]:
    """Key → (English, Chinese), every row of `terms.csv` (kind, key, en, zh; no key: the English text)."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        texts = {row["key"] or row["en"]: (row["en"], row["zh"]) for row in csv.DictReader(file)}
    return texts if (own := region()) is None else texts | _of_region(texts, own)


def _of_region(texts: Mapping[str, tuple[str, str]], own: Region) -> dict[str, tuple[str, str]]:
    """Texts of pages about a region pack in place of those about China: the rows `in a region: <text>`."""
    return {
        key.removeprefix(IN_REGION): (en.replace("{region}", own.name), zh.replace("{region}", own.name_zh))
        for key, (en, zh) in texts.items()
        if key.startswith(IN_REGION)
    }


@dataclass(frozen=True)
class Terms:
    """Texts in one language: `terms("met {n} times", n=3)`. Words follow a count as `filled` has it.

    lang: "en" or "zh".
    """

    lang: Lang = "en"

    def __call__(self, key: str, /, **values: object) -> str:
        """A text of ours in this language, its placeholders filled. KeyError: the table lacks it."""
        text = table()[key][LANGS.index(self.lang)]
        return self._joined(filled(text, **values) if values else text)

    def name(self, key: object, kind: str = "") -> str:
        """The name of a thing that may be a user's own (mix, rule, parameter): unknown names stay as they are.

        kind: what it is, where one word names two things ("factor").
        """
        words = str(key)
        known = table().get(f"{kind} {words}") or table().get(words) or table().get(words.replace("_", " "))
        return known[LANGS.index(self.lang)] if known else words

    def indicator(self, one: Indicator) -> str:
        """The name of a plan's indicator."""
        return one.name_zh if self.lang == "zh" else one.name

    def unit(self, unit: str) -> str:
        """A unit of the model, its parts by their names."""
        known = table().get(unit)
        if self.lang == "en" or (known and _size(known[1]) is None):  # an official unit would be of other values
            return self.name(unit) if known else unit
        return re.sub(r"[A-Za-z]+", lambda word: CHINESE_UNITS.get(word[0], word[0]), unit)

    def official(self, unit: str) -> tuple[str, float]:
        """A unit of the model as officials write it, and the factor from the model's values to it.

        >>> Terms("zh").official("Gyuan/Mtce")
        ('亿元/万吨标准煤', 0.1)
        """
        if self.lang == "en":
            return self.unit(unit), 1.0
        factor = 1.0
        for part, words in enumerate(re.split(r"/", unit.replace("(", "").replace(")", ""))):
            for word in words.split("*"):
                size = OFFICIAL_UNITS.get(word, ("", 1.0))[1]
                factor *= size if part == 0 else 1 / size
        names = CHINESE_UNITS | {name: words for name, (words, _) in OFFICIAL_UNITS.items()}
        return re.sub(r"[A-Za-z]+", lambda word: names.get(word[0], word[0]), unit), factor

    def scale(self, key: str) -> float:
        """From the English unit that a head or axis names to the one that its text in this language names.

        The words decide: where the Chinese text says 万吨标准煤 and the English one Mtce, values grow a hundredfold.

        >>> Terms("zh").scale("Mtce a year"), Terms("en").scale("Mtce a year"), Terms("zh").scale("tce per 10⁴ yuan")
        (100.0, 1.0, 1.0)
        """
        english, own = _size(table()[key][0]), _size(table()[key][LANGS.index(self.lang)])
        return english / own if english and own else 1.0

    def _joined(self, text: str) -> str:
        """Numbers keep their per cent sign on one line."""
        return text.replace(" %", f"{NARROW}%")

    def message(self, stored: str) -> str:
        """A text that an analysis stored as key and values (`analyses.messages`); any other text stays as it is.

        >>> Terms("zh").message('{"text": "trust: widest", "index": 0.123}')
        '±0.12'
        """
        return str(self._told(json.loads(stored))) if stored.startswith("{") else stored

    def _told(self, value: object) -> object:
        """A value of a message as its text shows it."""
        if isinstance(value, list):
            return ("；" if self.lang == "zh" else "; ").join(str(self._told(item)) for item in value)
        if isinstance(value, dict):
            if "text" not in value:
                return value[self.lang]
            shown = {name: self._told(item) for name, item in value.items() if name != "text"}
            return filled(table()[value["text"]][LANGS.index(self.lang)], **shown)
        return self.name(value) if isinstance(value, str) else value

    def names(self, items: list[str]) -> str:
        """A list in words: "a, b and c"."""
        shown = [self.name(item) for item in items]
        if self.lang == "zh":
            return "、".join(shown)
        return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}" if shown else ""

    def share(self, fraction: float) -> str:
        """A share that was counted: as `chance`, but all and none are written as words."""
        gap = "" if self.lang == "zh" else NARROW
        return f"{100 * fraction:.0f}{gap}%" if fraction in (0, 1) else self.chance(fraction)

    def chance(self, fraction: float) -> str:
        """A chance in whole per cents; never "0 %" or "100 %", which a sample cannot show."""
        gap = "" if self.lang == "zh" else NARROW
        if math.isnan(fraction):
            return "–"
        percent = 100 * fraction
        if percent < 1:
            return f"<1{gap}%"
        return f">99{gap}%" if percent > 99 else f"{percent:.0f}{gap}%"


class _Filling(string.Formatter):
    """`{n:rule|rules}` is the first word where n is one, else the second; the number itself is written by `{n}`."""

    def format_field(self, value: object, format_spec: str) -> str:
        one, bar, several = format_spec.partition("|")
        if not bar:
            return str(super().format_field(value, format_spec))
        return one if str(value) == "1" else several


def filled(text: str, /, **values: object) -> str:
    """A text with its placeholders filled, words in the singular or the plural by their count.

    >>> filled("{n} {n:rule asks|rules ask} less", n=1), filled("{n} {n:rule asks|rules ask} less", n=3)
    ('1 rule asks less', '3 rules ask less')
    """
    return _Filling().vformat(text, (), values)


def _size(text: str) -> float | None:
    """Tonnes or yuan of the unit that a text names."""
    return next((size for unit, size in SIZES if unit in text), None)
