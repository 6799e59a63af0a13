"""The contents of a brief: one page about one province that a planner carries into a meeting."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from calibration import activity
from calibration.places import NATION, region
from experiments.analyses import gap
from experiments.analyses.intervals import wilson
from experiments.analyses.numbers import number
from experiments.ensemble.outputs import REPORTED
from experiments.words.columns import heads
from experiments.words.headings import heading
from experiments.words.measured import Measured
from experiments.words.quantities import capital, co2, energy, money, real
from experiments.words.ratings import ChanceClass, Rating
from experiments.words.verdict import joined, past_plans, scenario, upper_end
from experiments.words.view import Standing, View
from experiments.words.waterfall import Waterfall, waterfall
from models.reading.faults import InputError

DOTS = 10
MEASURES = 3
MEASURE = (
    "title",
    "quantity",
    "investment Gyuan",
    "net cost Gyuan/year",
    "enterprises+government+households",
    "complete",
)
GOOD = 0.8
"""The chance that the measures are to bring."""
MIDDLE = 3
"""Year of the plan whose progress is the first thing that can be watched."""
LEAST_EASED = 0.05
"""Points below which a rule asks as much as the target."""
FEW = 8
"""Members that a group must have before its chance is given."""


@dataclass(frozen=True)
class Block:
    """A heading with sentences under it."""

    title: str
    sentences: Sequence[str]


@dataclass(frozen=True)
class Grid:
    """A small table: heads and rows of texts."""

    heads: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Brief:
    """One page. dots: how many of ten are full; waterfall: an `<svg>`, empty where the model has no such parts."""

    province: str
    lang: str
    title: str
    study: str
    scenario: str
    chance: str
    dots: int
    kind: ChanceClass
    light: Rating
    score: str
    gap: Block
    waterfall_title: str
    waterfall: str
    sectors: Grid | None
    measures: Block
    measure_table: Grid | None
    changes: Block
    arguments: Block
    footer: str

    @property
    def texts(self) -> list[str]:
        """Every text of the page."""
        blocks = [self.gap, self.measures, self.changes, self.arguments]
        tables = [table for table in (self.measure_table, self.sectors) if table]
        cells = [cell for table in tables for row in (table.heads, *table.rows) for cell in row]
        named = [self.title, self.study, self.scenario, self.chance, self.score, self.waterfall_title, self.waterfall]
        return [*named, self.footer, *cells, *(t for b in blocks for t in (b.title, *b.sentences))]


def build(
    view: View,
    province: str,
    measured: Measured,
    rules: pd.DataFrame | None = None,
) -> Brief:
    """The brief of a province. rules: from `targets_by_rule`; None: there are none."""
    terms, standing = view.terms, view.standing(province)
    name = terms("China (sum of provinces)") if province == NATION else terms.name(province)
    drawn = waterfall(view, standing)
    asked, table = measures(view, standing)
    return Brief(
        province=province,
        lang=terms.lang,
        title=terms("text: brief title", province=name, end=view.end_year),
        study=heading(view.study, terms.lang),
        scenario=scenario(view),
        chance=joined(view, chance_words(view, standing), *beside(view, province)),
        dots=round(DOTS * standing.chance) if standing.members else 0,
        kind=standing.kind,
        light=standing.light,
        score=joined(view, *past_plans(view), *upper_end(view)),
        gap=Block(terms("The gap and the pace"), [*gap_words(view, standing), *pace(view, province)]),
        waterfall_title=drawn.title if drawn else "",
        waterfall=drawn.svg if drawn else "",
        sectors=_sectors(view, drawn) if drawn else None,
        measures=asked,
        measure_table=table,
        changes=Block(terms("What would change the verdict"), changes(view, standing)),
        arguments=Block(terms("What the province can argue with"), arguments(view, standing, measured, rules)),
        footer=terms(
            "text: brief footer",
            run=view.run.name,
            n=standing.members,
            co2=terms("CO2 of energy and of cement making" if view.counts_process else "CO2 of energy"),
        ),
    )


def chance_words(view: View, standing: Standing) -> str:
    """The chance in words and figures, as often as in ten; never more certain than the members."""
    if not standing.members:
        return view.terms("No verdict: no finite result or no target in this scenario.")
    return view.terms(
        "text: chance in ten",
        chance=view.terms.chance(standing.chance),
        low=view.terms.chance(standing.interval[0]),
        high=view.terms.chance(standing.interval[1]),
        kind=view.terms(standing.kind.word),
        indicator=view.indicator_name(view.leading.key),
        target=number(standing.target),
        base=view.base_year,
        end=view.end_year,
    )


def beside(view: View, province: str) -> list[str]:
    """The chances of the plan's further indicators, and of all together."""
    terms, said = view.terms, []
    for key in view.others:
        if (other := view.other(key, province)) is not None:
            name = view.indicator_name(key)
            chance = terms.chance(other.chance)
            said.append(terms("text: beside", indicator=capital(name), target=number(other.target), chance=chance))
    if (together := view.all_together(province)) is not None:
        said.append(terms("text: all together", chance=terms.chance(together.chance), kind=terms(together.kind.word)))
    return said


