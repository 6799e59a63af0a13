"""A region pack: a few figures of other places become model inputs and a posterior, and the origin of each input is
shown.

    pack/
        region.yaml     name, name_zh, made_up, central_heating
        figures.csv     place, variable, year, value, unit, source, and where it is known error_percent
        targets.csv     place, plan, target_percent, source
        study.yaml      a study with `data: .`

A pack needs GDP, energy and population of 2005 and 2010 for each place. Everything else that it lacks is taken from the
provinces that ship: an intensive quantity as their median, a structure as their sum scaled to the place's own total.
The free parameters start from the pooled prior of the shipped posterior and are fitted to the pack's figures. `origins`
lists where every input comes from.
"""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from calibration import baseline, inputs, posterior
from calibration.assumptions import response
from calibration.discrepancy import SIZE
from calibration.fit import FitProblem, draw_starts, maximise, residuals
from calibration.likelihood import FITTED, Likelihood, whitening
from calibration.places import Region, active_region
from calibration.prior import Prior
from models.reading.faults import InputError
from models.reading.numbers import read_number
from models.reading.table_file import read_table
from sim import Model

FIRST, LAST = 2005, 2010
YEARS = tuple(range(FIRST, LAST + 1))
DRAWS, STARTS = 400, 6
POOLED = "pooled over the shipped provinces"
FIGURES = ("place", "variable", "year", "value", "unit", "source")
OWN_ERROR = "error_percent"
"""Optional column of figures.csv: the relative measurement error of a figure, in place of that in
region_figures.csv.
"""
LEAST_ERROR = 0.1
TARGETS = ("place", "plan", "target_percent", "source")


@dataclass(frozen=True)
class Figure:
    """A variable that a pack may contain, one row of region_figures.csv.

    Attributes:
        name: name of the variable.
        unit: its unit.
        low: least allowed value.
        high: greatest allowed value.
        meaning: its meaning.
        needed: whether a pack must have it for both FIRST and LAST.
        fitted: name of the fitted series that it measures; "" for none.
        error: relative measurement error (standard deviation, fraction) where the pack gives none; an assumption.
        errors: range of that assumption.
    """

    name: str
    unit: str
    low: float
    high: float
    meaning: str
    needed: bool
    fitted: str
    error: float
    errors: tuple[float, float]


def _figure(row: Mapping[str, str]) -> Figure:
    low, high = float(row["low"]), float(row["high"])
    error, least, most = (float(row[name] or "nan") / 100 for name in ("error_percent", "error_low", "error_high"))
    needed = row["needed"] == "1"
    return Figure(row["variable"], row["unit"], low, high, row["meaning"], needed, row["fitted"], error, (least, most))


TABLE = Path(__file__).with_name("region_figures.csv")
"""The variables that a pack may contain, with unit, bounds, and measurement error with its range."""


def _figures_known() -> Mapping[str, Figure]:
    with TABLE.open(encoding="utf-8", newline="") as stream:
        return {row["variable"]: _figure(row) for row in csv.DictReader(stream)}


FIGURES_KNOWN = _figures_known()


@dataclass(frozen=True)
class Pack:
    """A region pack as read.

    Attributes:
        region: names and places.
        figures: values indexed by (variable, place, year).
        errors: relative measurement error of each figure, a fraction, with the same index.
        targets: per cent, indexed by (place, plan).
    """

    region: Region
    figures: "pd.Series[float]"
    errors: "pd.Series[float]"
    targets: "pd.Series[float]"

    def targets_of(self, plan: str) -> dict[str, float]:
        """The targets of a plan by place, per cent."""
        rows = zip(self.targets.index.tolist(), self.targets.tolist(), strict=True)
        return {place: value for (place, of), value in rows if of == plan}

    def series(self, variable: str) -> pd.DataFrame:
        """Values of a variable by place (rows) and year from FIRST to LAST (columns); NaN where the pack has none."""
        return self._by_year(self.figures, variable)

    def error(self, variable: str) -> pd.DataFrame:
        """Relative measurement errors, fractions, in the form of `series`."""
        return self._by_year(self.errors, variable)

    def _by_year(self, values: "pd.Series[float]", variable: str) -> pd.DataFrame:
        empty = pd.DataFrame(np.nan, index=list(self.region.places), columns=list(YEARS))
        if variable in values.index.get_level_values("variable"):
            empty.update(values.xs(variable).unstack("year"))  # noqa: PD010 (one value per cell)
        return empty


