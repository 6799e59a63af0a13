"""Targets of the provinces under each allocation of a study, for every indicator, with the status of each target.

Every target is on the scale of what an indicator achieves (see `outputs.achieved`), per cent, higher is stricter: a
cut, a least share, or the fall of a total that its cap asks for (negative: growth that it allows) from the official
total of the plan's base year.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from calibration import inputs, region, tables
from calibration.places import NATION
from experiments.allocation import allocate, check_options, ledger, shipped
from experiments.allocation.allocate import Allocation
from experiments.allocation.response import ModelResponse
from experiments.study.schema import AllocationChoice, Study
from models.indicators import Indicator
from models.plans import BASIC, Plan
from models.reading.faults import InputError

OFFICIAL, RECALLED, ASSIGNED, RULE, NATIONAL, NONE = "official", "recalled", "assigned", "rule", "national", "none"
"""How a target is known: read in an official text; from memory, not read; entered by the user as official; a share by a
rule; the nation's own; not set."""
PER_TCE = {"1e4_tce": 0.01, "1e8_tce": 100.0, "Mtce": 1.0, "Mt": 1.0}
"""Units of published totals in Mtce (or Mt)."""


@dataclass(frozen=True)
class _Shares:
    """Calculation of one allocation of a study. places: the simulated provinces."""

    study: Study
    choice: AllocationChoice
    places: list[str]
    model: ModelResponse | None

    @property
    def plan(self) -> Plan:
        return self.study.target.period

    @property
    def rule(self) -> str:
        """Name of a rule, or the path of a rule's file beside the study."""
        choice = self.choice.rule
        return str(self.study.folder / choice) if choice.endswith(".py") else choice

    def allocated(self, kind: str, national: float) -> Allocation:
        """Cuts of energy or CO2 per GDP by the rule of this allocation."""
        options = dict(self.choice.options)
        if isinstance(options.get("path"), str) and options["path"]:
            options["path"] = str(self.study.path(options["path"]))
        return allocate(self.rule, national, self.plan.name, indicator=kind, model=self.model, **options)

    def indicator(self, one: Indicator) -> pd.DataFrame:
        """Columns target and status, by province with "China" last."""
        national = self.study.target.value(one.key)
        if one.kind == "cut":
            found = self.cut(one, national)
        elif one.kind == "cap":
            found, national = self.cap(one, national)
        else:
            found = self.published(one.published)
        found = found.reindex(self.places)
        for place, values in self.study.assigned.items():
            if one.key in values:
                value = values[one.key]
                found.loc[place] = (self.of_cap(one, place, value) if one.kind == "cap" else value, ASSIGNED)
        found["status"] = found["status"].where(found["target"].notna(), NONE)
        return pd.concat([found, pd.DataFrame({"target": [national], "status": [NATIONAL]}, [NATION])])

    def cut(self, one: Indicator, national: float) -> pd.DataFrame:
        """Cuts of an intensity: as published where the rule is the official one, else as the rule shares them out."""
        kind = "energy" if one.key == "energy_intensity" else "co2"
        shares = self.allocated(kind, national).targets().to_series()
        found = pd.DataFrame({"target": shares, "status": RULE})
        if self.choice.rule == "official":
            found["status"] = inputs.official_targets(kind, self.plan.name)["status"].reindex(found.index).fillna(RULE)
            if self.choice.level != BASIC:
                higher = self.published(f"{one.published}_{self.choice.level}")
                found.loc[higher.index.intersection(found.index)] = higher
        elif missing := [place for place in self.places if place not in found.index]:
            raise InputError(f"{self.choice.rule} gives no target for {', '.join(missing)}")
        return found

    def published(self, variable: str) -> pd.DataFrame:
        """Targets that stand in the table of targets, in Mtce or Mt where they are totals."""
        table = tables.read("targets")
        rows = table[(table["plan"] == self.plan.name) & (table["variable"] == variable) & table["value"].notna()]
        factor = np.array([PER_TCE.get(str(unit), 1.0) for unit in rows["unit"]], float)
        values = {"target": rows["value"].to_numpy(float) * factor}
        status = np.where(rows["flag"] == "recalled", RECALLED, OFFICIAL)
        return pd.DataFrame({**values, "status": status}, pd.Index(rows["province"], name="province")).drop(
            NATION, errors="ignore"
        )

    def cap(self, one: Indicator, national: float) -> tuple[pd.DataFrame, float]:
        """Falls of a total that caps ask for, and the nation's.

        Published totals and increments where the rule is the official one, else as the rule shares them out.
        """
        asked = self.of_cap(one, NATION, national)
        if self.choice.rule != "official":
            kind = "energy-total" if one.key == "total_energy" else "co2-total"
            return pd.DataFrame({"target": self.allocated(kind, asked).targets().to_series(), "status": RULE}), asked
        base, caps = self.base(one), self.published(one.published)
        added = self.published(one.published.replace("_total_", "_increment_"))
        added["target"] += base.reindex(added.index)
        caps = caps.combine_first(added)
        caps["target"] = 100 * (1 - caps["target"] / base.reindex(caps.index))
        return caps, asked

    def base(self, one: Indicator) -> "pd.Series[float]":
        """The measured total of the plan's base year, by province."""
        measured, year = shipped.baseline()[one.measured], self.plan.base_year
        known = measured.dropna("year", how="all")["year"].to_numpy()
        if year not in known:
            raise InputError(
                f"{one.key}: a cap is judged as growth since {year}, and no total of {year} is measured; the data hold "
                f"{known.min()} to {known.max()}: ask for an intensity instead"
            )
        return pd.Series(measured.sel(year=year).to_series()).reindex(self.places)

    def of_cap(self, one: Indicator, place: str, value: float) -> float:
        """The fall that a cap of a total (Mtce, Mt) asks for, per cent (negative: growth).

        The nation's counts from its own published total, where the tables hold one, else from the provinces' sum.
        """
        if place != NATION:
            return float(100 * (1 - value / self.base(one)[place]))
        nation = ledger.nation()
        kind = "energy" if one.key == "total_energy" else "co2"
        rows = nation[(nation["quantity"] == kind) & (nation["year"] == self.plan.base_year)]
        total = float(rows["nation"].iloc[0]) if len(rows) else float(self.base(one).sum())
        return 100 * (1 - value / total)

    def pressing(self, targets: Mapping[str, pd.DataFrame]) -> "dict[str, pd.Series[float]]":
        """The cuts that move effort, by province with "China" last: of energy per GDP, or of CO2 per GDP.

        `pressing`: the plan's own energy target by this rule, or the study's; zero in a plan that has none.
        `carbon_pressing`: the carbon target there; zero elsewhere. Where a province has no number, the nation's.
        """
        everyone = [*self.places, NATION]
        zero = pd.Series(0.0, everyone)
        energy = carbon = zero
        if "energy_intensity" in targets:
            energy = targets["energy_intensity"]["target"]
        elif np.isfinite(self.plan.energy_target):
            energy = self.allocated("energy", self.plan.energy_target).targets().to_series().reindex(everyone)
            energy[NATION] = self.plan.energy_target
        else:
            cuts = [frame["target"] for key, frame in targets.items() if key.startswith("co2_intensity")]
            carbon = cuts[0] if cuts else zero
        return {
            name: values.fillna(values[NATION]).clip(lower=0)
            for name, values in (("pressing", energy), ("carbon_pressing", carbon))
        }