def gap_words(view: View, standing: Standing) -> list[str]:
    """The gap in points, in coal equivalent and in CO2."""
    if not standing.members:
        return []
    terms, margin = view.terms, standing.margin
    key = "text: brief surplus" if margin[0] >= 0 else "text: brief gap"
    low, high = (number(value, sign=True) for value in margin[1:])
    said = [
        terms(
            key, fall=number(standing.reduction[0]), target=number(standing.target), points=number(abs(margin[0])),
            low=low, high=high,
        )
    ]  # fmt: skip
    point = view.worth_of_point.get(standing.province, float("nan"))
    if np.isfinite(point):
        said.append(
            terms(
                "text: gap in tonnes",
                amounts=amounts(view, abs(margin[0]) * point, standing.province),
                end=view.end_year,
            )
        )
    return said


def amounts(view: View, amount: float, province: str) -> str:
    """An amount in the unit of the leading indicator in words: coal equivalent with its CO2, or CO2 alone."""
    if view.leading.variable != REPORTED:
        return co2(view.terms, amount)
    carbon = carbon_of_energy(view, province)
    said = energy(view.terms, amount)
    if not np.isfinite(carbon):
        return said
    return view.terms("{energy} and {co2}", energy=said, co2=co2(view.terms, amount * carbon))


def carbon_of_energy(view: View, province: str) -> float:
    """Mt of CO2 for each Mtce of the plan's last year."""
    if "energy co2" not in view.quantiles:
        return float("nan")
    return float(
        view.median("energy co2", province)[view.end_year] / view.median("total energy", province)[view.end_year]
    )


def pace(view: View, province: str) -> list[str]:
    """The yearly rate that the target needs, against the fastest that the province and its peers ever achieved."""
    rows = view.rows("pace", province)
    if rows is None or rows.empty:
        return []
    row = rows.iloc[0]
    return [
        view.terms(
            f"text: pace {row.verdict}",
            needed=number(float(row.needed)),
            own=number(float(row.own)),
            own_years=row.own_years,
            peer=number(float(row.peer)),
            peer_name=view.terms.name(row.peer_name),
            peer_years=row.peer_years,
        )
    ]


def _sectors(view: View, drawn: Waterfall) -> Grid:
    """The reduction of each sector, in points and in tonnes: two rows below the sectors' names."""
    terms = view.terms
    heads = [terms("Reduction by sector"), *(terms.name(f"{sector}, short") for sector in drawn.sectors["sector"])]
    points = [terms("points"), *(number(float(value), sign=True) for value in drawn.sectors["points"])]
    scale = terms.scale(drawn.unit)
    decimals = 0 if scale > 1 else 2 if drawn.unit == gap.MTCE else 1
    tonnes = [number(scale * float(value), decimals, sign=True) for value in drawn.sectors["amount"]]
    return Grid(heads, [points, [terms(drawn.unit), *tonnes]])