def read(folder: Path) -> Pack:
    """Read a region pack.

    Args:
        folder: folder of the pack.

    Returns:
        Its names, figures and targets.

    Raises:
        InputError: with every fault of all its files.

    >>> from pathlib import Path
    >>> read(Path("docs/regions/sealand")).region.places
    ('Northport', 'Southfold')
    """
    region = Region.read(folder)
    faults: list[str] = []
    figures, errors = _figures(folder / "figures.csv", region, faults)
    targets = _targets(folder / "targets.csv", region, faults)
    if faults:
        raise InputError(faults)
    return Pack(region, figures, errors, targets)


def _figures(path: Path, region: Region, faults: list[str]) -> tuple["pd.Series[float]", "pd.Series[float]"]:
    table = read_table(path, "the figures of a region pack", FIGURES, optional=(OWN_ERROR,))
    found: dict[tuple[str, str, int], float] = {}
    errors: dict[tuple[str, str, int], float] = {}
    for place, row in table.records():
        try:
            figure = FIGURES_KNOWN.get(row["variable"])
            if figure is None:
                raise InputError(f"got variable {row['variable']!r}, allowed: {', '.join(FIGURES_KNOWN)}")
            if row["unit"] != figure.unit:
                raise InputError(f"{figure.name}: got unit {row['unit']!r}, allowed: {figure.unit}")
            if not row["source"].strip():
                raise InputError(f"{figure.name}: source is empty; name one, or write `assumption: why`")
            year = int(read_number(row["year"], FIRST, LAST))
            key = (figure.name, row["place"], year)
            if key in found:
                raise InputError(f"{figure.name} of {row['place']} {year} appears twice; keep one")
            found[key] = read_number(row["value"], figure.low, figure.high)
            own = row.get(OWN_ERROR, "")
            errors[key] = read_number(own, LEAST_ERROR, 100) / 100 if own else figure.error
        except InputError as fault:
            table.faults += [f"{place}: {text}" for text in fault.faults]
    for figure in FIGURES_KNOWN.values():
        for where in region.places if figure.needed else ():
            for year in (FIRST, LAST):
                if (figure.name, where, year) not in found:
                    table.faults.append(f"{path.name}: no {figure.name} ({figure.unit}) of {where} in {year}")
    faults += table.faults
    index = pd.MultiIndex.from_tuples(list(found), names=["variable", "place", "year"])
    return pd.Series(list(found.values()), index, dtype=float), pd.Series(errors, index, dtype=float)


def _targets(path: Path, region: Region, faults: list[str]) -> "pd.Series[float]":
    table = read_table(path, "the targets of a region pack", TARGETS)
    found: dict[tuple[str, str], float] = {}
    for place, row in table.records():
        try:
            if row["place"] not in region.places:
                raise InputError(f"got place {row['place']!r}, allowed: {', '.join(region.places)}")
            found[row["place"], row["plan"]] = read_number(row["target_percent"], 0, 60)
        except InputError as fault:
            table.faults += [f"{place}: {text}" for text in fault.faults]
    faults += table.faults
    return pd.Series(list(found.values()), pd.MultiIndex.from_tuples(list(found), names=["place", "plan"]), dtype=float)


@cache
def active() -> Pack | None:
    """The pack that this process uses (`$TANLU_REGION`); None with the provinces that ship."""
    folder = active_region()
    return read(folder) if folder else None


# Inputs --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class RegionInputs:
    """Inputs of the model for a pack.

    Attributes:
        params: data-role parameters by name.
        origins: name of the parameter → where it comes from.
    """

    params: dict[str, xr.DataArray]
    origins: Mapping[str, str]


