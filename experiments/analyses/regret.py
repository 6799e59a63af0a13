"""Which allocation and mix survive the widest range of futures (Savage 1951; Herman et al. 2015)."""

import numpy as np
import pandas as pd
import xarray as xr

from calibration.places import NATION

SURVIVES = 0.8
"""Share of the provinces that must meet their targets, with the nation, for a future to count as survived."""


def shortfall(metrics: xr.Dataset, weight: xr.DataArray | None = None) -> xr.DataArray:
    """Weighted mean over provinces of the points by which targets are missed: (allocation, mix, member).

    metrics: `reduction` and `target` of provinces alone; weight (province): base-year energy; equal when None.
    """
    missed = (metrics["target"] - metrics["reduction"]).clip(min=0)
    w = xr.ones_like(metrics["province"], dtype=float) if weight is None else weight.sel(province=metrics["province"])
    rated = (w + 0 * missed).sum("province")
    mean: xr.DataArray = (missed * w).sum("province") / rated.where(rated > 0)
    return mean


def table(
    metrics: xr.Dataset, national: float, weight: xr.DataArray | None = None, nation: str = NATION
) -> pd.DataFrame:
    """Regret of every allocation × mix over the same futures.

    Columns: allocation, mix; shortfall (mean, points), shortfall_90; regret: shortfall above that of the best
    allocation with the same mix in the same future (mean, 90 % quantile, largest); regret_any: against every
    allocation and mix; met (mean share of provinces that meet), national (share of futures in which the nation
    reaches `national` per cent), survives (share in which it and 80 % of the provinces do), members.
    """
    names = [p for p in metrics["province"].to_numpy() if p != nation]
    provinces = metrics[["reduction", "target"]].sel(province=names)
    miss = shortfall(provinces, weight)
    own, anyone = miss - miss.min("allocation"), miss - miss.min(["allocation", "mix"])
    known = miss.notnull()  # a member that failed is no future
    hit = ((provinces["reduction"] >= provinces["target"]) & np.isfinite(provinces["reduction"])).mean("province")
    whole = metrics["reduction"].sel(province=nation) >= national if nation in metrics["province"] else miss < np.inf
    data = xr.Dataset(
        {
            "shortfall": miss.mean("member"),
            "shortfall_90": miss.quantile(0.9, "member"),
            "regret": own.mean("member"),
            "regret_90": own.quantile(0.9, "member"),
            "regret_max": own.max("member"),
            "regret_any": anyone.mean("member"),
            "met": hit.where(known).mean("member"),
            "national": whole.where(known).mean("member"),
            "survives": ((hit >= SURVIVES) & whole).where(known).mean("member"),
        }
    ).drop_vars(["quantile", "province"], errors="ignore")
    out = data.assign(members=known.sum("member")).to_dataframe().reset_index()
    return out.sort_values(["mix", "regret", "allocation"], ignore_index=True)


def ranking(metrics: xr.Dataset, nation: str = NATION) -> pd.DataFrame:
    """Does the ranking of the policy mixes change over futures? One row per allocation and province.

    Columns: best (mix of the largest median reduction), share_best (share of futures in which it leads), second,
    flips (share of futures in which the second beats the best), tau (mean Kendall rank correlation between one future's
    ranking of the mixes and the ranking by medians).
    """
    reduction = metrics["reduction"].dropna("member", how="all")
    rows = []
    for allocation in reduction["allocation"].to_numpy():
        for province in reduction["province"].to_numpy():
            values = reduction.sel(allocation=allocation, province=province).transpose("mix", "member").to_numpy()
            values = values[:, np.isfinite(values).all(axis=0)]
            if len(values) < 2 or not values.size:
                continue
            order = np.argsort(-np.median(values, axis=1), kind="stable")
            upper = np.triu_indices(len(order), 1)
            ranked = values[order]
            agree = np.sign(ranked[upper[0]] - ranked[upper[1]])
            mixes = reduction["mix"].to_numpy()[order]
            rows.append(
                {
                    "allocation": allocation,
                    "province": province,
                    "best": mixes[0],
                    "share_best": float((ranked[0] >= ranked.max(axis=0)).mean()),
                    "second": mixes[1],
                    "flips": float((ranked[1] > ranked[0]).mean()),
                    "tau": float(agree.mean()),
                }
            )
    return pd.DataFrame(rows)
