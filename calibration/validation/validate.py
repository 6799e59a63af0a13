"""Sterman's tests of the provincial model, on measured inputs and draws of the posterior; each gives a verdict.

`sim.check` holds the tests that any model must pass. The tests here are specific to this model: its accounts close,
stocks are filled by their own flows, a five-year reduction does not depend on the time step, no absurd value appears at
the corners of the prior, and every parameter acts in the direction that the field expects (`expectations.csv`).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from calibration import baseline, inputs, posterior, projects
from calibration.members import achieved
from calibration.places import NATION
from calibration.prior import model_inputs, uncertain, wide_prior
from models.parameters import defaults, parameters, row
from sim import Model
from sim.check import EXACT, Verdict
from sim.errors import SimError

EXPECTATIONS = Path(__file__).with_name("expectations.csv")
SPANS = ((2005, 2010), (2010, 2015), (2015, 2020), (2020, 2025), (2025, 2030))
REPORTED = (0.1, 0.5, 0.9)  # reported quantiles over members
ALLOWED = 0.1  # percentage points that a five-year reduction may move when the step is halved
LEVERS = 0.5  # strength of every lever in these tests, so that every part of the model is active
LOOKED_AT = 2020.0  # year at which the direction of an effect is judged
SLIGHT = 1e-3  # a province counts as unaffected below this fraction of the largest effect
PROVINCES = 0.8  # least fraction of the affected provinces that must move as expected
NEVER_NEGATIVE = (
    "capital", "depreciation", "investment", "productivity", "population", "urban share", "gdp", "income",
    "primary value added", "secondary value added", "tertiary value added", "building stock", "building completion",
    "heavy share", "activity", "cars", "comfort", "capacity", "new capacity", "embodied requirement", "retrofit",
    "frontier intensity", "final energy", "fuel share", "final energy by fuel", "coal per kWh", "best coal per kWh",
    "total energy", "energy intensity", "reported energy intensity", "nonfossil share", "generation", "power fuel",
    "energy co2", "effort", "rationing", "delivered strength", "saving in place", "policy investment",
    "policy capital",
)  # fmt: skip
STOCKS: Mapping[str, tuple[tuple[int, str], ...]] = {
    "capital": ((1, "investment"), (-1, "depreciation")),
    "population": ((1, "births"), (-1, "deaths"), (1, "net migration")),
    "productivity": ((1, "productivity growth"),),
    "urban share": ((1, "urbanisation"),),
    "building stock": ((1, "building completion"), (-1, "demolition")),
    "capacity": ((1, "new capacity"), (-1, "retirement"), (-1, "closure")),
    "embodied requirement": (
        (1, "requirement added"), (-1, "requirement retired"), (-1, "requirement closed"), (-1, "retrofit"),
    ),
    "coal per kWh": ((-1, "coal saving of power plants"),),
    "effort": ((1, "effort adjustment"),),
    "delivered strength": ((1, "delivery"),),
    "cumulative policy investment": ((1, "total policy investment"),),
}  # fmt: skip
"""Stock → its flows, written here independently of the model file, so that a flow missing there is detected."""
LOOPS: Mapping[str, str] = {
    "switch growth": "output pays for investment (R)",
    "switch depreciation": "depreciation follows the stock (B)",
    "switch comfort": "income raises comfort (R)",
    "switch turnover": "efficiency waits for turnover (B)",
    "switch target pressure": "the gap to the target raises effort (B)",
    "switch effort decay": "effort fades (B)",
    "switch learning": "all provinces learn from each other (R)",
    "switch crowding out": "policy investment displaces productive investment (B)",
    "switch rebound": "saving raises demand (R)",
    "switch rationing": "end-of-plan rationing (B)",
}


@dataclass(frozen=True)
class ValidationCase:
    """A model with measured inputs.

    Attributes:
        model: the compiled model.
        inputs: measured inputs of the model by name.
        design: members of the posterior, as from `calibration.posterior.design`.
        centre: one member with every uncertain assumption at its reference.
    """

    model: Model
    inputs: Mapping[str, xr.DataArray]
    design: xr.Dataset
    centre: xr.Dataset

    @classmethod
    def load(cls, model: Model, members: int = 32, seed: int = 1) -> "ValidationCase":
        """The model with the shipped posterior and its inputs."""
        shipped = posterior.load()
        measured = inputs.params(baseline.load(), int(shipped.attrs["last year fitted"]))
        names = [str(name) for name in shipped["assumption"].values]
        reference = pd.DataFrame({name: [float(np.mean(defaults(row(name))))] for name in names})
        design = posterior.design(members, seed, inputs=measured, posterior=shipped)
        centre = posterior.design(1, seed, inputs=measured, posterior=shipped, assumptions=reference)
        return cls(model, measured, design, centre)

    def run(
        self, outputs: list[str], times: list[float], extra: Mapping[str, Any] | None = None,
        design: xr.Dataset | None = None,
    ) -> xr.Dataset:  # fmt: skip
        """Run the ensemble with every lever at LEVERS; `extra` has precedence over `design`, and `design` over the
        inputs.
        """
        names = list(self.model.subscripts["lever"])
        levers = xr.DataArray(np.full(len(names), LEVERS), {"lever": names}, "lever")
        design = self.design if design is None else design
        params = {**self.inputs, "lever strength": levers, **(extra or {})}
        fixed = {name: value for name, value in params.items() if name not in design or name in (extra or {})}
        return self.model.ensemble(
            design.drop_vars(list(extra or {}), errors="ignore"), outputs, params=fixed, times=times
        )


def years(first: int = 2005, last: int = 2030) -> list[float]:
    """Every year from `first` to `last` as a save point."""
    return [float(year) for year in range(first, last + 1)]


def imbalance(left: xr.DataArray, right: xr.DataArray | float) -> float:
    """Largest difference of two sides of an account, relative to the greatest value of the larger side."""
    size = max(float(abs(left).max()), float(abs(xr.DataArray(right)).max()), 1e-300)
    return float(abs(left - right).max()) / size


def accounts(case: ValidationCase) -> Verdict:
    """Structure: sums and conversions that must hold at every time to a relative 1e-9."""
    found = dict(_accounts(case))
    faults = tuple(f"{name}: off by {value:.2g} of its size" for name, value in found.items() if not value <= EXACT)
    return Verdict("accounts", f"{len(found)} accounts, at most {max(found.values()):.1e} off", faults)


ACCOUNTED = (
    "final energy", "final energy by fuel", "fuel share", "indicated fuel share", "market fuel share",
    "electricity use", "heat use", "nonelectric final energy", "power input", "heat loss", "other transformation",
    "total energy", "energy intensity", "gdp", "primary value added", "secondary value added", "tertiary value added",
    "activity", "industry value added index", "coal per kWh", "nonfossil share", "generation", "power fuel",
    "power co2", "heat co2", "end use co2", "energy co2", "electricity import co2", "consumption co2", "national gdp",
    "national energy", "national co2", "national energy intensity", "annualised policy cost",
    "annualised capital cost", "running cost", "energy bill saved", "policy investment", "total policy investment",
    "grid loss", "heat content of electricity", "heat supply efficiency", "emission factor",
    "emission factor of power fuel", "feedstock share", "feedstock reach", "base heavy share",
    "share with capture", "capture energy penalty", "captured co2",
)  # fmt: skip


def _accounts(case: ValidationCase) -> Iterator[tuple[str, float]]:
    run = case.run(list(ACCOUNTED), years())
    for name in ("fuel share", "indicated fuel share", "market fuel share"):
        yield f"{name} adds to one", imbalance(run[name].sum("fuel"), 1.0)
    yield (
        "fuels add to the sector's final energy",
        imbalance(run["final energy by fuel"].sum("fuel"), run["final energy"]),
    )
    parts = run["primary value added"] + run["secondary value added"] + run["tertiary value added"]
    yield "the parts of GDP add", imbalance(parts, run["gdp"])
    weight = run["base heavy share"]
    industry = weight * run["activity"].sel(sector="heavy industry")
    industry = industry + (1 - weight) * run["activity"].sel(sector="light industry")
    yield "heavy and light industry add", imbalance(industry, run["industry value added index"])
    yield from _energy(run)
    yield from _emissions(run)
    for name, part in (("national gdp", "gdp"), ("national energy", "total energy"), ("national co2", "energy co2")):
        yield f"{name} is the sum of the provinces", imbalance(run[name], run[part].sum("province"))
    yield (
        "the nation's intensity",
        imbalance(run["national energy intensity"] * run["national gdp"], run["national energy"]),
    )
    costs = run["annualised capital cost"] + run["running cost"] - run["energy bill saved"]
    yield "policy costs add", imbalance(costs.sum("lever"), run["annualised policy cost"])
    yield "policy investment adds", imbalance(run["policy investment"].sum("lever"), run["total policy investment"])


def _energy(run: xr.Dataset) -> Iterator[tuple[str, float]]:
    """Energy input = energy output + losses, starting from the fuels."""
    fuels = run["final energy by fuel"].sum("sector")
    power = fuels.sel(fuel="electricity") / run["heat content of electricity"]
    yield "electricity by heat content", imbalance(power, run["electricity use"])
    useful = fuels.sum("fuel")
    power_loss = power * (1 + run["grid loss"]) * _coal(run) - fuels.sel(fuel="electricity")
    heat_loss = fuels.sel(fuel="heat") * (1 / run["heat supply efficiency"] - 1)
    out = useful + power_loss + heat_loss + run["other transformation"]
    yield "total energy = final energy + losses", imbalance(out, run["total energy"])
    yield "intensity × GDP = energy", imbalance(run["energy intensity"] * run["gdp"], run["total energy"])


def _coal(run: xr.Dataset) -> xr.DataArray:
    """Coal use per unit of thermal power, including that of carbon capture."""
    return run["coal per kWh"] * (1 + run["capture energy penalty"] * run["share with capture"])


def _emissions(run: xr.Dataset) -> Iterator[tuple[str, float]]:
    """CO2 = Σ fuel × factor, starting from the fuels."""
    burnt = run["final energy by fuel"] * (1 - run["feedstock share"] * run["feedstock reach"])
    fuel = (burnt * run["emission factor"]).sel(fuel=["coal", "oil", "gas"]).sum(("sector", "fuel"))
    yield (
        "generation = consumption × ratio",
        imbalance(run["power fuel"], run["generation"] * (1 - run["nonfossil share"]) * _coal(run)),
    )
    heat = run["heat use"] / run["heat supply efficiency"] * run["emission factor"].sel(fuel="coal")
    total = fuel + run["power fuel"] * run["emission factor of power fuel"] - run["captured co2"] + heat
    yield "CO2 = fuel × factor", imbalance(total, run["energy co2"])
    yield (
        "consumption account = production + imports",
        imbalance(run["energy co2"] + run["electricity import co2"], run["consumption co2"]),
    )


def flows(case: ValidationCase) -> Verdict:
    """Check that each stock is the integral of its flows."""
    step = _step(case)
    names = [*STOCKS, *(flow for parts in STOCKS.values() for _, flow in parts)]
    run = case.run(names, list(np.arange(2005, 2015 + step / 2, step)), design=case.centre)
    found = {}
    for stock, parts in STOCKS.items():
        total = sum(sign * run[flow] for sign, flow in parts)
        grown = run[stock].isel(time=slice(1, None)).values - run[stock].isel(time=slice(None, -1)).values
        gap = abs(grown - step * xr.DataArray(total).transpose(*run[stock].dims).isel(time=slice(None, -1)).values)
        found[stock] = float(gap.max() / max(float(abs(run[stock]).max()), 1e-300))
    faults = tuple(
        f"{stock} is not the integral of {' '.join(('+' if s > 0 else '-') + f for s, f in STOCKS[stock])}: "
        f"off by {value:.2g} of its size"
        for stock, value in found.items()
        if not value <= EXACT
    )
    return Verdict("stocks and their flows", f"{len(found)} stocks, at most {max(found.values()):.1e} off", faults)


def _step(case: ValidationCase) -> float:
    return float(case.run(["TIME STEP"], [2005.0], design=case.centre)["TIME STEP"].max())


def reductions(run: xr.Dataset, name: str = "energy intensity") -> xr.DataArray:
    """Five-year reductions in per cent over the SPANS: (…, span)."""
    parts = [100 * achieved(run[name].sel(time=first), run[name].sel(time=last)) for first, last in SPANS]
    labels = xr.DataArray([f"{first}-{last}" for first, last in SPANS], dims="span", name="span")
    return xr.concat([part.drop_vars("time", errors="ignore") for part in parts], labels)


def accuracy(case: ValidationCase) -> Verdict:
    """Integration error: change of every reported five-year reduction when the step is halved, in percentage points.

    The reported figures are the median and the 80 % range over members; the verdict also gives the largest change of a
    single draw.
    """
    step, times = _step(case), [float(first) for first, _ in SPANS] + [2030.0]
    runs = [case.run(["energy intensity", "co2 intensity"], times, {"TIME STEP": step / part}) for part in (1, 2)]
    faults, worst, single = [], 0.0, 0.0
    for name in ("energy intensity", "co2 intensity"):
        whole, halved = (reductions(run, name) for run in runs)
        moved = abs(halved.quantile(REPORTED, "member") - whole.quantile(REPORTED, "member"))
        worst, single = max(worst, float(moved.max())), max(single, float(abs(halved - whole).max()))
        for span in moved["span"].values:
            at = moved.sel(span=span)
            if not float(at.max()) < ALLOWED:
                where = str(at.max("quantile").idxmax("province").values)
                faults.append(f"{name} {span} moves by {float(at.max()):.2f} points in {where} (allowed {ALLOWED})")
    draws = runs[0].sizes["member"]
    measured = f"step {step:g} halved: at most {worst:.3f} points ({single:.3f} in a single one of {draws} draws)"
    return Verdict("reported five-year reductions do not depend on the step", measured, tuple(faults))


def expectations(case: ValidationCase, path: Path = EXPECTATIONS) -> Verdict:
    """Check that every parameter acts in the expected direction: on the national sum and on most provinces that it
    affects.
    """
    table = pd.read_csv(path)
    names = list(dict.fromkeys(table["parameter"]))
    design = _low_high_design(case, names)
    apart = {"growth pooling": 0.0, "growth evidence share": 0.0}  # keeps the provinces independent of each other
    run = case.run(list(dict.fromkeys(table["output"])), [LOOKED_AT], apart, design).isel(time=0)
    faults = []
    for entry in table.itertuples():
        at = names.index(str(entry.parameter))
        move = run[str(entry.output)].isel(member=2 * at + 1) - run[str(entry.output)].isel(member=2 * at)
        signed = move * (1 if entry.sign == "+" else -1)
        moved = float(
            (abs(signed) > SLIGHT * abs(signed).max()).sum()
        )  # for example, rationing does not affect a province that is ahead of its target
        if not (float(signed.sum()) > 0 and float((signed > SLIGHT * abs(signed).max()).sum()) >= PROVINCES * moved):
            word = "raise" if entry.sign == "+" else "lower"
            faults.append(
                f"{entry.parameter} must {word} {entry.output} ({entry.reason}); "
                f"it does so in {int((signed > 0).sum())} of {signed.size} provinces"
            )
    return Verdict("effects have the expected sign", f"{len(table)} effects of {len(names)} parameters", tuple(faults))


def _low_high_design(case: ValidationCase, names: list[str]) -> xr.Dataset:
    """A design with two members per parameter, below and above its reference; everything else is at the reference."""
    centre, count = case.centre, 2 * len(names)
    wanted = list(dict.fromkeys([*names, *map(str, centre.data_vars)]))
    run = case.run(wanted, [2005.0], design=centre).isel(member=0, drop=True)
    data = {}
    for name in wanted:
        value = run[name].isel(time=0, drop=True) if "time" in run[name].dims else run[name]
        data[name] = value.expand_dims(member=count).copy()
    for at, name in enumerate(names):
        value = data[name].isel(member=0, drop=True)
        low, high = _low_and_high(value, row(name))
        data[name][{"member": 2 * at}] = low
        data[name][{"member": 2 * at + 1}] = high
    return xr.Dataset(data)


def _low_and_high(value: xr.DataArray, entry: "pd.Series[Any]") -> tuple[xr.DataArray, xr.DataArray]:
    """Values below and above by a tenth of the range, inside the range; by a tenth of the value where there is no
    range.
    """
    if np.isnan(entry["low"]) or np.isnan(entry["high"]):
        return value * 0.9, value * 1.1
    low, high = float(entry["low"]), float(entry["high"])
    return (value - 0.1 * (high - low)).clip(low, high), (value + 0.1 * (high - low)).clip(low, high)


def extremes(case: ValidationCase, corners: int = 64, seed: int = 1) -> Verdict:
    """Extreme conditions: each expectation holds, and no value is negative, missing or infinite at any corner."""
    conditions = _conditions(case)
    names = [name for name in NEVER_NEGATIVE if name in case.model.variables]
    design = _extreme_design(case, conditions, corner_design(case, corners, seed))
    run = case.run([*names, "co2 intensity", "annualised policy cost"], years(), design=design)
    faults: list[str] = []
    for at, label in enumerate((*conditions, "corners of the prior")):
        part = run.isel(member=[at] if at < len(conditions) else slice(at, None))
        broken = [str(name) for name, values in part.data_vars.items() if not bool(np.isfinite(values).all())]
        negative = [name for name in names if float(part[name].min()) < -EXACT * float(abs(part[name]).max())]
        faults += [f"{label}: not finite: {', '.join(broken)}"] if broken else []
        faults += [f"{label}: {name} falls to {float(part[name].min()):.3g}" for name in negative]
        faults += [f"{label}: {text}" for text in _broken_expectations(label, part)]
    measured = (
        f"{len(conditions)} conditions and {corners + 2} corners of the prior, {len(names) + 2} variables, to 2030"
    )
    return Verdict("extreme conditions", measured, tuple(faults))


def _conditions(case: ValidationCase) -> dict[str, dict[str, Any]]:
    """Condition → the parameters that it sets."""
    given = case.inputs
    return {
        "no investment, all capital worn out": {
            "base investment share": 0.0, "investment share long run": 0.0, "depreciation rate": 1.0,
        },
        "no demand": {"base final energy": case.centre["base final energy"].isel(member=0) * 1e-9},
        "energy price tenfold every eight years": {"energy price growth": 0.33},
        "a hundredth of the people": {"base population": given["base population"] * 0.01},
        "ten times the people": {"base population": given["base population"] * 10},
        "effort at its ceiling": {"effort floor": 1.0, "base effort": 1.0},
        "no effort": {"effort floor": 0.0, "base effort": 0.0, "switch target pressure": 0.0},
        "an absurd target": {"target reduction": 0.89},
    }  # fmt: skip


def _extreme_design(
    case: ValidationCase, conditions: Mapping[str, Mapping[str, Any]], corners: xr.Dataset
) -> xr.Dataset:
    """One member per condition, then the corners."""
    centre = case.centre.isel(member=np.zeros(len(conditions), dtype=int)).drop_vars("member", errors="ignore")
    shared = [str(name) for name, values in corners.data_vars.items() if "member" in values.dims]
    # An assumption on which no fitted year depends is not in the posterior; it takes its default here.
    centre = centre.assign({name: ("member", np.full(len(conditions), np.mean(defaults(row(name)))))
                            for name in shared if name not in centre})  # fmt: skip
    data = {name: xr.concat([centre[name], corners[name]], "member").copy() for name in shared}
    count = len(conditions) + corners.sizes["member"]
    for at, values in enumerate(conditions.values()):
        for name, value in values.items():
            if name not in data:
                base = xr.DataArray(case.inputs.get(name, float(np.mean(defaults(row(name))))))
                data[name] = base.expand_dims(member=count).copy()
            data[name][{"member": at}] = value
    return xr.Dataset(data)


def corner_design(case: ValidationCase, corners: int, seed: int) -> xr.Dataset:
    """All low, all high, and random corners of the free and the uncertain parameters."""
    rng = np.random.default_rng(seed)
    provinces = case.inputs["base gdp"].size
    prior = wide_prior(provinces)
    count = len(prior.names)
    shape = (provinces, count)
    up = np.concatenate([np.zeros((1, *shape)), np.ones((1, *shape)), rng.integers(0, 2, (corners, *shape))])
    design = model_inputs(np.where(up > 0, prior.high, prior.low), dict(case.inputs))
    table = uncertain()
    side = np.concatenate(
        [np.zeros((1, len(table))), np.ones((1, len(table))), rng.integers(0, 2, (corners, len(table)))]
    )
    values = np.where(side > 0, table["high"].to_numpy(float), table["low"].to_numpy(float))
    return design.merge(xr.Dataset({str(name): ("member", values[:, at]) for at, name in enumerate(table.index)}))


def _broken_expectations(label: str, run: xr.Dataset) -> list[str]:
    """The expectations that fail under a condition, in words."""
    first, last = run.sel(time=2005), run.sel(time=2030)
    rules: dict[str, tuple[xr.DataArray, str]] = {
        "no investment, all capital worn out": (last["gdp"] < 0.01 * first["gdp"], "GDP must vanish with its capital"),
        "no demand": (last["total energy"] < 1e-5, "no energy may be used"),
        "energy price tenfold every eight years": (
            last["energy intensity"] < 0.6 * first["energy intensity"], "dear energy must be saved",
        ),
        "a hundredth of the people": (
            last["building stock"] <= first["building stock"] * (1 + EXACT), "nobody builds for nobody",
        ),
        "ten times the people": (last["building stock"] > 2 * first["building stock"], "people need floor"),
        "effort at its ceiling": (last["effort"] > 0.99, "effort must stay at its ceiling"),
        "no effort": (last["effort"] < 0.01, "nobody makes an effort"),
        "an absurd target": (run.sel(time=2015)["effort"] > 0.9, "effort must go to its ceiling"),
    }  # fmt: skip
    held, text = rules.get(label, (first["gdp"] > 0, "there is output"))
    return [] if bool(held.all()) else [text]


def table_of_parameters(case: ValidationCase) -> Verdict:
    """Check every parameter: unit as in the model, low ≤ default ≤ high, a source. Draws that gather at a bound are
    reported.
    """
    table = parameters()
    faults = [f"{name} is not in the model" for name in table.index if name not in case.model.variables]
    faults += [
        f"{name}: unit {entry['unit']} in the table, {case.model.variables[str(name)].units} in the model"
        for name, entry in table.iterrows()
        if str(name) in case.model.variables and entry["unit"] != case.model.variables[str(name)].units
    ]
    at_bound = [f"{row.parameter} of {row.province} {row.part_at_bound:.0%}" for row in draws_at_bounds().itertuples()]
    measured = f"{len(table)} parameters; draws at a bound: {', '.join(at_bound) or 'none'}"
    return Verdict("table of parameters", measured, tuple(faults))


def draws_at_bounds() -> pd.DataFrame:
    """Parameters and provinces with more than 5 % of the shipped draws within a hundredth of the range of a bound."""
    shipped = posterior.load()
    near = 0.01 * (shipped["high"] - shipped["low"])
    part = ((shipped["draws"] - shipped["low"] < near) | (shipped["high"] - shipped["draws"] < near)).mean("draw")
    rows = part.to_dataframe("part_at_bound").reset_index()
    return rows[rows["part_at_bound"] > 0.05].sort_values("part_at_bound", ascending=False, ignore_index=True)


def loops(case: ValidationCase) -> pd.DataFrame:
    """The effect of cutting each loop on every target of the 12th plan.

    Returns:
        One row per loop and province, the nation last: loop, province, target, reduction and reduction_cut (median over
        members, per cent), change (percentage points, median, with its 80 % range over members), chance and chance_cut
        of meeting the target.
    """
    times = [2010.0, 2015.0]
    target = 100 * case.inputs["target reduction"].sel(plan="p12", drop=True)
    target = _with_nation(target, xr.DataArray(np.nan))
    closed = _plan(case.run(["total energy", "gdp"], times))
    rows = []
    for switch, meaning in LOOPS.items():
        cut = _plan(case.run(["total energy", "gdp"], times, {switch: 0.0, "learning index data": 1.0}))
        change = cut - closed
        low, high = (change.quantile(level, "member").values for level in (REPORTED[0], REPORTED[-1]))
        rows.append(
            pd.DataFrame(
                {
                    "loop": meaning,
                    "province": target["province"].values,
                    "target": target.values,
                    "reduction": closed.median("member").values,
                    "reduction_cut": cut.median("member").values,
                    "change": change.median("member").values,
                    "change_10": low,
                    "change_90": high,
                    "chance": (closed >= target).mean("member").where(target.notnull()).values,
                    "chance_cut": (cut >= target).mean("member").where(target.notnull()).values,
                }
            )
        )
    return pd.concat(rows, ignore_index=True)


def _with_nation(provinces: xr.DataArray, nation: xr.DataArray) -> xr.DataArray:
    """Values by province, with the nation's as the last."""
    return xr.concat([provinces, nation.expand_dims(province=[NATION])], "province")