def measures(view: View, standing: Standing) -> tuple[Block, Grid | None]:
    """The cheapest measures that bring 80 %, or the bound that binds, or the command that finds them."""
    block, grid = _cheapest(view, standing)
    triggers = view.table("triggers")
    if triggers is None or triggers.empty:
        return block, grid
    return replace(block, sentences=[*block.sentences, view.terms("text: measures without triggers")]), grid


def _cheapest(view: View, standing: Standing) -> tuple[Block, Grid | None]:
    """The block of the measures, whose strengths hold from the start, and its table."""
    terms = view.terms
    title = terms("The cheapest measures that bring a chance of 80 %")
    if standing.province == NATION:
        return Block(title, [terms("Measures are chosen province by province: see the briefs of the provinces.")]), None
    rows = view.table("measures")
    rows = None if rows is None else rows[rows["province"] == standing.province]
    if rows is None or rows.empty:
        command = f"tanlu solve --province '{standing.province}' --chance {GOOD:g}"
        if region() is not None:  # `solve` would need the pack's study named
            command = "policy: {} (study.yaml)"
        return Block(
            title, [terms("Not in this run: {what}. This makes it:", what=terms("measures by cost")) + f" {command}"]
        ), None
    first = rows.iloc[0]
    tried = view.study.policy.members if view.study.policy else 0
    if first["status"] == "none needed":
        return Block(title, [terms("text: none needed", chance=terms.chance(float(first["chance"])), n=tried)]), None
    if first["status"] == "out of reach":
        return Block(
            title,
            [
                terms(
                    "text: out of reach",
                    chance=terms.chance(float(first["chance"])),
                    bound=terms.name(first.get("bound", "")),
                )
            ],
        ), None
    chosen = rows[rows["rank"] <= MEASURES].sort_values("rank")
    grid = Grid(
        [terms(head) for head in heads("measures", MEASURE).values()],
        [_measure(view, row) for row in chosen.to_dict("records")],
    )
    best = terms.chance(float(rows["chance"].max()))
    more = len(rows) - len(chosen)
    price_year = int(first["price_year"])
    said = [terms("text: measures", n=len(rows), chance=best, members=tried, year=price_year)]
    said += [terms("text: more measures", more=more)] if more else []
    return Block(title, [joined(view, *said)]), grid


def _measure(view: View, row: Mapping[Hashable, object]) -> list[str]:
    """A measure as a row of texts in real units, with who pays and by when."""
    terms = view.terms
    chinese = terms.lang == "zh"
    complete = int(float(str(row["complete"])))
    payers = {name: float(str(row[name])) for name in ("enterprises", "government", "households")}
    paid = [f"{terms.name(f'payer {name}')} {100 * share:.0f} %" for name, share in payers.items() if share >= 0.05]
    return [
        str(row["title_zh" if chinese else "title"]),
        real(terms, float(str(row["quantity"])), str(row["unit_zh" if chinese else "unit"])),
        money(terms, float(str(row["investment Gyuan"]))),
        money(terms, float(str(row["net cost Gyuan/year"])), sign=True),
        ("、" if chinese else ", ").join(paid),
        str(complete)
        if complete > view.base_year
        else "–",  # an option of an earlier plan's catalogue has no date here
    ]


def changes(view: View, standing: Standing) -> list[str]:
    """Conditions that somebody can observe or move, each with the chance on either side of it, the strongest first."""
    if not standing.members:
        return []
    at = {"allocation": view.allocation, "mix": view.mix, "province": standing.province}
    data = view.metrics.sel(at)
    met = data["margin"].to_numpy() >= 0
    year = view.base_year + MIDDLE
    observed = {"growth": data["gdp_growth"].to_numpy()}
    if "yearly_reduction" in data:
        observed["progress"] = data["yearly_reduction"].sel(year=year).to_numpy()
    known = np.isfinite(data["margin"].to_numpy())
    said = []
    for name, values in observed.items():
        found = _split(view, name, values[known], met[known], year)
        said += [found] if found else []
    ordered = [text for _, text in sorted(said, key=lambda one: -one[0])]
    return [*ordered, *_other_mixes(view, standing)][:3]