def allocation_targets(
    study: Study, choice: AllocationChoice, provinces: list[str], model: ModelResponse | None
) -> xr.Dataset:
    """One allocation's targets over the provinces with "China".

    `targets` and `status` (indicator, province); `target`: of the leading indicator; `pressing`, `carbon_pressing`: the
    cuts of energy or CO2 per GDP that move effort; `co2_target`: the published cut of CO2 per GDP, NaN where none is
    known. All per cent.
    """
    if (pack := region.active()) is not None:
        return _of_region(pack, study, choice)
    shares = _Shares(study, choice, provinces, model)
    check_options(shares.rule, choice.options)  # before an option with the name of an argument meets it
    found = {one.key: shares.indicator(one) for one in study.target.asked}
    published = shares.published("co2_intensity_reduction")["target"].reindex([*provinces, NATION])
    published[NATION] = _national_carbon(study)
    columns: dict[str, pd.Series[float]] = {
        "target": found[study.target.indicators[0]]["target"],
        "co2_target": published,
        **shares.pressing(found),
    }
    everyone = [*provinces, NATION]
    percent = {"units": "%"}
    every = np.stack([frame["target"].to_numpy(float) for frame in found.values()])
    status = np.stack([frame["status"].to_numpy(str) for frame in found.values()])
    return xr.Dataset(
        {
            **{name: ("province", np.array(column, float), percent) for name, column in columns.items()},
            "targets": (("indicator", "province"), every, percent),
            "status": (("indicator", "province"), status),
        },
        {"province": everyone, "indicator": list(found)},
    )