def _plan(run: xr.Dataset) -> xr.DataArray:
    """Reduction of energy intensity between the two times of a run, per cent: (member, province with the nation)."""
    energy, gdp = (_with_nation(run[name], run[name].sum("province")) for name in ("total energy", "gdp"))
    intensity = (energy / gdp).transpose("member", "province", "time")
    return 100 * achieved(intensity.isel(time=0), intensity.isel(time=1))


PROJECT = ("Ningxia", 2012.0, 5.0)
"""Province, start (year) and full-load energy (Mtce/year) of the project whose effects are shown."""


def effects(case: ValidationCase) -> pd.DataFrame:
    """Effects of urbanisation, employment and a large project in 2010-2015, in paired runs without policy.

    Returns:
        One row per change, place and quantity: change, place, quantity, effect (median over members) with its 80 %
        range effect_10 … effect_90, and unit. The effect is in per cent of the level in 2015 given that of 2010, for
        energy intensity also in percentage points of the reduction.
    """
    place, start, energy = PROJECT
    data = baseline.load()
    table = pd.DataFrame({"name": ["project"], "province": [place], "start": [start], "energy": [energy]})
    listed = projects.entered(2010, 2015, data, table).inputs
    changes: dict[str, tuple[str, Mapping[str, Any]]] = {
        "urbanisation speed 0": (NATION, {"urbanisation speed": 0 * case.inputs["urbanisation speed"]}),
        "half the employment growth": (NATION, {"employment growth rate": 0.5 * case.inputs["employment growth rate"]}),
        f"a project of {energy:g} Mtce in {place} from {start:.0f}": (place, listed),
    }
    usual, rows = _levels(case, {}), []
    for label, (where, given) in changes.items():
        moved = _levels(case, given)
        for quantity in usual.data_vars:
            ratio = 100 * (moved[quantity] / usual[quantity] - 1).sel(province=where)
            rows.append((label, where, quantity, *ratio.quantile((0.5, *REPORTED[::2]), "member").values, "%"))
        fall = 100 * (usual["energy intensity"] - moved["energy intensity"]).sel(province=where)
        points = fall.quantile((0.5, *REPORTED[::2]), "member").values
        rows.append((label, where, "reduction of energy intensity", *points, "points"))
    return pd.DataFrame(rows, columns=["change", "place", "quantity", "effect", "effect_10", "effect_90", "unit"])


