"""One scenario of a run as our pages look at it: what the members say about each province."""

import re
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

from calibration import activity, region
from calibration.places import NATION
from experiments.words.ratings import NO_CHANCE, UNRATED, WORDS, ChanceClass, Rating, chance_class
from experiments.words.terms import Terms
from models.indicators import Indicator, indicators

if TYPE_CHECKING:
    from experiments.runs.store import Run
    from experiments.study.schema import Study

Array = np.ndarray[Any, np.dtype[np.float64]]
HEADLINE_MIXES = ("designed", "delivered", "plan")
"""Mix of a run that the first page shows: the expert group's own, else the plan as carried out, else as decided, else
the first of the study."""
AMOUNTS = {"reported energy intensity": "total energy", "co2 intensity new metric": "total co2"}
"""Leading intensity → what it counts, where that is not the CO2 of energy."""
OLD_METRIC, NEW_METRIC = "co2_intensity", "co2_intensity_2026"
"""The metrics of carbon intensity to 2025 and of 2026."""
LAST_SHOWN = 5  # years shown beyond the year in which the target is judged


@dataclass(frozen=True)
class Standing:
    """Results of a province in one scenario: a row of `feasibility.summary`.

    target, reduction, margin in per cent or points, as (median, 10 % quantile, 90 % quantile) where three;
    chance: fraction of members that meet the target, with its Wilson interval; shares: fractions red, yellow, green.
    """

    province: str
    target: float
    reduction: tuple[float, float, float]
    margin: tuple[float, float, float]
    chance: float
    interval: tuple[float, float]
    shares: tuple[float, float, float]
    members: int
    light: Rating
    reach: tuple[float, float, float]

    @property
    def kind(self) -> ChanceClass:
        """The class of the chance, which colours every picture of it."""
        return chance_class(self.chance, self.interval) if self.members else NO_CHANCE


def _standing(row: Mapping[Hashable, Any]) -> Standing:
    """A row of the summary."""
    return Standing(
        str(row["province"]),
        float(row["target"]),
        (float(row["reduction"]), float(row["reduction_10"]), float(row["reduction_90"])),
        (float(row["margin"]), float(row["margin_10"]), float(row["margin_90"])),
        float(row["chance"]),
        (float(row["chance_low"]), float(row["chance_high"])),
        (float(row["red"]), float(row["yellow"]), float(row["green"])),
        int(row["members"]) if np.isfinite(row["target"]) else 0,
        WORDS.get(str(row["light"]), UNRATED) if np.isfinite(row["target"]) else UNRATED,
        (float(row["reach_50"]), float(row["reach_80"]), float(row["reach_90"])),
    )


@dataclass(frozen=True)
class JointChance:
    """The chance that a province meets all its targets in the same member; fails_most: the one missed most."""

    indicators: int
    chance: float
    interval: tuple[float, float]
    fails_most: str

    @property
    def kind(self) -> ChanceClass:
        """The class of the chance."""
        return chance_class(self.chance, self.interval)


