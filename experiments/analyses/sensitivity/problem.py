"""The members of a study as independent factors: the population that the report's sensitivity chapter names.

- Assumptions: one factor each, from the table of parameters (with the study's changes), independent of each other.
- Calibrated parameters: one factor, the number of a posterior draw. A draw carries all provinces' parameters with
  their correlation, moved along with the assumptions so that each member still fits the measured years.
- Predictive errors: a national and a provincial shock, at their quantiles.
- The allocation rule, where the study has several, and the vintage of the sector balances.

These are independent by construction, so Sobol' indices mean what they should although the posterior is correlated.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property, partial

import numpy as np
import pandas as pd
import xarray as xr
from scipy.stats import norm

from calibration import discrepancy, members
from calibration.discrepancy import Discrepancy
from calibration.places import NATION
from experiments.analyses.feasibility import PROGRESS
from experiments.analyses.sensitivity.factors import Array, Factor
from experiments.ensemble import outputs
from experiments.ensemble.core import Ensemble, Params
from experiments.ensemble.triggers import Observed, scenario
from experiments.installation import FORM, calibrated
from models.indicators import Indicator, indicators

DRAW = "posterior draw"
NATIONAL = "national shock"
PROVINCIAL = "provincial shock"
SHOCKS = {
    "intensity": (NATIONAL, PROVINCIAL),
    "carbon": ("national carbon error", "provincial carbon error"),
    "growth": ("national growth error", "provincial growth error"),
}
"""Part of an indicator's predictive error → its national and its provincial factor."""
EVERY_SHOCK = tuple(name for names in SHOCKS.values() for name in names)
RULE = "allocation rule"
VINTAGE = "data vintage"
VINTAGES = ("balances of 2005-2007", "restated from 2008")
LEVELS = 20_000  # quantiles of the shocks, whose sums over years have no closed form
BATCH = 4096


