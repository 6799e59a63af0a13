"""The hindcast skill card: the model beside naive forecasts, better or worse as it comes."""

import pandas as pd

from calibration.backtest import MODEL, OPPONENT
from experiments.report import charts
from experiments.report.content import Chart, chart, number, table
from experiments.report.province_tables import Found
from experiments.report.view import View

COLUMNS = {
    "question": "Question",
    "run": "Run",
    "forecast": "Forecast",
    "n": "Number",
    "mae": "Mean absolute error",
    "bias": "Bias",
    "mae_bias_corrected": "The same without bias",
    "crps": "CRPS",
    "coverage_80": "Inside the 80 % band",
    "delta_mae": "Model less this, MAE",
    "delta_mae_low": "5 %",
    "delta_mae_high": "95 %",
    "delta_crps": "Model less this, CRPS",
}


def card(view: View) -> Found | None:
    """The card stored in the run, or None where there is none."""
    rows, facts = view.table("backtest"), view.table("backtest_facts")
    if rows is None or facts is None:
        return None
    fact = dict(zip(facts["item"], facts["value"], strict=True))
    first = str(rows.question.iloc[0])
    main = rows[(rows.question == first) & (rows.run == MODEL)].set_index("forecast")
    title = view.terms("Skill against naive forecasts")
    text = [_nation(view, fact), *_further(view, main, fact)]
    scores = table(view.terms, "skill-card", title, rows, heads=COLUMNS)
    return Found(charts=[_against(view, main, first)], tables=[scores], text=text)


def _nation(view: View, fact: dict[str, float]) -> str:
    """The sum of provinces: measured against the band."""
    return view.terms(
        "text: skill of the nation inside" if fact["nation inside"] else "text: skill of the nation outside",
        measured=number(fact["nation measured"]),
        median=number(fact["nation median"]),
        low=number(fact["nation low_80"]),
        high=number(fact["nation high_80"]),
    )


def _further(view: View, main: pd.DataFrame, fact: dict[str, float]) -> list[str]:
    """Bias and coverage, the red list, and how often the outcomes were looked at."""
    model = main.to_dict("index")[MODEL]
    said = [
        view.terms(
            "text: skill of the bands",
            bias=number(float(model["bias"]), 2, sign=True),
            share=number(100 * float(model["coverage_80"]), 0),
        )
    ]
    if "red_list brier" in fact:
        brier, rate = number(fact["red_list brier"], 3), number(fact["red_list base_rate_brier"], 3)
        said.append(view.terms("text: skill of the red list", brier=brier, rate=rate))
    if "looks" in fact:
        said.append(view.terms("text: looks", n=int(fact["looks"])))
    return said


def _against(view: View, main: pd.DataFrame, question: str) -> Chart:
    """The model's error less that of each naive forecast, paired 90 % intervals: left of zero the model is better."""
    others = main.drop(index=MODEL)
    parts = [
        pd.DataFrame(
            {
                "label": [view.terms.name(name) for name in others.index],
                "series": measure,
                "value": others[column].to_numpy(),
                "low": others[f"{column}_low"].to_numpy(),
                "high": others[f"{column}_high"].to_numpy(),
            }
        )
        for measure, column in (("MAE", "delta_mae"), ("CRPS", "delta_crps"))
    ]
    data = pd.concat(parts, ignore_index=True)
    by_name = main.to_dict("index")
    model, opponent = by_name[MODEL], by_name[OPPONENT]
    low, high = float(opponent["delta_mae_low"]), float(opponent["delta_mae_high"])
    verdict = "text: skill better" if high < 0 else "text: skill worse" if low > 0 else "text: skill alike"
    title = view.terms(verdict, model=number(float(model["mae"]), 2), opponent=number(float(opponent["mae"]), 2))
    about = view.terms("text: skill chart", question=view.terms.name(question), n=int(model["n"]))
    picture = charts.ranges("skill", data, view.terms("model less naive, points"), ["MAE", "CRPS"])
    return chart("skill", title, about, picture, data)