@dataclass(frozen=True)
class RunData:
    """Data of a run, read once for all pages and languages."""

    run: "Run"
    _tables: dict[str, pd.DataFrame | None] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def study(self) -> "Study":
        """The resolved study."""
        return self.run.study

    @cached_property
    def metrics(self) -> xr.Dataset:
        """All target metrics of the run."""
        return self.run.metrics()

    @cached_property
    def quantiles(self) -> xr.Dataset:
        """All quantiles by year of the run."""
        return self.run.quantiles()

    @cached_property
    def trajectories(self) -> xr.Dataset:
        """The paths of the representative members."""
        return self.run.trajectories()

    def table(self, name: str) -> pd.DataFrame | None:
        """An analysis table with whatever index it was saved with as columns; None if the run has none."""
        if name not in self._tables:
            found = self.run.table(name) if name in self.names else None
            indexed = found is not None and found.index.names != [None]
            self._tables[name] = found.reset_index() if found is not None and indexed else found
        return self._tables[name]

    @cached_property
    def names(self) -> frozenset[str]:
        """Names of the analysis tables."""
        return frozenset(self.run.tables)

    @cached_property
    def summary(self) -> dict[tuple[str, str, str], Standing]:
        """(allocation, mix, province) → standing: the run's table where it has one."""
        from experiments.analyses import feasibility

        table = self.table("feasibility")
        if table is None:
            table = feasibility.summary(self.metrics[["reduction", "target"]])
        return {(r["allocation"], r["mix"], r["province"]): _standing(r) for r in table.to_dict("records")}

    @cached_property
    def by_indicator(self) -> dict[tuple[str, str, str, str], Standing]:
        """(indicator, allocation, mix, province) → standing, where the plan judges several indicators."""
        from experiments.analyses import joint

        table = self.table("indicators")
        if table is None:
            table = joint.each(self.metrics) if "achieved" in self.metrics else pd.DataFrame()
        rows = table.to_dict("records")
        return {(r["indicator"], r["allocation"], r["mix"], r["province"]): _standing(r) for r in rows}

    @cached_property
    def joint(self) -> dict[tuple[str, str, str], JointChance]:
        """(allocation, mix, province) → the chance of all indicators together."""
        from experiments.analyses import joint

        table = self.table("joint")
        if table is None:
            table = joint.table(self.metrics) if "achieved" in self.metrics else pd.DataFrame()
        return {
            (r["allocation"], r["mix"], r["province"]): JointChance(
                int(r["indicators"]),
                float(r["chance"]),
                (float(r["chance_low"]), float(r["chance_high"])),
                r["fails_most"],
            )
            for r in table.to_dict("records")
        }