@dataclass(frozen=True)
class SensitivityProblem:
    """A study's uncertain inputs under one mix, and its margins as a function of them.

    futures: the model and the study; mix: label; allocations: labels of the rules (one, or several as a factor);
    key: the indicator whose margin is asked for, the study's leading one unless another is named.
    """

    futures: Ensemble
    mix: str
    allocations: tuple[str, ...]
    key: str = ""

    @property
    def indicator(self) -> Indicator:
        """The indicator whose margin is asked for."""
        return indicators()[self.key or self.futures.study.target.indicators[0]]

    @property
    def parts(self) -> list[str]:
        """The parts of its predictive error."""
        return outputs.error_parts(self.indicator.variable)

    @cached_property
    def posterior(self) -> xr.Dataset:
        """The posterior that forecasts the study's plan, of the provinces that are run."""
        return calibrated(self.futures.study.target.period.base_year)[0].sel(province=self.futures.provinces)

    @property
    def fixed(self) -> dict[str, float]:
        """Assumptions that the study holds at one value."""
        known = {str(name) for name in self.posterior["assumption"].to_numpy()}
        return {name: value for name, value in self.futures.study.parameters.items() if name in known}

    def factors(self) -> tuple[Factor, ...]:
        """Every uncertain input."""
        from calibration import prior
        from experiments.ensemble.member_design import drawn_rows

        study = self.futures.study
        rows = drawn_rows(study, [str(name) for name in self.posterior["assumption"].to_numpy()])
        found = [
            Factor(
                name,
                group=str(r["group"]),
                unit=str(r["unit"]),
                meaning=str(r["meaning"]),
                inverse=partial(prior.inverse, r),
            )
            for name, r in rows.items()
        ]
        draws = tuple(range(self.posterior.sizes["draw"] if study.sampling.posterior else 1))
        if len(draws) > 1:
            meaning = "Which draw of the calibrated parameters, all provinces at once."
            found.append(Factor(DRAW, choices=draws, group="calibrated", meaning=meaning))
        if study.sampling.predictive_error:
            text = "What the model leaves out, as a quantile of the error at the end of the plan."
            names = [name for part in self.parts for name in SHOCKS[part]]
            found += [Factor(name, group="predictive error", meaning=text) for name in names]
        if len(study.model) > 1:
            files, text = (
                tuple(range(len(study.model))),
                "Which of the study's model files, as " + ", ".join(study.model),
            )
            found.append(Factor(FORM, choices=files, group=FORM, meaning=text))
        if len(self.allocations) > 1:
            found.append(Factor(RULE, choices=self.allocations, group=RULE))
        text = "Sector balances of the base year as first published, or as restated from 2008."
        return (*found, Factor(VINTAGE, choices=VINTAGES, group=VINTAGE, meaning=text))

    def units(self) -> dict[str, str]:
        """Unit of each factor."""
        return {f.name: f.unit for f in self.factors()}

    @property
    def places(self) -> list[str]:
        """The simulated provinces and their sum."""
        return [*self.futures.provinces, NATION]

    def labels(self, years: Sequence[int] = ()) -> list[str]:
        """Names of the outputs of `margins`: the places, for each year if years are given."""
        return [f"{p}|{y}" for y in years for p in self.places] if years else self.places

    def margins(self, points: pd.DataFrame, years: Sequence[int] = ()) -> Array:
        """Margins (points, places): reduction less target, percentage points, at the end of the plan.

        years: years of the plan at which the yearly task is judged instead; then (points, years × places). The nation
        feels the national shock only, for provincial ones average out over thirty provinces.
        """
        made = np.full((len(points), max(len(years), 1) * len(self.places)), np.nan)
        rule = points[RULE].to_numpy() if RULE in points else np.full(len(points), self.allocations[0])
        for label in self.allocations:
            rows = np.flatnonzero(rule == label)
            for start in range(0, len(rows), BATCH):
                part = rows[start : start + BATCH]
                made[part] = self._batch(points.iloc[part], label, years)
        return made

    def _batch(self, points: pd.DataFrame, label: str, years: Sequence[int]) -> Array:
        study = self.futures.study
        base, end = study.target.period.span
        judged = list(years) or [end]
        design, simulate = self.design(points), self.futures.system.simulate
        observed = Observed(study, self.futures.inputs, simulate, design, label, lambda: self._errors(points))
        params: Params = scenario(observed, self.mix)
        one = self.indicator
        wanted = [one.variable, *sorted(outputs.weights([one.variable]))]
        found = simulate(design, params, wanted, [base, *judged])
        values = outputs.with_nation(found, [one.variable])[one.variable]
        level = values.transpose("year", "member", "province").to_numpy()
        target = self.futures.inputs.allocation["targets"].sel(indicator=one.key, allocation=label)
        goal = target.sel(province=self.places).to_numpy().astype(float)
        made = []
        for k, year in enumerate(judged, start=1):
            due = 1.0 if year == end else PROGRESS[year - base - 1]
            there = level[k] * np.exp(self.shock(points, year - base))
            fall = members.achieved(level[0], there, one.kind, due=due, years=year - base)
            made.append(100 * fall - due * goal)
        return np.concatenate(made, axis=1)

    def _errors(self, points: pd.DataFrame) -> xr.Dataset:
        """The points' log errors by year, as triggers read them; all in the first part, since parts are added."""
        base, end = self.futures.study.target.period.span
        years = range(base, end + 1)
        total = np.stack([self.shock(points, max(y - base, 1)) * (y > base) for y in years], axis=-1)[:, :-1]
        where = {"member": np.arange(len(points)), "province": self.futures.provinces, "year": list(years)}
        each = xr.DataArray(total, where, ("member", "province", "year"))
        carried = self.parts[:1]
        return xr.Dataset({part: each if part in carried else xr.zeros_like(each) for part in SHOCKS})

    def design(self, points: pd.DataFrame) -> pd.DataFrame:
        """The model's inputs for the points: assumptions, and the calibrated parameters that go with them."""
        from calibration import prior
        from calibration.assumptions import conditioned
        from experiments.installation import flat

        shipped, names = self.posterior, [str(n) for n in self.posterior["assumption"].to_numpy()]
        ours = [n for n in points.columns if n not in (DRAW, *EVERY_SHOCK, RULE, VINTAGE, FORM)]
        assumptions = points[ours].astype(float).assign(**self.fixed).reset_index(drop=True)
        draws = shipped["draws"].to_numpy()[points[DRAW].to_numpy(dtype=int)] if DRAW in points else None
        chosen = np.repeat(shipped["optimum"].to_numpy()[None], len(points), 0) if draws is None else draws
        values = conditioned(shipped, chosen.astype(float), assumptions[[n for n in names if n in assumptions]])
        if FORM in points:
            moved_by = self.shifts[points[FORM].to_numpy(dtype=int)]
            values = np.clip(values + moved_by, shipped["low"].to_numpy(), shipped["high"].to_numpy())
        made = prior.model_inputs(values, {str(k): v for k, v in self.futures.inputs.common.data_vars.items()})
        if VINTAGE in points:
            moved = xr.DataArray((points[VINTAGE].to_numpy() == VINTAGES[1]).astype(float), dims="member")
            energy = made["base final energy"] * np.exp(moved * restated())
            made["base final energy"] = energy.transpose("member", "province", "sector")
        drawn = [n for n in assumptions if n not in self.futures.study.parameters]
        common = {str(n): ("member", assumptions[n].to_numpy()) for n in drawn}
        table = flat(made.merge(xr.Dataset(common)))
        return table.assign(**{FORM: points[FORM].to_numpy()}) if FORM in points else table

    @cached_property
    def shifts(self) -> Array:
        """How the calibrated parameters move with each of the study's model files: (form, province, parameter)."""
        from experiments.ensemble.member_design import refitted_shift

        study = self.futures.study
        moved = xr.DataArray([refitted_shift(study, form) for form in range(len(study.model))]).rename(dim_1="province")
        everywhere = moved.assign_coords(province=calibrated(self.futures.study.target.period.base_year)[0]["province"])
        return everywhere.sel(province=self.futures.provinces).to_numpy()

    @property
    def weights(self) -> Array:
        """Factor of the provincial shock by place: wider in small provinces, none for the nation."""
        known = self.posterior["shock weight"].to_series()
        return np.array([0.0 if place == NATION else float(known[place]) for place in self.places])

    def shock(self, points: pd.DataFrame, years: int) -> Array:
        """Log error after so many years of the plan, its parts at the points' quantiles: (points, places)."""
        total = np.zeros((len(points), len(self.places)))
        grid = (np.arange(LEVELS) + 0.5) / LEVELS
        for part in self.parts:
            if SHOCKS[part][0] not in points:
                continue
            if part == "carbon":
                laws, weights = carbon_shocks(years), (self.weights > 0).astype(float)
            else:
                law = discrepancy.from_attrs(self.posterior, "" if part == "intensity" else part)
                laws, weights = shocks(law, years), self.weights
            pairs = zip(SHOCKS[part], laws, strict=True)
            common, own = (np.interp(points[name].to_numpy(dtype=float), grid, law) for name, law in pairs)
            total += common[:, None] + own[:, None] * weights
        return total


