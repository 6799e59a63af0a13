"""Amounts as officials of either language write them: 万吨标准煤, 亿元, 亿吨; Mtce, billion yuan, Mt."""

from experiments.analyses.numbers import number
from experiments.words.terms import Terms, table

LARGE = 1e4
"""From so many 万吨 on, amounts are written in 亿吨, in sentences and on axes alike."""


def axis(terms: Terms, key: str, largest: float) -> tuple[str, float]:
    """The words of an axis (`Mtce a year`, `Mt a year`) and the factor to it, by the largest value that is drawn.

    >>> axis(Terms("zh"), "Mt a year", 50.0), axis(Terms("zh"), "Mt a year", 11000.0)
    (('万吨/年', 100.0), ('亿吨/年', 0.01))
    """
    chosen = f"{key}, large" if terms.scale(key) * largest >= LARGE else key
    return terms(chosen), terms.scale(chosen)


def capital(words: str) -> str:
    """The words with a capital at their head."""
    return words[:1].upper() + words[1:]


def energy(terms: Terms, mtce: float, *, sign: bool = False) -> str:
    """Coal equivalent, from Mtce: 万吨标准煤 or, from a hundred Mtce on, 亿吨标准煤; Mtce in English, as on its axes.

    >>> energy(Terms("en"), 3.456), energy(Terms("zh"), 3.456), energy(Terms("zh"), 345.6)
    ('3.46 Mtce', '346万吨标准煤', '3.46亿吨标准煤')
    """
    if terms.lang == "en":
        decimals = 2 if abs(mtce) < 10 else 1 if abs(mtce) < 100 else 0
        return terms("text: coal equivalent", amount=number(mtce, decimals, sign=sign))
    if 100 * abs(mtce) >= LARGE:
        return terms("text: coal equivalent, large", amount=number(mtce / 100, 2, sign=sign))
    return terms("text: coal equivalent", amount=number(100 * mtce, 0, sign=sign))


def co2(terms: Terms, mt: float, *, sign: bool = False) -> str:
    """CO2, from Mt: 万吨 or, from a hundred Mt on, 亿吨; Mt in English.

    >>> co2(Terms("en"), 12.34)
    '12.3 Mt CO2'
    """
    if terms.lang == "en":
        return terms("text: Mt CO2", amount=number(mt, 1 if abs(mt) < 100 else 0, sign=sign))
    if 100 * abs(mt) >= LARGE:
        return terms("text: 10^8 t CO2", amount=number(mt / 100, 2, sign=sign))
    return terms("text: Mt CO2", amount=number(100 * mt, 0, sign=sign))


def money(terms: Terms, gyuan: float, *, sign: bool = False) -> str:
    """Yuan, from 10⁹: 亿元 in Chinese, billion yuan in English.

    >>> money(Terms("zh"), 1.25)
    '12.5亿元'
    """
    scale, decimals = (10.0, 1) if terms.lang == "zh" else (1.0, 2)
    return terms("text: yuan", amount=number(scale * gyuan, decimals, sign=sign))


def real(terms: Terms, amount: float, unit: str) -> str:
    """An amount in a real unit of the option catalogue (kW, tce/yr, m2, car …) with the multiple that people say.

    unit: in the language of terms; an English one that is a word gets its plural.

    >>> real(Terms("en"), 5_781_048, "kW"), real(Terms("zh"), 5_781_048, "千瓦")
    ('5.78 GW', '578万千瓦')
    >>> real(Terms("en"), 1_535_000_000, "m2"), real(Terms("zh"), 19_515_339, "辆")
    ('1535 million m²', '1952万辆')
    >>> real(Terms("en"), 45_000, "car"), real(Terms("en"), 1, "household")
    ('45.0 thousand cars', '1.00 household')
    """
    unit = unit.replace("m2", "m²").replace("吨标煤", "吨标准煤")
    if terms.lang == "zh":
        size, words = next(
            ((size, words) for size, words in ((1e8, "亿"), (1e4, "万")) if abs(amount) >= size), (1.0, "")
        )
        return f"{_three(amount / size)}{words}{unit}"
    prefixes = PREFIXED.get(unit, {})
    for size, name in prefixes.items():
        if abs(amount) >= size:
            return f"{_three(amount / size)} {name}"
    size, words = next(
        ((size, words) for size, words in ((1e6, " million"), (1e4, " thousand")) if abs(amount) >= size), (1.0, "")
    )
    if f"counted {unit}" in table():
        unit = terms(f"counted {unit}", n="1" if amount == 1 else "several")
    return f"{_three(amount / (1e3 if words == ' thousand' else size))}{words} {unit}"


PREFIXED = {
    "kW": {1e6: "GW", 1e3: "MW"},
    "kWh/yr": {1e9: "TWh/yr", 1e6: "GWh/yr"},
    "tce/yr": {1e6: "Mtce/yr"},
}
"""Unit → multiples with names of their own, the largest first."""


def _three(value: float) -> str:
    """Three significant digits from a hundred down, whole above."""
    return number(value, 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2)