def _split(view: View, name: str, values: np.ndarray, met: np.ndarray, year: int) -> tuple[float, str] | None:
    """The chance in the lowest and the highest third of what can be observed; None where their intervals overlap."""
    low, high = np.quantile(values, [1 / 3, 2 / 3])
    below, above = values <= low, values >= high
    if min(below.sum(), above.sum()) < FEW:
        return None
    ends = [wilson(int(met[part].sum()), int(part.sum())) for part in (below, above)]
    apart = ends[0][1] < ends[1][0] or ends[1][1] < ends[0][0]
    if not apart:
        return None
    chances = [float(met[part].mean()) for part in (below, above)]
    text = view.terms(
        f"text: if {name}",
        low=number(float(low)),
        high=number(float(high)),
        below=view.terms.chance(chances[0]),
        above=view.terms.chance(chances[1]),
        year=year,
    )
    return abs(chances[1] - chances[0]), text


def _other_mixes(view: View, standing: Standing) -> list[str]:
    """The chance under the other policy mix of the run."""
    if view.compared is None:
        return []
    other = view.standing(standing.province, mix=view.compared)
    return [
        view.terms(
            "text: if mix",
            mix=view.terms.name(view.compared),
            other=view.terms.chance(other.chance),
            chance=view.terms.chance(standing.chance),
        )
    ]


def arguments(view: View, standing: Standing, measured: Measured, rules: pd.DataFrame | None) -> list[str]:
    """Allocation rules that ask less of the province, who would carry it, and the province's own figures."""
    if standing.province == NATION or not standing.members:
        return []
    return [*_rules(view, standing, rules), *_indicators(view, standing, measured)]


def targets_by_rule(view: View) -> pd.DataFrame | None:
    """Targets of the study's plan under every rule that needs no model: province × rule.

    None for other indicators, and in a region pack, whose places share no target of China.
    """
    from experiments.allocation import comparison

    if region() is not None:
        return None
    try:
        asked = comparison.names("all", {})
        made = comparison.rules_of(asked, view.study.target.national, view.study.target.plan)
    except InputError:
        return None
    return pd.DataFrame({one.rule: one.table.set_index("province")["target_percent"] for one in made})


