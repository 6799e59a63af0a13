"""The catalogue, the mixes and a run's policy results as short tables for people."""

from pathlib import Path
from typing import Any

import pandas as pd

from calibration.places import choose_province
from experiments.analyses.policy.policy_tables import names as analysis_names
from experiments.policy.catalogue import FIRST, Option, catalogue, references, sets, source_keys
from experiments.policy.mix import mix, names
from experiments.runs.store import Run
from experiments.words.columns import printed
from models.reading.faults import InputError
from models.reading.names import choose

SHORT = {
    "costs": (
        "option",
        "title",
        "energy saved Mtce",
        "co2 avoided Mt",
        "investment Gyuan",
        "net cost Gyuan/year",
        "private net cost Gyuan/year",
        "yuan per tce",
        "yuan per tCO2",
        "yuan per tCO2 low+yuan per tCO2 high",
        "assumed",
    ),
    "measures": (
        "province",
        "status",
        "rank",
        "option",
        "title",
        "quantity",
        "unit",
        "energy saved Mtce",
        "net cost Gyuan/year",
        "complete",
        "chance",
        "bound",
    ),
    "cost_curve": ("option", "title", "co2 Mt/year", "to Mt/year", "yuan per tCO2"),
}


def options(package: str = "", plan: str = FIRST) -> pd.DataFrame:
    """One row per option of a plan, of one package if it is given."""
    rows = []
    for option in catalogue(plan).options.values():
        if package in ("", option.package):
            scopes = [quantity.scope for quantity in option.quantities().values()]
            rows.append(
                {
                    "option": option.id,
                    "title": option.title,
                    "package": option.package,
                    "lever": option.lever or "stated only",
                    "capital": f"{option.capital_cost.value:g} {option.capital_cost.unit}",
                    "assumed": f"{scopes.count('assumption')} of {len(scopes)}",
                }
            )
    return pd.DataFrame(rows)


def account(plan: str = FIRST) -> str:
    """Number of figures by kind of source."""
    counts = catalogue(plan).scopes()
    total = sum(counts.values())
    parts = [f"{scope} {count}" for scope, count in sorted(counts.items(), key=lambda item: -item[1])]
    return f"{len(catalogue(plan).options)} options, {total} numbers with their sources: {', '.join(parts)}"


def option_of(name: str) -> Option:
    """An option of any plan, by id. Raises InputError with the nearest names."""
    known = {option: plan for plan in reversed(sets()) for option in catalogue(plan).options}
    return catalogue(known[choose(name, known, "option")])[name]


def numbers(option: str) -> pd.DataFrame:
    """Every number of an option with range, unit, scope and source."""
    one = option_of(option)
    rows: list[dict[str, Any]] = [
        {
            "number": name,
            "value": f"{q.value:,.10g}",
            "low": f"{q.low:,.10g}",
            "high": f"{q.high:,.10g}",
            "unit": q.unit,
            "whose": q.scope,
            "source": q.source,
        }
        for name, q in one.quantities().items()
    ]
    return pd.DataFrame(rows).fillna("")


def sheet(option: str) -> dict[str, Any]:
    """The whole option, with the text of every source that it cites."""
    one = option_of(option)
    cited = {key for source in one.sources().values() for key in source_keys(source)}
    return {**one.model_dump(), "references": {key: dict(references()[key]) for key in sorted(cited)}}


def mixes_table() -> pd.DataFrame:
    """The shipped mixes: title and mean strength by package."""
    rows = []
    for name in names():
        one = mix(name)
        strength = one.strength()
        mean: dict[str, Any] = {
            p: float(strength.sel(lever=levers).max("province").mean()) for p, levers in catalogue().packages.items()
        }
        rows.append({"mix": name, "title": one.spec.title, **mean, "uncertain": ", ".join(one.uncertain()) or "-"})
    return pd.DataFrame(rows)


def mix_table(file: Path, province: str) -> pd.DataFrame:
    """Levers of a mix: strength in a province, start, phase-in, central delay and compliance."""
    one = mix(file)
    strength = one.strength()
    province = choose_province(province, [str(p) for p in strength["province"].to_numpy()])
    table = {
        "lever": list(catalogue().levers),
        "strength": strength.sel(province=province).to_numpy(),
        "start": one.start().to_numpy(),
        "years": one.phase_in().to_numpy(),
        "delay": one.delay().to_numpy(),
        "compliance": one.compliance().to_numpy(),
    }
    return pd.DataFrame(table)


def levers_table() -> pd.DataFrame:
    """The model's levers: meaning, effect at strength 1 from the table of parameters, cost from the catalogue."""
    from models.parameters import defaults
    from models.parameters import row as parameter

    cost = defaults(parameter("capital cost")) * 1000
    rows = []
    for position, lever in enumerate(catalogue().levers.values()):
        row = parameter(lever.maxima[0])
        rows.append(
            {
                "lever": lever.name,
                "package": lever.package,
                "effect at strength 1": lever.meaning,
                "value": float(str(row["default"])),
                "low": float(row["low"]),
                "high": float(row["high"]),
                "yuan per tce/yr": round(float(cost[position])),
                "options": ", ".join(catalogue().moving(lever.name)),
            }
        )
    return pd.DataFrame(rows)


def of_run(folder: Path, table: str, province: str = "", *, whole: bool) -> pd.DataFrame:
    """A policy table of a run, all columns or those that fit a line. Raises InputError when the run has none."""
    run = Run(folder)
    table = choose(table, analysis_names(), "policy table")
    if table not in run.tables:
        raise InputError(
            f"{run.name} has no policy analyses; give its study a `policy:` section (see docs/study.schema.json)"
        )
    found = run.table(table)
    if province and "province" in found:
        found = found[found["province"] == province]
    return found if whole or table not in SHORT else printed(table, found, SHORT[table])
