"""Electricity of a province: generation, its non-fossil share, consumption, net import, and coal use of thermal
plants.
"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import xarray as xr

from calibration import tables
from calibration.baseline.panel import (
    YEARS,
    MeasuredSeries,
    MeasurementErrors,
    per_twh,
    select_rows,
    series_from_rows,
    to_grid,
    vintage_by_year,
)


def power(folder: Path, names: Sequence[str], errors: MeasurementErrors) -> dict[str, MeasuredSeries]:
    """Generation, non-fossil share, consumption, net import and coal use of thermal plants, as series by name."""
    table = tables.read("electricity", folder)
    total = series_from_rows(
        select_rows(table, names, variable="generation_total_best"),
        names,
        errors,
        "generation",
        units="TWh/year",
        doc="generation",
    )
    thermal = series_from_rows(
        select_rows(table, names, variable="generation_thermal_best"),
        names,
        errors,
        "generation",
        units="TWh/year",
        doc="thermal generation",
    )
    flows = select_rows(tables.read("balance_flows", folder), names)
    used = consumption(flows, names, errors, per_twh(folder))
    share = (1 - thermal.value / total.value).clip(0, 1)
    share_sigma = xr.full_like(share, errors("nonfossil_generation", "reported"))
    net = MeasuredSeries(
        used.value - total.value, xr.full_like(total.value, errors("net_import", "reported")), used.vintage,
        "TWh/year", "consumption less generation (the trade statistics are erratic in five provinces)", used.source,
    )  # fmt: skip
    return {
        "generation": total,
        "nonfossil_share": MeasuredSeries(
            share, share_sigma, total.vintage, "1", "1 − thermal in generation", total.source
        ),
        "electricity_consumption": used,
        "net_import": net,
        "coal_per_kwh": coal_per_kwh(flows, errors, per_twh(folder)),
    }


def consumption(
    flows: pd.DataFrame, names: Sequence[str], errors: MeasurementErrors, heat_content: float
) -> MeasuredSeries:
    """Electricity consumption in TWh/year: final use and grid losses of the balances."""
    rows = select_rows(flows, names, flow=["total_final", "losses"], fuel="electricity")
    summed = rows.groupby(["province", "year"])["value"].sum().reset_index()
    value = to_grid(summed, names) / heat_content
    sigma = xr.full_like(value, errors("electricity_consumption", "reported"))
    source = "+".join(sorted(set(rows.source_id)))
    return MeasuredSeries(
        value, sigma, vintage_by_year(rows), "TWh/year", "electricity consumption: final and losses", source
    )


def coal_per_kwh(flows: pd.DataFrame, errors: MeasurementErrors, heat_content: float) -> MeasuredSeries:
    """Fuel used by thermal plants over their output, pooled over the provinces, by year (kgce/kWh = Mtce/TWh)."""
    plants = flows[flows.flow == "thermal_power"]
    burnt = -plants[plants.fuel.isin(["coal", "coke", "coal_gas", "oil", "gas"])].groupby("year")["value"].sum()
    output = plants[plants.fuel == "electricity"].groupby("year")["value"].sum() / heat_content
    value = xr.DataArray((burnt / output).reindex(list(YEARS)).to_numpy(), {"year": list(YEARS)}, "year")
    sigma = xr.full_like(value, errors("coal_per_kwh", "reported"))
    source = "+".join(sorted(set(plants.source_id)))
    return MeasuredSeries(
        value, sigma, vintage_by_year(plants), "kgce/kWh", "coal equivalent per kWh of thermal plants", source
    )
