"""The trust panel: how far the numbers of a run may be believed, item by item, in words that a table can hold."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import astuple, dataclass
from typing import Any

import numpy as np
import pandas as pd

from experiments.store import Run

GOOD, CAUTION, BAD, ABSENT = "good", "caution", "bad", "not done"
WIDE = 0.05
"""Half-width of a chance's interval above which more members are advised."""


@dataclass(frozen=True)
class Item:
    """One line: what was looked at, the number, the verdict (good, caution, bad, not done) and its meaning."""

    topic: str
    value: str
    verdict: str
    meaning_en: str
    meaning_zh: str


def panel(run: Run) -> pd.DataFrame:
    """Columns topic, value, verdict, meaning_en, meaning_zh; what was not done is said, not left out."""
    tables = {name: run.table(name) for name in run.tables}
    items = [item for part in PARTS for item in part(tables, run.manifest)]
    return pd.DataFrame(
        [astuple(item) for item in items], columns=["topic", "value", "verdict", "meaning_en", "meaning_zh"]
    )


Tables = Mapping[str, pd.DataFrame]


def members(tables: Tables, manifest: Mapping[str, Any]) -> Iterator[Item]:
    """How many members, how many failed."""
    count = manifest["members"]
    failed = count["failed"] / max(count["done"], 1)
    yield Item(
        "members",
        f"{count['drawn']} drawn, {count['done']} runs, {count['failed']} failed",
        GOOD if failed == 0 else CAUTION if failed < 0.01 else BAD,
        "A failed member gave a value that is not finite; it is left out of every number.",
        "失败样本给出非有限值，已从所有结果中剔除。",
    )


def intervals(tables: Tables, manifest: Mapping[str, Any]) -> Iterator[Item]:
    """Widest Monte-Carlo interval of a chance."""
    if "feasibility" not in tables:
        yield _absent("Monte-Carlo error", "tanlu feasibility")
        return
    table = tables["feasibility"]
    half = float((0.5 * (table.chance_high - table.chance_low)).max())
    yield Item(
        "Monte-Carlo error",
        f"± {100 * half:.1f} points at most (Wilson, 95 %)",
        GOOD if half <= WIDE else CAUTION,
        "Only the error of counting members; it says nothing of the model's own.",
        "仅为样本计数误差，不含模型本身的误差。",
    )


def ranking(tables: Tables, manifest: Mapping[str, Any]) -> Iterator[Item]:
    """Sensitivity: dummy, convergence, overlap."""
    if "convergence" not in tables:
        yield _absent("sensitivity", "tanlu sensitivity")
        return
    table = tables["convergence"]
    stable = float(table.stable.mean())
    yield Item(
        "ranking at N and N/2",
        f"stable for {100 * stable:.0f} % of {len(table)} outputs",
        GOOD if stable == 1 else CAUTION,
        "Orders that the intervals allow at N also hold at N/2; where they do not, no rank is given.",
        "按全部样本可区分的次序在一半样本下仍成立；否则不予排序。",
    )
    yield Item(
        "dummy input",
        f"total index at most {table.total_dummy.max():.3f}",
        GOOD if table.total_dummy.max() < 0.05 else BAD,
        "An input that the model never sees; what is found for it is noise.",
        "模型从未使用的虚拟输入，其指数即为噪声水平。",
    )
    yield Item(
        "widest interval of a total index",
        f"± {table.widest.max():.2f}",
        GOOD if table.widest.max() < 0.1 else CAUTION,
        "Inputs whose intervals overlap share a rank.",
        "区间重叠的输入并列，不分先后。",
    )
    if "sensitivity" in tables:
        one = tables["sensitivity"].query("factor != 'dummy'")
        shared = float(one["rank"].astype(str).str.contains("–").mean())
        yield Item(
            "ranks refused",
            f"{100 * shared:.0f} % of inputs share a rank",
            GOOD if shared < 0.5 else CAUTION,
            "A single rank is printed only where no interval overlaps.",
            "只有区间互不重叠时才给出单一名次。",
        )


