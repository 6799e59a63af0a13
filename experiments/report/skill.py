"""The hindcast skill card, on screen and as a page: the model beside naive forecasts, better or worse as it comes."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import pandas as pd

from calibration.backtest import MODEL, OPPONENT
from calibration.scores import LEVELS
from experiments.analyses.numbers import number
from experiments.report.content import Chart, chart, csv, listed
from experiments.report.province_tables import Found
from experiments.words import charts
from experiments.words.terms import Terms
from experiments.words.view import View

SHOWN = ("forecast", "mae", "bias", "mae_bias_corrected", "crps", "bands", "delta_mae", "delta_crps")


def stored(view: View) -> Found | None:
    """The card stored in the run, or None where there is none."""
    rows, facts = view.table("backtest"), view.table("backtest_facts")
    if rows is None or facts is None:
        return None
    return card(view.terms, rows, dict(zip(facts["item"], facts["value"], strict=True)))


def card(terms: Terms, rows: pd.DataFrame, fact: Mapping[str, float]) -> Found:
    """The card's words, chart and tables. rows, fact: as `hindcast.keep` stores them."""
    tables = []
    for count, (title, part) in enumerate(rounds(terms, rows)):
        shown = listed(terms, f"skill-card-{count + 1}", title, board(terms, part), "skill", SHOWN)
        tables.append(replace(shown, csv=csv(part)))
    if tables:
        tables[-1] = replace(tables[-1], note=terms("text: skill legend"))
    return Found(charts=[_against(terms, rows)], tables=tables, text=sentences(terms, rows, fact))