def _rules(view: View, standing: Standing, rules: pd.DataFrame | None) -> list[str]:
    """How many rules ask less, the one in the middle of them, and who would carry it."""
    terms = view.terms
    if rules is None:
        return _rules_of_study(view, standing)
    asked = zip(map(str, rules.columns), rules.loc[[standing.province]].to_numpy(dtype=float)[0], strict=True)
    own = {name: standing.target - value for name, value in asked if np.isfinite(value)}
    eased = sorted((points, name) for name, points in own.items() if points > LEAST_EASED)
    if not eased:
        return [terms("text: no rule eases", total=len(own))]
    points, rule = eased[(len(eased) - 1) // 2]
    moved = points * view.worth_of_point.get(standing.province, float("nan"))
    where = {"allocation": view.allocation, "mix": view.mix, "province": standing.province}
    reduction = view.metrics["reduction"].sel(where).to_numpy()
    reduction = reduction[np.isfinite(reduction)]
    said = [
        terms(
            "text: rules ease",
            n=len(eased),
            total=len(own),
            names=terms.names([name for _, name in eased[::-1][:3]]),
            rule=terms.name(rule),
            points=number(points),
            energy=_moved(view, moved),
            chance=terms.chance(float((reduction >= standing.target - points).mean())),
        )
    ]
    return [*said, *_carriers(view, standing, rules[rule], rule)]


def _rules_of_study(view: View, standing: Standing) -> list[str]:
    """The target and its chance by the study's other rules."""
    terms, shares = view.terms, []
    for choice in view.study.allocations:
        own = view.standing(standing.province, choice.label)
        if choice.label != view.allocation and own.members:
            rule, chance = terms.name(choice.label), terms.chance(own.chance)
            shares.append(terms("text: share by rule", target=number(own.target), rule=rule, chance=chance))
    return [terms("text: rules of the study", shares=terms.names(shares))] if shares else []


def _moved(view: View, amount: float) -> str:
    """An amount that moves between provinces."""
    return energy(view.terms, amount) if view.leading.variable == REPORTED else co2(view.terms, amount)


def _carriers(view: View, standing: Standing, targets: "pd.Series[float]", rule: str) -> list[str]:
    """The two provinces that the rule asks most more of, in coal equivalent."""
    more = {
        place: (float(targets[place]) - one.target) * view.worth_of_point.get(place, float("nan"))
        for place, one in view.standings.items()
        if place != standing.province and one.members and place in targets
    }
    most = sorted(((value, place) for place, value in more.items() if value > 0), reverse=True)[:2]
    if not most:
        return []
    pattern = "{}（{}）" if view.terms.lang == "zh" else "{} ({})"
    named = view.terms.names([pattern.format(view.terms.name(place), _moved(view, value)) for value, place in most])
    return [view.terms("text: carriers", rule=view.terms.name(rule), names=named)]


FIGURES = {"income": (1, 0), "intensity": (10, 2), "carbon": (10, 2), "secondary": (100, 0)}
"""Figure → factor and decimals."""
PER_MILLION = 1e-2
"""10⁴ persons in millions."""


def own_figures(view: View, measured: Measured) -> "tuple[int, dict[str, pd.Series[float]]]":
    """A year and by figure a value for each province: income, intensity and secondary share of GDP.

    Where the base year is a nowcast, of its last year of measured activity; intensity is an estimate there.
    """
    if (year := view.nowcast_until) is not None:
        return year, _nowcast_figures(view, year)
    year = min(view.base_year, measured.last_year)
    data = measured.data.sel(year=year)
    return year, {
        "income": (data["gdp"] / data["population"]).to_series(),
        "intensity": data["energy_intensity"].to_series(),
        "secondary": data["secondary_share"].to_series(),
    }


def _nowcast_figures(view: View, year: int) -> "dict[str, pd.Series[float]]":
    """The same from measured population and value added and from the members' medians."""
    rows = activity.activity_table().query("year == @year").pivot_table("value", "province", "variable")
    carbon = view.leading.variable if "co2" in view.leading.key else REPORTED

    def median(name: str) -> "pd.Series[float]":
        return pd.Series({place: float(view.median(name, place)[year]) for place in view.provinces})

    sectors = rows[["va_primary", "va_secondary", "va_tertiary"]]
    return {
        "income": median("gdp") / (PER_MILLION * rows["population"]),
        "intensity" if carbon == REPORTED else "carbon": median(carbon),
        "secondary": rows["va_secondary"] / sectors.sum(axis=1, min_count=3),
    }


def _indicators(view: View, standing: Standing, measured: Measured) -> list[str]:
    """Income, intensity and secondary share of the province against the median of all, with its rank."""
    year, values = own_figures(view, measured)
    parts = []
    for name, series in values.items():
        known = series.dropna()
        if standing.province not in known:
            continue
        factor, decimals = FIGURES[name]
        scale = view.terms.scale(f"text: figure {name}")
        decimals += scale < 1
        own, middle = (scale * factor * float(v) for v in (known[standing.province], known.median()))
        rank = int((known > known[standing.province]).sum()) + 1
        parts.append(
            view.terms(
                f"text: figure {name}" if len(known) > 1 else f"text: figure {name} alone",  # none to compare with
                own=number(own, decimals),
                middle=number(middle, decimals),
                rank=rank,
                n=len(known),
            )
        )
    if not parts:
        return []
    return [view.terms("text: own figures", year=year, parts=("；" if view.terms.lang == "zh" else "; ").join(parts))]