def irrelevance(tables: Tables, manifest: Mapping[str, Any]) -> Iterator[Item]:
    """Were inputs called irrelevant confirmed on fresh runs?"""
    if "irrelevant" not in tables:
        yield _absent("irrelevant inputs", "tanlu sensitivity")
        return
    table = tables["irrelevant"]
    some = table[table.fixed > 0]
    moved = f"fixing them moves a chance by at most {100 * some.difference.abs().max():.1f} points"
    yield Item(
        "irrelevant inputs on fresh runs",
        f"{some.fixed.min()} to {some.fixed.max()} a place; {moved}" if len(some) else "none was called so",
        GOOD if bool(some.holds.all()) else CAUTION,
        "Inputs at the dummy's level for hit and miss are fixed at their median and the chance is counted anew.",
        "将判定为无关的输入固定在中位数后，用新样本重新计算概率。",
    )


def reality(tables: Tables, manifest: Mapping[str, Any]) -> Iterator[Item]:
    """Experts' reality checks."""
    if "checks" not in tables:
        yield _absent("reality checks", "tanlu feasibility")
        return
    worst = tables["checks"].sort_values("rate").iloc[0]
    yield Item(
        "reality checks",
        f"lowest pass rate {100 * worst.rate:.0f} %: {worst.check}",
        GOOD if worst.rate >= 0.99 else CAUTION if worst.rate >= 0.9 else BAD,
        "Share of members that comply in every province and year.",
        "在所有省份和年份均满足陈述的样本比例。",
    )


def identified(tables: Tables, manifest: Mapping[str, Any]) -> Iterator[Item]:
    """Identifiability labels of the calibrated parameters, if they were made for the calibration that is used."""
    from calibration import identifiability

    if not identifiability.PUBLISHED.exists() or not identifiability.belongs():
        yield _absent("identifiability", "tanlu identifiability")
        return
    known = float((identifiability.load()["label"] == identifiability.IDENTIFIED).mean())
    yield Item(
        "identified parameters",
        f"{100 * known:.0f} % of the calibrated parameters",
        GOOD if known > 0.8 else CAUTION,
        "A profile likelihood falls by 1.92 on both sides; the others show their prior.",
        "轮廓似然在两侧均下降1.92方为可识别，其余参数主要反映先验。",
    )


def holdout(tables: Tables, manifest: Mapping[str, Any]) -> Iterator[Item]:
    """The verdict of the backtest, on which calibrated words depend."""
    passed, text = backtest_verdict(tables)
    if passed is None:
        yield _absent("hold-out test", "tanlu backtest --run")
    else:
        yield Item(
            "hold-out test",
            text,
            GOOD if passed else BAD,
            "Skill against a naive forecast named beforehand, on years that were not fitted.",
            "在未参与拟合的年份上，与事先指定的朴素预测相比的技巧。",
        )
    yield Item(
        "calibrated words",
        "given where an interval lies in one class" if passed else "withheld: numbers are model-conditional",
        GOOD if passed else CAUTION,
        "Words such as likely need a passed hold-out test and an interval within one class.",
        "仅当通过留出检验且区间落在同一等级内时，才使用“可能”等校准用语。",
    )


def backtest_verdict(tables: Tables) -> tuple[bool | None, str]:
    """Did the model beat the naive opponent on the main question of the backtest that the run holds, and in words.

    Passed: the 90 % interval of its CRPS less the opponent's lies below zero. (None, "") without a backtest.
    """
    from calibration.backtest import MODEL, OPPONENT

    if "backtest" not in tables:
        return None, ""
    card = tables["backtest"]
    rows = card[(card.question == card.question.iloc[0]) & (card.run == MODEL) & (card.forecast == OPPONENT)]
    row = rows.iloc[0]
    words = f"CRPS {row.delta_crps:+.2f} points ({row.delta_crps_low:+.2f} … {row.delta_crps_high:+.2f})"
    return bool(row.delta_crps_high < 0), f"{words} against the {OPPONENT}, {row.question}; below 0 is better"


def trusted(run: Run) -> bool:
    """May calibrated words be used: does the run hold a backtest that was passed?"""
    return backtest_verdict({name: run.table(name) for name in run.tables if name == "backtest"})[0] is True


def _absent(topic: str, command: str) -> Item:
    return Item(topic, "–", ABSENT, f"Not done yet: {command}", f"尚未进行：{command}")


Part = Callable[[Tables, Mapping[str, Any]], Iterator[Item]]
PARTS: tuple[Part, ...] = (members, intervals, ranking, irrelevance, identified, holdout, reality)


def worst(panel_table: pd.DataFrame) -> str:
    """The panel's worst verdict."""
    order = [GOOD, ABSENT, CAUTION, BAD]
    return order[int(np.max([order.index(v) for v in panel_table.verdict], initial=0))]
