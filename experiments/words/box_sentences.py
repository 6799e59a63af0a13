"""Boxes of failure conditions as sentences, in English and Chinese, with units."""

import math
from collections.abc import Mapping, Set

import pandas as pd

from experiments.analyses.prim import PrimBox
from experiments.words.terms import Terms

LANGUAGES = ("en", "zh")


def quantity(value: float, unit: str, lang: str = "en") -> str:
    """Three significant digits and the unit; a yearly rate in per cent a year, a pure number alone."""
    if unit == "1/year":
        value, unit = 100 * value, "%/year"
    if unit == "Dmnl":
        return _digits(value)
    words, factor = Terms("zh").official(unit) if lang == "zh" else (unit, 1.0)
    return f"{_digits(factor * value)} {words}"


def _digits(value: float) -> str:
    """Three significant digits, no exponent, no trailing zeros."""
    if value == 0 or not math.isfinite(value):
        return "0" if value == 0 else str(value)
    places = max(0, 2 - math.floor(math.log10(abs(value))))
    text = f"{value:.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def condition(name: str, low: float, high: float, unit: str, lang: str, *, known: bool = True) -> str:
    """One restriction in words, for example "effort sensitivity is below 12.5 year".

    known: whether the data identify the parameter; the sentence states this if they do not.
    """
    terms = Terms("zh" if lang == "zh" else "en")
    plain, _, place = name.removesuffix("]").partition("[")
    sector = place.partition(",")[2]  # the province, which comes first, is the sentence's own
    shown = terms.name(plain) + (
        f"（{terms.name(sector)}）" if sector and lang == "zh" else f" ({sector})" if sector else ""
    )
    if not known:
        shown += "（未能识别）" if lang == "zh" else " (not identified)"
    lower, upper = (quantity(v, unit, lang) for v in (low, high))
    if math.isinf(high):
        return f"{shown}高于 {lower}" if lang == "zh" else f"{shown} is above {lower}"
    if math.isinf(low):
        return f"{shown}低于 {upper}" if lang == "zh" else f"{shown} is below {upper}"
    return f"{shown}介于 {lower} 与 {upper} 之间" if lang == "zh" else f"{shown} lies between {lower} and {upper}"


def box(found: PrimBox, units: Mapping[str, str], unknown: Set[str], lang: str, **of: object) -> str:
    """The box as one sentence with coverage and density on the held-out members.

    units: input → unit; unknown: inputs that the data do not identify. of: province, target (%), allocation, mix.
    """
    limits = found.limits.items()
    parts = [condition(n, lo, hi, units.get(n, ""), lang, known=n not in unknown) for n, (lo, hi) in limits]
    scores = {k: f"{100 * v:.0f}" for k, v in found.scores().items()}
    terms = Terms("zh" if lang == "zh" else "en")
    province, allocation, mix = (terms.name(of[k]) for k in ("province", "allocation", "mix"))
    if lang == "zh":
        return (
            f"当{'，且'.join(parts)}时，{province}有 {scores['density']} % 的情形（95 % 区间 {scores['density_low']}–"
            f"{scores['density_high']} %）达不到 {of['target']:.3g} % 的目标；全部情形中为 {scores['base']} %。"
            f"该条件涵盖全部未达标情形的 {scores['coverage']} %。"
            f"（{allocation}，{mix}；以未参与寻找的 {found.members} 个样本检验）"
        )
    return (
        f"Where {_listed(parts)}, {province} misses its target of {of['target']:.3g} % in {scores['density']} % of "
        f"the futures (95 % interval {scores['density_low']}–{scores['density_high']} %), against {scores['base']} % "
        f"over all of them; these conditions cover {scores['coverage']} % of all misses. ({allocation}, {mix}; judged "
        f"on {found.members} members that were not used to find them.)"
    )


def own(boxes: pd.DataFrame) -> pd.DataFrame:
    """The rows whose conditions a province can observe or move."""
    return boxes[boxes["kind"] == "own"] if "kind" in boxes else boxes


def once(boxes: pd.DataFrame, provinces: int, lang: str) -> str:
    """One sentence for all provinces without a condition of their own; empty where there is none.

    boxes: rows of one scenario; provinces: how many are judged.
    """
    left = provinces - own(boxes)["province"].nunique() if len(boxes) else provinces
    if left <= 0:
        return ""
    terms = Terms("zh" if lang == "zh" else "en")
    rows = boxes[boxes["kind"] == "national"] if "kind" in boxes else boxes[:0]
    names = dict.fromkeys(name for text in rows.get("inputs", pd.Series(dtype=str)) for name in text.split("; "))
    text = terms("text: national conditions decide", n=left, total=provinces)
    return f"{text}{terms('text: these assumptions', names=terms.names([*names]))}" if names else text


def _listed(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def row(found: PrimBox, units: Mapping[str, str], unknown: Set[str] = frozenset(), **of: object) -> dict[str, object]:
    """A row of the table of boxes: of, restricted inputs, scores, sentence_en, sentence_zh."""
    said = {f"sentence_{lang}": box(found, units, unknown, lang, **of) for lang in LANGUAGES}
    return {**of, "inputs": "; ".join(found.limits), "restricted": len(found.limits), **found.scores(), **said}