def model_inputs(pack: Pack) -> RegionInputs:
    """The model's data inputs for the places of a pack.

    Intensive quantities that the pack lacks are the median of the shipped provinces. Extensive quantities are the
    shipped provinces' sum per unit of GDP or per head, times the place's own GDP or population.

    Raises:
        InputError: sectors of a place need more than its total energy.
    """
    shipped = _pooled()
    places = list(pack.region.places)
    origins: dict[str, str] = {}
    gdp, people = pack.series("gdp"), pack.series("population")
    size = {"gdp": gdp[FIRST], "population": people[FIRST]}
    national = {"gdp": float(shipped["base gdp"].sum()), "population": float(shipped["base population"].sum())}

    def own(variable: str, year: int = FIRST) -> "pd.Series[float]":
        return pack.series(variable)[year]

    def intensive(name: str, variable: str) -> xr.DataArray:
        return known(name, own(variable), pd.Series(float(shipped[name].median()), places), variable)

    def extensive(name: str, variable: str, per: str) -> xr.DataArray:
        return known(name, own(variable), size[per] * float(shipped[name].sum()) / national[per], variable)

    def known(name: str, mine: "pd.Series[float]", pooled: "pd.Series[float]", variable: str) -> xr.DataArray:
        whole = mine.notna().all()
        origins[name] = f"figures.csv ({variable})" if whole else POOLED
        values = mine.where(mine.notna(), pooled)
        return xr.DataArray(values.to_numpy(float), {"province": places}, "province")

    params = {
        "base gdp": extensive("base gdp", "gdp", "gdp"),
        "base population": extensive("base population", "population", "population"),
        "base employment": extensive("base employment", "employment", "population"),
        "base capital": extensive("base capital", "capital", "gdp"),
        "base building stock": extensive("base building stock", "floor_area", "population"),
        "base cars": extensive("base cars", "cars", "gdp"),
        "base urban share": intensive("base urban share", "urban_share"),
        "base primary share": intensive("base primary share", "primary_share"),
        "base secondary share": intensive("base secondary share", "secondary_share"),
        "base investment share": intensive("base investment share", "investment_share"),
        "base nonfossil share": intensive("base nonfossil share", "nonfossil_share"),
        "generation ratio": intensive("generation ratio", "generation_ratio"),
    }
    growth = np.log(people[LAST] / people[FIRST]) / (LAST - FIRST)
    moving = growth - inputs.default("birth rate") + inputs.default("death rate")
    params["net migration rate"] = xr.DataArray(np.asarray(moving, float), {"province": places}, "province")
    origins["net migration rate"] = "figures.csv (population)"
    energy, fuel = _energy(pack, shipped, size["gdp"], national["gdp"], origins)
    params |= {"base final energy": energy, "base fuel share": fuel}
    zero = ("target reduction", "base target evidence", "target evidence", "growth evidence", "growth evidence known")
    for name, values in shipped.items():
        if name in params or "province" not in values.dims:
            params.setdefault(name, values)
            continue
        if name == "cement data":  # extensive, so that it is scaled by GDP
            of_gdp = xr.DataArray((size["gdp"] / national["gdp"]).to_numpy(float), {"province": places}, "province")
            params[name], origins[name] = values.sum("province") * of_gdp, POOLED
            continue
        pooled = values.median("province") * (0.0 if name in (*zero, "temperature anomaly") else 1.0)
        params[name] = pooled.expand_dims(province=places)
        origins[name] = "none" if name in (*zero, "temperature anomaly") else POOLED
    params["transformation residual"] = params["transformation residual"] * 0.0
    origins["transformation residual"] = "none: final energy is scaled to the total instead"
    return RegionInputs(params, origins)


@cache
def _pooled() -> dict[str, xr.DataArray]:
    """The model's data inputs of the shipped provinces."""
    return inputs.params(baseline.load(), LAST)


def _energy(
    pack: Pack, shipped: Mapping[str, xr.DataArray], gdp: "pd.Series[float]", national: float, origins: dict[str, str]
) -> tuple[xr.DataArray, xr.DataArray]:
    """Final energy of the base year by sector, and fuel shares: given sectors are kept, all are scaled to the own
    total.
    """
    places = list(pack.region.places)
    pooled = shipped["base final energy"].sum("province") / national
    sector = pooled.expand_dims(province=places) * xr.DataArray(gdp.to_numpy(float), {"province": places}, "province")
    own = {
        "transport": "transport_energy", "services": "services_energy", "residential": "residential_energy",
    }  # fmt: skip
    heavy = pooled.sel(sector="heavy industry") / pooled.sel(sector=["heavy industry", "light industry"]).sum()
    given: list[tuple[str, str, float]] = [(name, variable, 1.0) for name, variable in own.items()]
    part_heavy = float(heavy)
    given += [("heavy industry", "industry_energy", part_heavy), ("light industry", "industry_energy", 1 - part_heavy)]
    sector = sector.transpose("province", "sector").copy()
    fixed = xr.zeros_like(sector)
    for name, variable, part in given:
        mine = pack.series(variable)[FIRST]
        for place in mine.index[mine.notna()]:
            sector.loc[place, name], fixed.loc[place, name] = part * float(mine[place]), 1.0
    weighted = shipped["base fuel share"] * shipped["base final energy"]
    fuel = (weighted.sum("province") / shipped["base final energy"].sum("province")).expand_dims(province=places)
    data = xr.Dataset({"coal_per_kwh": shipped["base coal per kWh"].median().expand_dims(province=places)})
    total = xr.DataArray(pack.series("energy_total")[FIRST].to_numpy(float), {"province": places}, "province")

    def modelled(part: xr.DataArray) -> xr.DataArray:
        return inputs.modelled_total(data.assign(final_energy=part * fuel))

    open_part, held = modelled(sector * (1 - fixed)), modelled(sector * fixed)
    factor = ((total - held) / open_part.where(open_part > 0)).fillna(1.0)
    if bool((factor <= 0).any()):
        wrong = [str(place) for place in factor["province"].values[(factor <= 0).values]]
        raise InputError(f"figures.csv: the sectors of {', '.join(wrong)} need more than energy_total; check both")
    origins["base final energy"] = "figures.csv (energy_total); sectors without a figure: " + POOLED
    origins["base fuel share"] = POOLED
    return sector.where(fixed > 0, sector * factor), fuel