def _levels(case: ValidationCase, extra: Mapping[str, Any]) -> xr.Dataset:
    """Levels of 2015 over those of 2010, without policy: (member, province with the nation)."""
    names = {"GDP": "gdp", "energy": "total energy", "CO2": "energy co2"}
    run = case.run(list(names.values()), [2010.0, 2015.0], {"lever strength": 0.0, **extra})
    whole = {label: _with_nation(run[name], run[name].sum("province")) for label, name in names.items()}
    found = {label: values.isel(time=1) / values.isel(time=0) for label, values in whole.items()}
    return xr.Dataset({"energy intensity": found["energy"] / found["GDP"], **found})


def loops_matter(case: ValidationCase) -> Verdict:
    """Check that every switch cuts a loop that has an effect."""
    change = loops(case).groupby("loop", sort=False)["change"].agg(lambda values: values.abs().max())
    faults = tuple(f"cutting '{name}' moves no target" for name, value in change.items() if not value > 0)
    largest = f"{change.idxmax()} ({change.max():.1f} points)"
    return Verdict("loops cut one by one", f"{len(change)} loops; most: {largest}", faults)


CHECKS: tuple[Callable[[ValidationCase], Verdict], ...] = (
    accounts, flows, accuracy, expectations, extremes, table_of_parameters, loops_matter,
)  # fmt: skip


def applies(model: Model) -> bool:
    """Whether the model is the provincial model or a copy of it."""
    return {"final energy by fuel", "energy intensity", "target reduction"} <= set(model.variables)


def check(case: ValidationCase) -> Iterator[Verdict]:
    """Yield every verdict as soon as it is known; a check that cannot run is reported as a fault."""
    for one in CHECKS:
        try:
            yield one(case)
        except (SimError, KeyError, ValueError) as error:  # ValueError: all values are missing
            yield Verdict(one.__name__.replace("_", " "), "could not be run", (str(error),))