def rounds(terms: Terms, rows: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Question by question, first with GDP from the model, then with measured GDP: the title and the rows."""
    for question in rows["question"].unique():
        for run in rows["run"].unique():
            part = rows[(rows["question"] == question) & (rows["run"] == run)]
            if len(part):
                key = "text: skill modelled GDP" if run == MODEL else "text: skill measured GDP"
                yield terms(key, question=terms.name(question), n=int(part["n"].iloc[0])), part


def board(terms: Terms, part: pd.DataFrame) -> pd.DataFrame:
    """One round as it is printed, columns SHOWN: points, per cent of provinces, differences with intervals."""
    names = [terms("text: skill opponent", name=terms.name(n)) if n == OPPONENT else n for n in part["forecast"]]
    bands = [f"coverage_{round(100 * level)}" for level in LEVELS]
    shown = {
        "forecast": names,
        **{name: part[name].to_numpy() for name in ("mae", "bias", "mae_bias_corrected", "crps")},
        "bands": [" / ".join(number(100 * value, 0) for value in row) for row in part[bands].to_numpy()],
    }
    for column in ("delta_mae", "delta_crps"):
        values = part[[column, f"{column}_low", f"{column}_high"]].to_numpy()
        shown[column] = [
            "" if name == MODEL else _interval(terms, *row) for name, row in zip(part["forecast"], values, strict=True)
        ]
    return pd.DataFrame(shown)


def _interval(terms: Terms, value: float, low: float, high: float) -> str:
    value_, low_, high_ = (number(one, 2, sign=True) for one in (value, low, high))
    return terms("{median} ({low} to {high})", median=value_, low=low_, high=high_)


def command(fact: Mapping[str, float]) -> str:
    """The command that makes the card again; an older card does not know its seed."""
    options = ("origin", "members", "seed")
    return "tanlu backtest" + "".join(f" --{name} {fact[name]:.0f}" for name in options if name in fact)


def sentences(terms: Terms, rows: pd.DataFrame, fact: Mapping[str, float]) -> list[str]:
    """The findings of the card, in both directions."""
    question = rows["question"].iloc[0]
    by_run = {run: part.set_index("forecast") for run, part in rows[rows["question"] == question].groupby("run")}
    model, opponent = by_run[MODEL].loc[MODEL], by_run[MODEL].loc[OPPONENT]
    named = {
        "question": terms.name(question), "first": 2005, "last": int(fact["origin"]), "members": int(fact["members"]),
        "opponent": terms.name(OPPONENT),
    }  # fmt: skip
    mae, crps = (_delta(terms, opponent, score) for score in ("mae", "crps"))
    said = [
        terms("text: skill fitted", **named),
        terms("text: skill differences", verdict=verdict(terms, model, opponent), mae=mae, crps=crps),
        *_spread(terms, model, opponent),
    ]
    for run in by_run.keys() - {MODEL}:
        measured = by_run[run]
        error = number(measured.loc[MODEL, "mae"], 2)
        said.append(terms("text: skill supplied", error=error, mae=_delta(terms, measured.loc[OPPONENT], "mae")))
    share = number(100 * model["coverage_80"], 0)
    said.append(terms("text: skill of the bands", bias=number(model["bias"], 2, sign=True), share=share))
    return [*said, *_nation(terms, fact), *_further(terms, fact), terms("text: skill command", command=command(fact))]


def verdict(terms: Terms, model: "pd.Series[float]", opponent: "pd.Series[float]") -> str:
    """Better, worse or not distinguishable, by the paired 90 % interval of the absolute errors."""
    low, high = opponent["delta_mae_low"], opponent["delta_mae_high"]
    key = "text: skill better" if high < 0 else "text: skill worse" if low > 0 else "text: skill alike"
    return terms(key, model=number(model["mae"], 2), opponent=number(opponent["mae"], 2))


def _delta(terms: Terms, row: "pd.Series[float]", score: str) -> str:
    return _interval(terms, *(row[f"delta_{score}{suffix}"] for suffix in ("", "_low", "_high")))


def _spread(terms: Terms, model: "pd.Series[float]", opponent: "pd.Series[float]") -> list[str]:
    """A naive forecast whose spread is too wide flatters the model's CRPS: then its bare number is the fairer rival."""
    point = opponent["mae"]  # a single number's CRPS is its absolute error
    if not opponent["crps"] > point:
        return []
    figures = {"crps": opponent["crps"], "point": point, "difference": model["crps"] - point}
    share = number(100 * opponent["coverage_80"], 0)
    shown = {name: number(value, 2, sign=name == "difference") for name, value in figures.items()}
    return [terms("text: skill spread", share=share, **shown)]


def _nation(terms: Terms, fact: Mapping[str, float]) -> list[str]:
    """The sum of provinces: measured against the band."""
    key = "text: skill of the nation inside" if fact["nation inside"] else "text: skill of the nation outside"
    names = {"measured": "measured", "median": "median", "low": "low_80", "high": "high_80"}
    return [terms(key, **{name: number(fact[f"nation {item}"]) for name, item in names.items()})]


def _further(terms: Terms, fact: Mapping[str, float]) -> Iterator[str]:
    """Single official years, the red list, and how often the outcomes were looked at."""
    if "single_years n" in fact:
        years = {name: fact[f"single_years {name}"] for name in ("n", "mae", "bias", "crps", "coverage_80")}
        yield terms(
            "text: skill of single years", n=int(years["n"]), mae=number(years["mae"], 2),
            bias=number(years["bias"], 2, sign=True), crps=number(years["crps"], 2),
            share=number(100 * years["coverage_80"], 0),
        )  # fmt: skip
    if "red_list brier" in fact:
        brier, rate = number(fact["red_list brier"], 3), number(fact["red_list base_rate_brier"], 3)
        yield terms("text: skill of the red list", brier=brier, rate=rate)
    if "looks" in fact:
        yield terms("text: looks", n=int(fact["looks"]))


def _against(terms: Terms, rows: pd.DataFrame) -> Chart:
    """The model's error less that of each naive forecast, paired 90 % intervals: left of zero the model is better."""
    question = rows["question"].iloc[0]
    main = rows[(rows["question"] == question) & (rows["run"] == MODEL)].set_index("forecast")
    others = main.drop(index=MODEL)
    parts = [
        pd.DataFrame(
            {
                "label": [terms.name(name) for name in others.index],
                "series": measure,
                "value": others[column].to_numpy(),
                "low": others[f"{column}_low"].to_numpy(),
                "high": others[f"{column}_high"].to_numpy(),
            }
        )
        for measure, column in (("MAE", "delta_mae"), ("CRPS", "delta_crps"))
    ]
    data = pd.concat(parts, ignore_index=True)
    title = verdict(terms, main.loc[MODEL], main.loc[OPPONENT])
    about = terms("text: skill chart", question=terms.name(question), n=int(main["n"].iloc[0]))
    picture = charts.ranges(data, terms("model less naive, points"), ["MAE", "CRPS"])
    return chart("skill-difference", title, about, picture, data)
