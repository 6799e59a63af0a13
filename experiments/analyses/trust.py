"""The trust panel: how far the numbers of a run may be believed, item by item, in words that a table can hold."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import astuple, dataclass, fields
from functools import wraps
from typing import Any

import numpy as np
import pandas as pd

from experiments.analyses import members_fit
from experiments.analyses.members_fit import ALLOWED, SPAN
from experiments.analyses.numbers import number
from experiments.runs.store import Run

GOOD, CAUTION, BAD, ABSENT = "good", "caution", "bad", "not done"
WIDE = 0.05
"""Half-width of a chance's interval above which more members are advised."""


@dataclass(frozen=True)
class Item:
    """One line: what was looked at, what was found, the verdict (good, caution, bad, not done) and what it means."""

    topic: str
    value: str
    value_zh: str
    verdict: str
    meaning_en: str
    meaning_zh: str


def panel(run: Run) -> pd.DataFrame:
    """Columns topic, value, value_zh, verdict, meaning_en, meaning_zh; a check that was not made is listed too."""
    tables = {name: run.table(name) for name in run.tables}
    items = [item for part in PARTS for item in part(tables, run.manifest)]
    return pd.DataFrame([astuple(item) for item in items], columns=[field.name for field in fields(Item)])


Tables = Mapping[str, pd.DataFrame]
Part = Callable[[Tables, Mapping[str, Any]], Iterator[Item]]


def members(tables: Tables, manifest: Mapping[str, Any]) -> Iterator[Item]:
    """How many members, how many failed."""
    count = manifest["members"]
    failed = count["failed"] / max(count["done"], 1)
    yield Item(
        "members",
        f"{count['drawn']} drawn, {count['done']} runs, {count['failed']} failed",
        f"抽取{count['drawn']}个，运行{count['done']}次，失败{count['failed']}次",
        GOOD if failed == 0 else CAUTION if failed < 0.01 else BAD,
        "A failed member gave a value that is not finite; it is left out of every number.",
        "失败样本给出非有限值，已从所有结果中剔除。",
    )


def of(name: str, topic: str, command: str) -> Callable[[Callable[[pd.DataFrame, Tables], Iterator[Item]]], Part]:
    """Makes a part of the panel from what a table of the run tells; without that table the command that makes it."""

    def part(told: Callable[[pd.DataFrame, Tables], Iterator[Item]]) -> Part:
        @wraps(told)
        def items(tables: Tables, manifest: Mapping[str, Any]) -> Iterator[Item]:
            return told(tables[name], tables) if name in tables else iter([_absent(topic, command)])

        return items

    return part


@of("feasibility", "Monte-Carlo error", "tanlu feasibility")
def intervals(table: pd.DataFrame, tables: Tables) -> Iterator[Item]:
    """Widest Monte-Carlo interval of a chance."""
    half = float((0.5 * (table.chance_high - table.chance_low)).max())
    yield Item(
        "Monte-Carlo error",
        f"± {100 * half:.1f} points at most (Wilson, 95 %)",
        f"至多±{100 * half:.1f}个百分点（Wilson，95%）",
        GOOD if half <= WIDE else CAUTION,
        "Only the error of counting members; it says nothing of the model's own.",
        "仅为样本计数误差，不含模型本身的误差。",
    )


@of("convergence", "sensitivity", "tanlu sensitivity")
def ranking(table: pd.DataFrame, tables: Tables) -> Iterator[Item]:
    """Sensitivity: dummy, convergence, overlap."""
    stable = float(table.stable.mean())
    yield Item(
        "ranking at N and N/2",
        f"stable for {100 * stable:.0f} % of {len(table)} outputs",
        f"{len(table)}个输出中{100 * stable:.0f}%稳定",
        GOOD if stable == 1 else CAUTION,
        "Orders that the intervals allow at N also hold at N/2; where they do not, no rank is given.",
        "按全部样本可区分的次序在一半样本下仍成立；否则不予排序。",
    )
    yield Item(
        "dummy input",
        f"total index at most {table.total_dummy.max():.3f}",
        f"总效应指数至多{table.total_dummy.max():.3f}",
        GOOD if table.total_dummy.max() < 0.05 else BAD,
        "An input that the model never sees; what is found for it is noise.",
        "模型从未使用的虚拟输入，其指数即为噪声水平。",
    )
    yield Item(
        "widest interval of a total index",
        f"± {table.widest.max():.2f}",
        f"±{table.widest.max():.2f}",
        GOOD if table.widest.max() < 0.1 else CAUTION,
        "Inputs whose intervals overlap share a rank.",
        "区间重叠的输入并列，不分先后。",
    )
    if "sensitivity" in tables:
        one = tables["sensitivity"].query("factor != 'dummy' and rank != '–'")  # a constant output has no ranks
        shared = float(one["rank"].astype(str).str.contains("–").mean()) if len(one) else 0.0
        yield Item(
            "ranks refused",
            f"{100 * shared:.0f} % of inputs share a rank",
            f"{100 * shared:.0f}%的输入并列",
            GOOD if shared < 0.5 else CAUTION,
            "A single rank is printed only where no interval overlaps.",
            "只有区间互不重叠时才给出单一名次。",
        )