# Posterior -----------------------------------------------------------------------------------------------------------


def fitted(pack: Pack, given: RegionInputs, model: Path, seed: int = 1) -> xr.Dataset:
    """A posterior of the pack's places in the form of the shipped one: the pooled prior, fitted to the pack's
    figures.

    Args:
        pack: the region pack.
        given: its model inputs, as from `model_inputs`.
        model: the model file whose provinces are the places.
        seed: seed of starts and draws.

    Returns:
        Draws of the Laplace approximation at the optimum, with response and scales of the shocks.
    """
    shipped = posterior.load()
    count = len(pack.region.places)
    names = tuple(map(str, shipped["parameter"].values))
    mean, spread = (np.tile(shipped[name].values, (count, 1)) for name in ("prior mean", "prior spread"))
    pooled_prior = Prior(names, mean, spread, shipped["low"].values, shipped["high"].values)
    params = {**given.params, "learning index data": shipped["learning index data"]}
    problem = FitProblem(Model.load(model), params, _likelihood(pack), {})
    rng = np.random.default_rng(seed)
    fit = maximise(residuals(problem, pooled_prior), pooled_prior, draw_starts(pooled_prior, STARTS, rng))
    root = np.linalg.cholesky(fit.covariance)
    normal = rng.standard_normal((DRAWS, count, len(names)))
    draws = np.clip(fit.values + np.einsum("pij,dpj->dpi", root, normal), pooled_prior.low, pooled_prior.high)
    size = pack.series("energy_total")[LAST].to_numpy(float)
    usual = float(np.exp(np.log(baseline.load()["energy_total"].sel(year=LAST)).mean()))
    places = {"province": list(pack.region.places), "parameter": list(names)}
    made = xr.Dataset(
        {
            "draws": (("draw", "province", "parameter"), draws),
            "optimum": (("province", "parameter"), fit.values),
            "response": response(problem, fit).sel(assumption=shipped["assumption"].values),
            "shock weight": ("province", (size / usual) ** SIZE),
            **{name: shipped[name] for name in ("low", "high", "prior mean", "prior spread", "learning index data")},
        },
        places,
        shipped.attrs,
    )
    return made


def _likelihood(pack: Pack) -> Likelihood:
    by_series = {figure.fitted: name for name, figure in FIGURES_KNOWN.items() if figure.fitted}
    logs, whiten = [], []
    for series in FITTED:
        name = by_series.get(series.name, "")
        values = (pack.series(name) if name else pack.series("none")).to_numpy(float)
        error = pack.error(name).to_numpy(float)
        logs.append(np.log(values))
        whiten.append(whitening(series, error, np.array(YEARS), {}))
    log: NDArray[np.float64] = np.stack(logs)
    names = tuple(series.name for series in FITTED)
    return Likelihood(names, YEARS, log, np.where(np.isfinite(log)[..., None, :], np.stack(whiten), 0.0))


def as_baseline(pack: Pack, shipped: xr.Dataset) -> xr.Dataset:
    """The pack's figures in the form of the measured baseline; every other series is NaN."""
    places = list(pack.region.places)
    empty = shipped.isel(province=[0] * len(places)).assign_coords(province=places)
    floats = {name: values for name, values in empty.data_vars.items() if np.issubdtype(values.dtype, np.floating)}
    by_place = {name: values for name, values in floats.items() if "province" in values.dims}
    empty = empty.assign({str(name): xr.full_like(values, np.nan) for name, values in by_place.items()})
    known = [name for name in FIGURES_KNOWN if name in empty and set(empty[name].dims) == {"province", "year"}]
    for name in known:
        empty[name].loc[{"year": list(YEARS)}] = _array(pack.series(name)).transpose(*empty[name].dims)
    intensity = _array(pack.series("energy_total") / pack.series("gdp"))
    empty["energy_intensity"].loc[{"year": list(YEARS)}] = intensity.transpose(*empty["energy_intensity"].dims)
    return empty


