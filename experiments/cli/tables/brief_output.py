"""A negotiation brief as people read it: tables for the terminal, a page on disk, the caution."""

from pathlib import Path

import pandas as pd

from experiments.analyses.negotiation import ProvinceBrief
from experiments.report import negotiation_page
from experiments.runs.store import write_bytes, write_text
from experiments.words.terms import Lang, Terms
from models.reading.faults import InputError


def tables(brief: ProvinceBrief) -> dict[str, pd.DataFrame]:
    """Every table by its title."""
    carried = brief.spared[brief.spared["province"] != brief.province]
    found = {
        f"Targets of {brief.province} by rule, per cent (nation {brief.national:g})": brief.rules,
        f"{brief.province} and the nation": brief.standing,
        f"Who carries {brief.options.points:g} points, by {brief.options.sharing}": carried.head(10),
        "Credit for early action": brief.credit,
        "Target met with a chance of 0.5, 0.8, 0.9, per cent": brief.bearable.rename_axis("chance").reset_index(),
    }
    return found if brief.log.empty else {**found, "Offers, round by round": brief.log}


def caution(brief: ProvinceBrief, lang: str) -> str:
    """The caution that the numbers are no forecast and no official target."""
    return negotiation_page.caution(brief, Terms(_lang(lang)))


def check_name(path: Path, kind: str) -> None:
    """Raise InputError for a file whose name does not end as its kind (html, pdf) does."""
    if path.suffix != f".{kind}":
        raise InputError(f"got --{kind} {path}; allowed: a file that ends in .{kind}")


def write_page(brief: ProvinceBrief, lang: str, path: Path) -> None:
    """Write the page as its suffix says, HTML or PDF. Raises InputError for an unwritable place."""
    terms = Terms(_lang(lang))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".pdf":
            write_bytes(path, negotiation_page.paper(brief, terms))
        else:
            write_text(path, negotiation_page.page(brief, terms))
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror})") from None


def _lang(lang: str) -> Lang:
    return "zh" if lang == "zh" else "en"