@of("irrelevant", "irrelevant inputs", "tanlu sensitivity")
def irrelevance(table: pd.DataFrame, tables: Tables) -> Iterator[Item]:
    """Were inputs called irrelevant confirmed on fresh runs?"""
    some = table[table.fixed > 0]
    fewest, most, moved = some.fixed.min(), some.fixed.max(), 100 * some.difference.abs().max()
    yield Item(
        "irrelevant inputs on fresh runs",
        f"{fewest} to {most} a place; fixing them moves a chance by at most {moved:.1f} points"
        if len(some)
        else "none was called so",
        f"每个地区{fewest}至{most}个；固定后概率变化至多{moved:.1f}个百分点" if len(some) else "没有",
        GOOD if bool(some.holds.all()) else CAUTION,
        "Inputs at the dummy's level for hit and miss are fixed at their median and the chance is counted anew.",
        "将判定为无关的输入固定在中位数后，用新样本重新计算概率。",
    )


@of("checks", "reality checks", "tanlu feasibility")
def reality(table: pd.DataFrame, tables: Tables) -> Iterator[Item]:
    """Experts' reality checks."""
    worst = table.sort_values("rate").iloc[0]
    yield Item(
        "reality checks",
        f"lowest pass rate of any scenario {100 * worst.rate:.0f} %: {worst.check}",
        f"各情景中最低通过率{100 * worst.rate:.0f}%：{worst.statement_zh}",
        GOOD if worst.rate >= 0.99 else CAUTION if worst.rate >= 0.9 else BAD,
        "Share of members that comply in every province and year.",
        "在所有省份和年份均满足陈述的样本比例。",
    )


def identified(tables: Tables, manifest: Mapping[str, Any]) -> Iterator[Item]:
    """Identifiability labels of the calibrated parameters, if they were made for the calibration that is used."""
    from calibration import identifiability

    if not identifiability.PUBLISHED.exists() or not identifiability.belongs_to_shipped():
        yield _absent("identifiability", "tanlu identifiability")
        return
    known = float((identifiability.load_labels()["label"] == identifiability.IDENTIFIED).mean())
    yield Item(
        "identified parameters",
        f"{100 * known:.0f} % of the calibrated parameters",
        f"{100 * known:.0f}%的校准参数",
        GOOD if known > 0.8 else CAUTION,
        "A profile likelihood falls by 1.92 on both sides; the others show their prior.",
        "轮廓似然在两侧均下降1.92方为可识别，其余参数主要反映先验。",
    )


@of("members_fit", "members fit the past", "tanlu feasibility")
def fits(table: pd.DataFrame, tables: Tables) -> Iterator[Item]:
    """Do the members reproduce the measured fall of energy intensity under the study's own constants?"""
    nation = table.iloc[-1]
    years = f"{SPAN[0]}–{SPAN[1]}"
    yield Item(
        "members fit the past",
        f"fall {years} of the sum of provinces {nation.modelled:.1f} %, measured {nation.measured:.1f} %",
        f"{years}年各省合计下降{nation.modelled:.1f}%，实测{nation.measured:.1f}%",
        GOOD if members_fit.fits(table) else BAD,
        f"Within {ALLOWED} points the members fit the past; beyond, a constant of the study breaks the calibration.",
        f"相差不超过{ALLOWED}个百分点即为符合；否则研究所设常数破坏了校准。",
    )