def _of_region(pack: region.Pack, study: Study, choice: AllocationChoice) -> xr.Dataset:
    """Targets of a region pack's places: its own (`official`), one for all (`uniform`) or a table's (`csv`)."""
    names, national = list(pack.region.places), study.target.national
    if study.target.indicators[0] != "energy_intensity":
        raise InputError("a region pack is led by its energy intensity: name `energy_intensity` first")
    if caps := [one.key for one in study.target.asked if one.kind == "cap"]:
        raise InputError(f"a region pack has no target for {', '.join(caps)}; allowed: intensities, shares and growth")
    if choice.rule == "official":
        known = pack.targets_of(study.target.plan)
        if lacking := [name for name in names if name not in known]:
            raise InputError(f"targets.csv has no target of {study.target.plan} for {', '.join(lacking)}")
        status = OFFICIAL if not pack.region.made_up else ASSIGNED
    elif choice.rule == "uniform":
        known, status = dict.fromkeys(names, national), RULE
    elif choice.rule == "csv":
        from experiments.allocation.rules.own_table import read

        known, status = read(study.path(str(choice.options.get("path", ""))), names), ASSIGNED
    else:
        raise InputError(
            f"rule {choice.rule}: shares out China's target; allowed in a region pack: official, uniform, csv"
        )
    everyone = [*names, NATION]
    every, states = [], []
    for one in study.target.asked:
        lead = one is study.target.leading
        own = {place: given[one.key] for place, given in study.assigned.items() if one.key in given}
        found = [own.get(name, known[name] if lead else np.nan) for name in names]
        every.append([*found, study.target.value(one.key)])
        states.append([*(ASSIGNED if name in own else status if lead else NONE for name in names), NATIONAL])
    values = np.array(every[0], float)
    percent = {"units": "%"}
    return xr.Dataset(
        {
            "target": ("province", values, percent),
            "co2_target": ("province", np.full(len(values), np.nan), percent),
            "pressing": ("province", values, percent),
            "carbon_pressing": ("province", np.zeros(len(values)), percent),
            "targets": (("indicator", "province"), np.array(every, float), percent),
            "status": (("indicator", "province"), np.array(states)),
        },
        {"province": everyone, "indicator": study.target.indicators},
    )


def _national_carbon(study: Study) -> float:
    """The nation's published cut of CO2 per GDP in the study's plan, per cent."""
    table = tables.read("targets")
    rows = table[
        (table["plan"] == study.target.period.name)
        & (table["variable"] == "co2_intensity_reduction")
        & (table["province"] == NATION)
    ]["value"].dropna()
    return float(rows.iloc[0]) if len(rows) else float("nan")
