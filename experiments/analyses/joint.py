"""Several indicators at once: each one's verdict, and the joint chance, because one missed indicator fails the plan."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from experiments.analyses import feasibility
from experiments.analyses.intervals import wilson
from models.indicators import indicators


def each(metrics: xr.Dataset, status: xr.DataArray | None = None, trusted: bool = False) -> pd.DataFrame:
    """One row per indicator, allocation, mix and province: the columns of `feasibility.summary`, kind, unit and status.

    metrics: `achieved` (allocation, mix, province, member, indicator) and `targets` (allocation, indicator, province),
    per cent. status (allocation, indicator, province): how far each target is known, empty where it is not given.
    """
    tables = []
    for key in map(str, metrics["indicator"].to_numpy()):
        one = xr.Dataset(
            {
                "reduction": metrics["achieved"].sel(indicator=key, drop=True),
                "target": metrics["targets"].sel(indicator=key, drop=True),
            }
        )
        table = feasibility.summary(one, trusted)
        table.insert(2, "indicator", key)
        known = "" if status is None else _status(table, status.sel(indicator=key, drop=True))
        tables.append(table.assign(kind=indicators()[key].kind, unit=indicators()[key].unit, status=known))
    return pd.concat(tables, ignore_index=True)


def _status(table: pd.DataFrame, status: xr.DataArray) -> list[str]:
    known = status.to_series()
    return [str(known.get((row.allocation, row.province), "")) for row in table.itertuples()]


def counted(keys: Iterable[str]) -> list[str]:
    """The indicators that count together: a second metric of the same published target stands beside, to compare.

    >>> counted(["co2_intensity_2026", "co2_intensity", "nonfossil_share"])
    ['co2_intensity_2026', 'nonfossil_share']
    """
    first: dict[str, str] = {}
    for key in keys:
        first.setdefault(indicators()[key].published, key)
    return list(first.values())


def table(metrics: xr.Dataset) -> pd.DataFrame:
    """The joint chance: one row per allocation, mix and province.

    metrics: as of `each`. Columns: indicators (how many have a target there), members, hits, chance with its 95 %
    Wilson interval that every one of them is met in the same member; fails_most: the indicator missed by most members,
    fails_share: the share of members that miss it, fails_alone: the share of members that miss this one and no other.
    The joint chance is at most the smallest of the single ones that count (see `counted`). NaN and "" where no
    indicator has a target.
    """
    dims = ("allocation", "mix", "province", "indicator", "member")
    metrics = metrics.sel(indicator=counted(map(str, metrics["indicator"].to_numpy())))
    reached = metrics["achieved"].transpose(*dims)
    goal = metrics["targets"].broadcast_like(reached.isel(member=0, drop=True)).transpose(*dims[:-1]).to_numpy()
    values = reached.to_numpy().astype(float)
    judged = np.isfinite(goal)
    whole = np.isfinite(values).all(axis=-2)
    missed = judged[..., None] & (values < goal[..., None]) & whole[..., None, :]
    count, n = judged.sum(axis=-1), whole.sum(axis=-1)
    hits = (whole & ~missed.any(axis=-2)).sum(axis=-1)
    rated = np.where((count > 0) & (n > 0), 1.0, np.nan)
    low, high = wilson(hits, n)
    share = missed.sum(axis=-1) / np.maximum(n, 1)[..., None]
    worst = share.argmax(axis=-1)
    alone = missed & (missed.sum(axis=-2, keepdims=True) == 1)
    names = metrics["indicator"].to_numpy().astype(str)
    at = worst[..., None]
    columns: dict[str, Any] = {
        "indicators": count,
        "members": n,
        "hits": hits,
        "chance": hits / np.maximum(n, 1) * rated,
        "chance_low": low * rated,
        "chance_high": high * rated,
        "fails_most": np.where((share.max(axis=-1) > 0) & (count > 0), names[worst], ""),
        "fails_share": np.take_along_axis(share, at, -1)[..., 0] * rated,
        "fails_alone": np.take_along_axis(alone.sum(axis=-1), at, -1)[..., 0] / np.maximum(n, 1) * rated,
    }
    return feasibility.frame(reached, dims[:3], columns)