@dataclass(frozen=True)
class View:
    """One scenario (allocation, mix) of a run, in one language."""

    data: RunData
    terms: Terms
    allocation: str
    mix: str

    @classmethod
    def headline(cls, run: "Run | RunData", terms: Terms) -> "View":
        """The scenario of the first page: the study's first allocation, with the first of HEADLINE_MIXES it has."""
        data = run if isinstance(run, RunData) else RunData(run)
        mixes = [choice.label for choice in data.study.mixes]
        mix = next((name for name in HEADLINE_MIXES if name in mixes), mixes[0])
        return cls(data, terms, data.study.allocations[0].label, mix)

    @property
    def run(self) -> "Run":
        """The run itself."""
        return self.data.run

    @property
    def study(self) -> "Study":
        """The resolved study."""
        return self.data.study

    @property
    def metrics(self) -> xr.Dataset:
        """All target metrics of the run."""
        return self.data.metrics

    @property
    def quantiles(self) -> xr.Dataset:
        """All quantiles by year of the run."""
        return self.data.quantiles

    @property
    def trajectories(self) -> xr.Dataset:
        """The paths of the representative members."""
        return self.data.trajectories

    @property
    def base_year(self) -> int:
        """Year that the target counts from."""
        return int(self.metrics.attrs["base_year"])

    @property
    def nowcast_until(self) -> int | None:
        """Last year of measured activity, where the plan's base year is a nowcast; None in a region pack."""
        return activity.nowcast_year(self.base_year) if region.active() is None else None

    @property
    def end_year(self) -> int:
        """Year in which the target is judged."""
        return int(self.metrics.attrs["end_year"])

    @property
    def last_shown(self) -> int:
        """Last year that the charts show."""
        return min(self.end_year + LAST_SHOWN, int(self.quantiles.year.max()))

    @property
    def provinces(self) -> list[str]:
        """The simulated provinces, without the nation."""
        return [str(name) for name in self.metrics.province.values if name != NATION]

    @property
    def whole(self) -> list[str]:
        """The sum of the provinces as a further place, where the run has several; of one it says nothing new."""
        return [NATION] if len(self.provinces) > 1 else []

    @property
    def scenario(self) -> str:
        """The scenario in words."""
        return self.terms(
            "Scenario: {allocation}, {mix}", allocation=self.terms.name(self.allocation), mix=self.terms.name(self.mix)
        )

    @property
    def compared(self) -> str | None:
        """The mix shown for comparison: no new policy, or, if that is the scenario itself, the study's last mix."""
        mixes = [choice.label for choice in self.study.mixes]
        other = "base" if "base" in mixes and self.mix != "base" else mixes[-1]
        return None if other == self.mix else other

    def standing(self, province: str, allocation: str | None = None, mix: str | None = None) -> Standing:
        """Results of a province (or "China") in this scenario or another one of the run."""
        return self.data.summary[allocation or self.allocation, mix or self.mix, province]

    @cached_property
    def standings(self) -> dict[str, Standing]:
        """Province → standing in this scenario."""
        return {province: self.standing(province) for province in self.provinces}

    def bands(self, variable: str, province: str, scale: float = 1.0, mix: str | None = None) -> pd.DataFrame:
        """Quantiles by year of a variable of a province: index year, columns the levels, times scale."""
        data = self.quantiles[variable].sel(allocation=self.allocation, mix=mix or self.mix, province=province)
        values = data.transpose("year", "quantile").values * scale
        return pd.DataFrame(values, data.year.values, data["quantile"].values)

    def median(self, variable: str, province: str, scale: float = 1.0) -> "pd.Series[float]":
        """Median by year of a variable of a province, times scale."""
        return self.bands(variable, province, scale)[0.5]

    @property
    def leading(self) -> Indicator:
        """The indicator that the page is about."""
        return self.study.target.leading

    def indicator_name(self, key: str) -> str:
        """An indicator in words; where the plan is judged by both metrics of carbon, the older one says which it is."""
        name = self.terms.indicator(indicators()[key])
        if key == OLD_METRIC and NEW_METRIC in self.study.target.indicators:
            return self.terms("{name} (metric to 2025)", name=name)
        return name

    @property
    def leading_words(self) -> str:
        """The leading indicator without the metric in brackets, for a headline."""
        return re.split(r"\s*[(（]", self.terms.indicator(self.leading))[0]

    @property
    def others(self) -> list[str]:
        """The further indicators that the plan judges and of which some province has a target."""
        rest = self.study.target.indicators[1:]
        return [key for key in rest if any(self.other(key, place) for place in self.provinces)]

    def other(self, key: str, province: str) -> Standing | None:
        """Results of a province on a further indicator; None where it has no target of it."""
        found = self.data.by_indicator.get((key, self.allocation, self.mix, province))
        return found if found is not None and found.members else None

    def all_together(self, province: str) -> JointChance | None:
        """The chance that a province meets all its targets; None where it has but one."""
        found = self.data.joint.get((self.allocation, self.mix, province))
        return found if found is not None and found.indicators > 1 else None

    @property
    def judged_together(self) -> bool:
        """Whether some province has targets for more than one indicator that counts."""
        return any(self.all_together(place) for place in self.provinces)

    @property
    def counts_process(self) -> bool:
        """Whether the leading indicator counts the process CO2 of cement."""
        return AMOUNTS.get(self.leading.variable) == "total co2"

    @cached_property
    def worth_of_point(self) -> dict[str, float]:
        """Province → what a point of its target is worth in the last year: base intensity at expected GDP.

        Mtce where energy intensity leads, Mt of CO2 where carbon intensity does.
        """
        amount = AMOUNTS.get(self.leading.variable, "energy co2")
        if not {amount, "gdp"} <= set(self.quantiles.data_vars):
            return {}
        at = {"allocation": self.allocation, "mix": self.mix}
        middle = self.quantiles[[amount, "gdp"]].sel(at).sel(quantile=0.5, method="nearest")
        base, end = (middle.sel(year=year) for year in (self.base_year, self.end_year))
        worth = base[amount] / base["gdp"] * end["gdp"] / 100
        return {str(p): float(v) for p, v in zip(worth["province"].values, worth.values, strict=True)}

    def table(self, name: str) -> pd.DataFrame | None:
        """An analysis table; None if the run has none."""
        return self.data.table(name)

    def rows(self, name: str, province: str | None = None) -> pd.DataFrame | None:
        """The rows of a table that belong to this scenario, and to a province where the table knows provinces."""
        table = self.table(name)
        if table is None:
            return None
        for column, value in (("allocation", self.allocation), ("mix", self.mix), ("province", province)):
            if column in table and value is not None:
                table = table[table[column] == value]
        return table


def lowest_first(standings: Iterable[Standing]) -> list[Standing]:
    """Those least likely to meet their target first; equal chances by margin."""
    return sorted(standings, key=lambda s: (s.chance, s.margin[0]))