@cache
def restated() -> xr.DataArray:
    """Logarithm by which the restatement of 2008 moved each sector, over the usual growth: (sector,)."""
    from calibration import baseline

    pooled = baseline.load()["sector_energy"].sum("province")
    energy = pooled.copy(data=np.log(pooled.to_numpy()))
    usual = 0.25 * (energy.sel(year=2007) - energy.sel(year=2005) + energy.sel(year=2010) - energy.sel(year=2008))
    return xr.DataArray(energy.sel(year=2008) - energy.sel(year=2007) - usual).reset_coords(drop=True)


@cache
def shocks(law: Discrepancy, years: int) -> tuple[Array, Array]:
    """Quantiles of the cumulative national and provincial shock after so many years, at LEVELS even levels."""
    common = replace(law, provincial=0.0, weights=()).sample(range(LEVELS // 4), 1, years, seed=1)[:, 0, -1]
    own = replace(law, national=0.0, weights=()).sample([0], LEVELS, years, seed=1)[0, :, -1]
    return np.quantile(common, (np.arange(LEVELS) + 0.5) / LEVELS), np.sort(own)


@cache
def carbon_shocks(years: int) -> tuple[Array, Array]:
    """The same of ln(CO2 per energy): both are sums of normal errors (see `discrepancy.carbon`)."""
    made = discrepancy.carbon(range(LEVELS // 4), 1, years, seed=1)[:, 0]
    own = (made[:, -1] - made[:, 0]).std()
    common = discrepancy.CARBON * np.sqrt(years)
    normal = norm.ppf((np.arange(LEVELS) + 0.5) / LEVELS)
    return common * normal, float(np.sqrt(max(0.0, own**2 - common**2))) * normal