def scored_plans(tables: Tables, manifest: Mapping[str, Any]) -> Iterator[Item]:
    """The printed question on past plans: did the chance of meeting the target beat the base rate?"""
    from calibration import scorecard

    table = scorecard.published()
    if table is None:
        yield _absent("verdicts on past plans", "tanlu backtest --all")
        return
    passed = scorecard.published_passed()
    model = table[table["forecast"] == scorecard.MODEL]
    told = [
        f"{row.plan} ({row.verdicts}): Brier {row.brier:.3f} against {row.brier_base:.3f}, AUC {row.auc:.2f}"
        for row in model.itertuples()
    ]
    yield Item(
        "verdicts on past plans",
        f"{'passed' if passed else 'failed'}: {'; '.join(told)}",
        f"{'通过' if passed else '未通过'}：{'；'.join(told)}",
        GOOD if passed else BAD,
        "Chance of meeting the official target against what happened; below the base rate's score is better.",
        "官方目标达标概率与实际结果之比较；低于基准率得分为优。",
    )


def holdout(tables: Tables, manifest: Mapping[str, Any]) -> Iterator[Item]:
    """The verdict of the backtest, on which calibrated words depend, with the verdicts on past plans."""
    from calibration import scorecard

    passed, text, text_zh = backtest_verdict(tables)
    worded = bool(passed) and scorecard.published_passed()
    if passed is None:
        yield _absent("hold-out test", "tanlu backtest --run")
    else:
        yield Item(
            "hold-out test",
            text,
            text_zh,
            GOOD if passed else BAD,
            "Skill on years not fitted; passed: CRPS better than the naive forecast named beforehand, bands right.",
            "在未参与拟合的年份上，与事先指定的朴素预测相比的技巧；CRPS更优且区间覆盖率正确即为通过。",
        )
    yield Item(
        "calibrated words",
        "given where an interval lies in one class" if worded else "withheld: numbers are model-conditional",
        "区间落在同一等级时给出" if worded else "不使用：数值以模型为条件",
        GOOD if worded else CAUTION,
        "Words such as likely need a passed hold-out test, verdicts on past plans better than the base rate, and an "
        "interval within one class.",
        "仅当通过留出检验、以往规划的判断优于基准率且区间落在同一等级内时，才使用“可能”等校准用语。",
    )


def backtest_verdict(tables: Tables) -> tuple[bool | None, str, str]:
    """Did the model pass the main question of the backtest that the run holds; in words, twice.

    Passed: the 90 % interval of its CRPS less the naive opponent's lies below zero, and its 80 % bands hold 70-90 % of
    the provinces. (None, "", "") without a backtest.
    """
    from calibration.backtest import MODEL, OPPONENT

    if "backtest" not in tables:
        return None, "", ""
    card = tables["backtest"]
    main = card[(card.question == card.question.iloc[0]) & (card.run == MODEL)].set_index("forecast")
    row, held = main.loc[OPPONENT], float(main.loc[MODEL, "coverage_80"])
    crps, mae = (
        "{} ({} … {})".format(*(number(row[f"delta_{of}{end}"], 2, sign=True) for end in ("", "_low", "_high")))
        for of in ("crps", "mae")
    )
    english = (
        f"{row.question}, points against the {OPPONENT}, below 0 is better: CRPS {crps}, MAE {mae}; "
        f"80 % bands hold {100 * held:.0f} %"
    )
    chinese = f"与朴素预测相比的百分点差，小于0为优：CRPS {crps}，MAE {mae}；80%区间覆盖{100 * held:.0f}%的省份"
    return bool(row.delta_crps_high < 0) and 0.7 <= held <= 0.9, english, chinese


def trusted(run: Run) -> bool:
    """May calibrated words be used: a passed backtest, members that fit the past, verdicts on past plans that allow?"""
    from calibration import scorecard

    held = {name: run.table(name) for name in run.tables if name in ("backtest", "members_fit")}
    fitting = "members_fit" not in held or members_fit.fits(held["members_fit"])
    return backtest_verdict(held)[0] is True and fitting and scorecard.published_passed()


def _absent(topic: str, command: str) -> Item:
    return Item(topic, "–", "–", ABSENT, f"Not done yet: {command}", f"尚未进行：{command}")


PARTS: tuple[Part, ...] = (members, intervals, ranking, irrelevance, identified, fits, scored_plans, holdout, reality)


def worst(panel_table: pd.DataFrame) -> str:
    """The panel's worst verdict."""
    order = [GOOD, ABSENT, CAUTION, BAD]
    return order[int(np.max([order.index(v) for v in panel_table.verdict], initial=0))]
