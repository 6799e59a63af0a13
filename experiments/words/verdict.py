"""Sentences about a verdict that more than one page says."""

from experiments.analyses.numbers import number
from experiments.words.terms import Terms
from experiments.words.view import View


def scenario(view: View) -> str:
    """The scenario in plain words, with what "no new policy" keeps; a user's own mix by its name."""
    key = f"scenario {view.mix}"
    said = view.terms.name(key)
    named = view.terms.name(view.mix) if said == key else said
    return view.terms("Scenario: {named}", named=named)


def counted(view: View, provinces: list[str]) -> str:
    """How many provinces meet their target: the distribution over members, because they share the national shocks.

    Of a run of one province its chance.
    """
    if not view.whole:
        (place,) = provinces
        standing = view.standings[place]
        return view.terms(
            "text: headline of one",
            place=view.terms.name(place),
            chance=view.terms.chance(standing.chance),
            end=view.end_year,
            indicator=view.leading_words,
        )
    where = {"allocation": view.allocation, "mix": view.mix}
    margin = (view.metrics["reduction"] - view.metrics["target"]).sel(where).sel(province=provinces)
    met = (margin >= 0).sum("province").where(margin.notnull().all("province"))
    low, high = met.quantile([0.1, 0.9], "member").round().astype(int).values
    return view.terms(
        "text: headline",
        total=len(provinces),
        n=round(float(met.mean())),
        low=low,
        high=high,
        end=view.end_year,
        indicator=view.leading_words,
    )


def past_plans(view: View) -> list[str]:
    """How such chances did before: of the provinces that were given 80 % or more on past plans, how many met."""
    from calibration import scorecard

    table = scorecard.published()
    if table is None:
        return []
    model = table[(table["forecast"] == scorecard.MODEL) & table["verdicts"].isin([scorecard.WHOLE, scorecard.FROZEN])]
    model = model.drop_duplicates("plan", keep="last")  # the frozen forecast where there is one
    names = view.terms.names([view.terms.name(plan) for plan in model["plan"]])
    given, met = int(model["given_80"].sum()), int(model["given_80_met"].sum())
    return [
        view.terms(
            "On past plans ({plans}), {met} of the {given} provinces given a chance of 80 % or more met their target.",
            plans=names,
            met=met,
            given=given,
        )
    ]


def upper_end(view: View) -> list[str]:
    """That chances of carbon are an upper end, where the base year is a nowcast that leans to too fast a fall."""
    carbon = any("co2" in key for key in view.study.target.indicators)
    return nowcast_lean(view.terms, view.base_year) if carbon and view.nowcast_until is not None else []


def nowcast_lean(terms: Terms, base_year: int) -> list[str]:
    """By how much CO2 per GDP falls too fast given the measured activity, and that chances are thus an upper end."""
    from calibration import nowcast

    if (lean := nowcast.lean()) is None:
        return []
    low, high = number(lean.low), number(lean.high)
    if base_year < lean.first:  # those years are of the plan itself
        return [terms("text: upper end of a plan", first=lean.first, last=lean.last, low=low, high=high)]
    return [terms("text: upper end", first=lean.first, last=lean.last, base=base_year, low=low, high=high)]


def joined(view: View, *sentences: str) -> str:
    """The sentences one after the other."""
    return ("" if view.terms.lang == "zh" else " ").join(sentences)