def _array(table: pd.DataFrame) -> xr.DataArray:
    coords = {"province": list(table.index), "year": list(table.columns)}
    return xr.DataArray(table.to_numpy(float), coords, ("province", "year"))


def fall(pack: Pack) -> pd.DataFrame:
    """Fall of energy intensity over the pack's years (per cent per year), one row per province, with first and last
    year.
    """
    intensity = pack.series("energy_total") / pack.series("gdp")
    rate = 100 * (1 - (intensity[LAST] / intensity[FIRST]) ** (1 / (LAST - FIRST)))
    return pd.DataFrame({"province": rate.index, "fall": rate.to_numpy(), "first": FIRST, "last": LAST})


def origins(pack: Pack) -> pd.DataFrame:
    """Where every data input of the model comes from; pooled inputs last. Columns: input, from."""
    found = model_inputs(pack).origins
    rows = sorted(found.items(), key=lambda item: (item[1] == "none", item[1].startswith(POOLED), item[0]))
    return pd.DataFrame(rows, columns=["input", "from"])


# Template ------------------------------------------------------------------------------------------------------------


def init(folder: Path, name: str, places: Sequence[str], made_up: bool = False) -> int:
    """Write the template of a pack.

    Args:
        folder: new folder.
        name: name of the region.
        places: names of its places.
        made_up: whether the figures belong to no real place.

    Returns:
        Number of rows that the user must fill in.

    Raises:
        InputError: the folder exists.
    """
    if folder.exists():
        raise InputError(f"{folder} exists; give another name, or remove it")
    needed = [figure for figure in FIGURES_KNOWN.values() if figure.needed]
    rows = [(place, one.name, year, "", one.unit, "") for place in places for one in needed for year in (FIRST, LAST)]
    folder.mkdir(parents=True)
    listed = ", ".join(places)
    (folder / "region.yaml").write_text(
        f"# Names: letters, digits and spaces. `name` labels the sum of the places.\nname: {name}\nname_zh: {name}\n"
        f"made_up: {str(made_up).lower()}  # true: figures of no real place; every page then states this\n"
        f"places: [{listed}]\ncentral_heating: []  # places with district heating in winter\n",
        encoding="utf-8",
    )
    pd.DataFrame(rows, columns=list(FIGURES)).to_csv(folder / "figures.csv", index=False)
    goals = [(place, "p12", "", "") for place in places]
    pd.DataFrame(goals, columns=list(TARGETS)).to_csv(folder / "targets.csv", index=False)
    slug = "-".join(name.lower().split())
    (folder / "study.yaml").write_text(
        f"extends: twelfth-plan\nname: {slug}\ndata: .\nhindcast: false\npolicy: null\nallocations: [official]\n"
        "target: {plan: p12, indicators: [energy_intensity], national: 16.0}  # of the sum of places, per cent\n",
        encoding="utf-8",
    )
    more = "\n".join(
        f"| {f.name}{' (needed)' if f.needed else ''} | {f.unit} | {f.meaning} | {_error_words(f)} |"
        for f in FIGURES_KNOWN.values()
    )
    (folder / "README.md").write_text(
        f"# Region pack {name}\n\nFill in value and source of every row of figures.csv and targets.csv, then\n\n"
        f"    tanlu region check {folder.name}\n    tanlu run {folder.name}/study.yaml\n\n"
        f"Further rows are optional; missing figures are {POOLED} and labelled so. A further column {OWN_ERROR} of\n"
        "figures.csv gives the relative measurement error of a figure; without it an assumption is used\n"
        "(per cent, with its range, below).\n\n"
        f"| variable | unit | meaning | error |\n|---|---|---|---|\n{more}\n",
        encoding="utf-8",
    )
    return len(rows) + len(goals)


def _error_words(figure: Figure) -> str:
    if not figure.fitted:
        return "not fitted"
    low, high = figure.errors
    return f"{100 * figure.error:g} ({100 * low:g} to {100 * high:g})"
