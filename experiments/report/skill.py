"""The hindcast skill card, drawn from what the backtest ships."""

from experiments.report.content import table
from experiments.report.province_tables import Found
from experiments.report.view import View


def card(view: View) -> Found | None:
    """The card, or None where no backtest is at hand."""
    rows = view.table("backtest")
    if rows is None:
        return None
    return Found(tables=[table(view.terms, "skill-card", view.terms("Skill against naive forecasts"), rows)])
