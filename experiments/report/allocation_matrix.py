"""All rules and provinces: one row per province, one column per rule, colour = points against official."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import TwoSlopeNorm
from matplotlib.figure import Figure

from experiments.allocation.comparison import Comparison
from experiments.words.svg import STYLE, register_fonts

COLOURS = (
    "PuOr_r"  # purple = eased, orange = tightened; distinguishable by the colour-blind, and the cell shows the number
)
SATURATION = 8.0  # points at which the colour is full
DARK = 0.55  # share of it from which white text reads better
TITLES = {"aggregate": "Sum of the provinces", "gini_per_head": "Gini of burden per head"}


def matrix(comparison: Comparison, title: str, subtitle: str) -> Figure:
    """The figure; a cell shows the target in per cent, a cross marks a province without one.

    Provinces are sorted from the richest to the poorest, in the order of the comparison's table of capacity.
    """
    targets = comparison.targets
    order = comparison.capacity.sort_values(ascending=False).index
    shown, change = targets.loc[order], comparison.against_official.loc[order]
    register_fonts()
    with plt.style.context(STYLE):
        figure, (cells, sums) = plt.subplots(
            2,
            1,
            figsize=(1.6 + 0.78 * len(shown.columns), 10.2),
            height_ratios=(len(shown), 2),
            layout="constrained",
        )
        _cells(cells, shown, change)
        _sums(sums, comparison)
        figure.suptitle(title, x=0.01, ha="left", fontsize=11, fontweight="bold")
        cells.set_title(subtitle, loc="left", fontsize=8, color="#555555", pad=22)
        image = cells.images[0]
        bar = figure.colorbar(
            image, ax=[cells, sums], location="bottom", shrink=0.6, aspect=40, pad=0.01, extend="both"
        )
        bar.set_label("points against the official target (purple: eased, orange: tightened)")
    return figure


def _cells(axes: Axes, shown: pd.DataFrame, change: pd.DataFrame) -> None:
    norm = TwoSlopeNorm(0, -SATURATION, SATURATION)
    values = change.to_numpy(dtype=float)
    axes.imshow(np.ma.masked_invalid(values), cmap=COLOURS, norm=norm, aspect="auto")
    axes.set_xticks(range(len(shown.columns)), [str(name).replace("-", "\n") for name in shown.columns], fontsize=8)
    axes.xaxis.tick_top()
    axes.set_yticks(range(len(shown)), list(shown.index))
    axes.grid(False)
    for spine in axes.spines.values():
        spine.set_visible(False)
    for row, province in enumerate(shown.index):
        for column, rule in enumerate(shown.columns):
            value, difference = shown.loc[province, rule], change.loc[province, rule]
            dark = np.isfinite(difference) and abs(difference) > DARK * SATURATION
            text = f"{value:.1f}" if np.isfinite(value) else "×"
            axes.text(column, row, text, ha="center", va="center", fontsize=8, color="white" if dark else "#222222")


def _sums(axes: Axes, comparison: Comparison) -> None:
    table = comparison.rules.set_index("rule").loc[list(comparison.targets.columns)]
    axes.set_xlim(-0.5, len(table) - 0.5)
    axes.set_ylim(len(TITLES) - 0.5, -0.5)
    axes.set_xticks([])
    axes.set_yticks(range(len(TITLES)), list(TITLES.values()))
    axes.grid(False)
    for spine in axes.spines.values():
        spine.set_visible(False)
    for row, name in enumerate(TITLES):
        for column, value in enumerate(table[name]):
            axes.text(column, row, f"{value:.2f}", ha="center", va="center", fontsize=8, fontweight="bold")
