"""`tanlu data check` and `tanlu data show`: the measured tables."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from calibration.places import choose_province
from experiments.cli.console import Json, Quiet, emit, note

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

app = typer.Typer(help="The measured tables: check them, show one province.", no_args_is_help=True)
COMMANDS: Mapping[str, Callable[..., None] | typer.Typer] = {"data": app}

HEADINGS = {
    "coverage": "Series: years, provinces, gaps, median relative error, vintages",
    "residuals": "Official total energy less the sum of sectors, % of the total",
    "closure": "Sectors against the printed total final energy: the largest gaps, %",
    "against_nation": "Sum of provinces against the national accounts, % above",
    "breaks": "Breaks between vintages: pooled ratio and provinces that jump",
    "intensity": "Energy intensity of the sum of provinces, at the prices of",
    "series": "Series",
    "sectors": "Final energy by sector, Mtce, calorific (two vintages are not one series)",
    "targets": "Targets (reductions positive)",
    "outcomes": "Outcomes (a fall is negative)",
}
BARS = "▁▂▃▄▅▆▇█"


@app.command()
def check(
    folder: Annotated[Path | None, typer.Argument(help="A data folder; the shipped one when left out.")] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Check the tables against their schema; print coverage, residuals, sums and breaks.

    Exit code 2: a file cannot be read as its schema; 3: values violate a rule.
    """
    from calibration import audit, tables

    found = audit.summary(folder or tables.DATA)
    _print(found, json)
    note(f"{len(tables.names(folder or tables.DATA))} tables, no fault", quiet or json)


@app.command()
def show(
    province: Annotated[str, typer.Argument(help="A province, such as Guangdong or 'Inner Mongolia'.")],
    folder: Annotated[Path | None, typer.Option(help="A data folder; the shipped one when left out.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Write the picture to this file (.png, .svg, .pdf).")] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Print and plot what was measured of one province."""
    province = province if folder else choose_province(province)
    from calibration import audit, tables

    found = audit.province(province, folder or tables.DATA)
    _print(found, json)
    if "sectors" not in found:
        note(f"{province}: no energy statistics are published; it stands in the tables and is not simulated", quiet)
    elif not json:
        typer.echo(_lines(found["series"]))
    if plot and "sectors" in found:
        _draw(province, found, plot)
        note(f"picture: {plot}", quiet)


def _print(found: "Mapping[str, pd.DataFrame]", json: bool) -> None:
    if json:
        emit(found, json)
        return
    for name, table in found.items():
        typer.echo(f"\n{HEADINGS[name]}")
        emit(table if len(table) else {"": "none"}, decimals=3)


def _lines(series: "pd.DataFrame") -> str:
    """A bar chart of one line for each numeric series; a gap where there is no figure."""
    rows = []
    for name in series.columns[1:]:
        values = series[name]
        if values.dtype.kind != "f" or not values.notna().any():
            continue
        low, high = float(values.min()), float(values.max())
        steps = ((values - low) / (high - low or 1) * (len(BARS) - 1)).round().fillna(-1).astype(int)
        line = "".join(BARS[step] if step >= 0 else " " for step in steps)
        rows.append(f"{name:<30} {line}  {low:.4g} to {high:.4g}")
    first, last = int(series.year.iloc[0]), int(series.year.iloc[-1])
    return f"\n{'':<30} {first}{'':>{len(series) - 8}}{last}\n" + "\n".join(rows)


def _draw(province: str, found: "Mapping[str, pd.DataFrame]", path: Path) -> None:
    """Intensity, energy by sector, GDP and CO2 on one sheet; a gap marks a break."""
    from matplotlib.figure import Figure

    series = found["series"].set_index("year")
    wanted = [name for name in series.columns if name.startswith(("GDP", "intensity", "CO2"))]
    figure = Figure(figsize=(9, 6), layout="constrained")
    axes = figure.subplots(2, 2).ravel()
    for ax, name in zip(axes[:3], wanted, strict=True):
        ax.plot(series.index, series[name], "o-", ms=3)
        ax.set_title(name, fontsize="medium")
        ax.set_ylim(bottom=0)
    _draw_sectors(axes[3], found["sectors"].set_index("year"))
    figure.suptitle(f"{province}, measured")
    figure.savefig(path, dpi=120)


def _draw_sectors(ax: "Axes", sectors: "pd.DataFrame") -> None:
    """One line per sector, cut wherever the vintage changes."""
    runs = sectors.vintage.ne(sectors.vintage.shift()).cumsum()
    for number, name in enumerate(sectors.columns.drop("vintage")):
        ax.plot([], [], color=f"C{number}", label=name)
        for _, run in sectors.groupby(runs):
            ax.plot(run.index, run[name], "o-", ms=3, color=f"C{number}")
    ax.set_title("final energy by sector, Mtce (cut at breaks)", fontsize="medium")
    ax.legend(fontsize="x-small")
