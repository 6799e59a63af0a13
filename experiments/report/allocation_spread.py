"""The picture of every province's possible targets: one row per province with its targets by all rules."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from experiments.allocation.comparison import NEAR, Comparison, asks_more
from experiments.allocation.indicators import known_plan
from experiments.allocation.national import Array
from experiments.analyses.numbers import number
from experiments.words.svg import STYLE, register_fonts, wrap
from experiments.words.terms import Terms

MORE, LESS, EVEN = "#B35806", "#542788", "#6b7280"
"""Most rules ask more than the nation's target, less, or neither; distinguishable by the colour-blind."""
MAJORITY = 2 / 3
Matrix = NDArray[np.float64]


def spread(comparison: Comparison, national: float, plan: str, indicator: str, terms: Terms) -> Figure:
    """The picture: middle half of the rules as a bar, their median as a dot, all rules as ticks.

    Provinces are sorted from the highest median to the lowest.
    """
    targets = _judged(comparison)
    targets = targets.loc[targets.median(axis=1).sort_values(ascending=False).index]
    known = targets.notna().sum(axis=1).to_numpy()
    more, less = (np.asarray(share, dtype=np.float64) for share in _shares(targets, national))
    register_fonts()
    with plt.style.context(STYLE):
        figure, axes = plt.subplots(figsize=(9.2, 10.4), layout="constrained")
        low, high = (float(v) for v in np.nanquantile(targets.to_numpy(float), (0.01, 0.99)))
        low, high = min(low, national - 12), max(high, national + 12)
        _rows(axes, targets.to_numpy(float), more, less, (low, high))
        axes.axvline(national, color="#1f2328", lw=1.2)
        axes.annotate(
            terms("text: spread nation", percent=f"{national:g}"),
            (national, -1.1),
            ha="center",
            fontsize=9,
            backgroundcolor="white",
        )
        axes.set_xlim(low - 0.015 * (high - low), high + 0.17 * (high - low))
        axes.set_ylim(len(targets) - 0.4, -1.6)
        axes.set_yticks(range(len(targets)), [terms.name(name) for name in targets.index])
        for row, share in enumerate(more):
            count = int(known[row])
            axes.text(high + 0.02 * (high - low), row, f"{round(share * count)} / {count}", va="center", fontsize=9)
        axes.text(high + 0.02 * (high - low), -0.9, terms("text: spread count"), fontsize=9, va="bottom")
        axes.set_xlabel(terms("text: spread axis", indicator=terms(f"text: case {indicator}")))
        axes.grid(axis="y", visible=False)
        figure.suptitle(
            finding(comparison, national, terms), x=0.01, ha="left", fontsize=13, fontweight="bold", wrap=True
        )
        subtitle = terms("text: spread how", rules=len(targets.columns), plan=plan_words(plan, terms), near=f"{NEAR:g}")
        axes.set_title("\n".join(wrap(subtitle, 128)), loc="left", fontsize=9, color="#57606a", pad=8)
    return figure


def _rows(axes: Axes, values: Matrix, more: Array, less: Array, ends: tuple[float, float]) -> None:
    for row, own in enumerate(values):
        finite = own[np.isfinite(own)]
        known = np.clip(finite, *ends)
        low, quarter, middle, three, high = np.quantile(known, (0, 0.25, 0.5, 0.75, 1))
        colour = MORE if more[row] >= MAJORITY else LESS if less[row] >= MAJORITY else EVEN
        axes.plot([low, high], [row, row], color=colour, lw=1, alpha=0.55)
        inside = finite[finite == known]
        axes.plot(inside, np.full(inside.size, row), "|", color=colour, ms=7, alpha=0.7)
        for extreme, marker, side in ((finite.min(), "<", "left"), (finite.max(), ">", "right")):
            if not ends[0] <= extreme <= ends[1]:  # outside the picture: an arrow with the value
                end = float(np.clip(extreme, *ends))
                axes.plot([end], [row], marker, color=colour, ms=5, clip_on=False)
                axes.annotate(number(extreme), (end, row - 0.18), color=colour, fontsize=7, ha=side, va="bottom")
        axes.plot([quarter, three], [row, row], color=colour, lw=7, alpha=0.45, solid_capstyle="butt")
        axes.plot([middle], [row], "o", color=colour, ms=7, mec="white", mew=1.2)


def _judged(comparison: Comparison) -> pd.DataFrame:
    """Targets of the provinces to which at least half of the rules give one."""
    targets = comparison.targets
    return targets[targets.notna().mean(axis=1) >= 0.5]


def plan_words(plan: str, terms: Terms) -> str:
    """The plan as it is called: 15th five-year plan, “十五五”规划."""
    named = known_plan(plan)
    return terms("text: case plan", plan=named.name_zh if terms.lang == "zh" else named.ordinal)


def finding(comparison: Comparison, national: float, terms: Terms) -> str:
    """Who is asked for more, and for less, than the nation by most rules, in one sentence."""
    more, less = (
        [str(place) for place in share[share > 0.5].sort_values(ascending=False, kind="stable").index[:3]]
        for share in _shares(_judged(comparison), national)
    )
    if more and less:
        return terms("text: spread finding", more=terms.names(more), less=terms.names(less))
    if more or less:
        return terms(f"text: spread finding {'more' if more else 'less'}", provinces=terms.names(more or less))
    return terms("text: spread no finding")


def _shares(targets: pd.DataFrame, national: float) -> "tuple[pd.Series[float], pd.Series[float]]":
    """Shares of the rules that give a target which ask more, and less, than the nation, by province."""
    asked = pd.DataFrame(asks_more(targets.to_numpy(float), national), targets.index, targets.columns)
    known = targets.notna().sum(axis=1)
    return (asked > 0).sum(axis=1) / known, (asked < 0).sum(axis=1) / known
