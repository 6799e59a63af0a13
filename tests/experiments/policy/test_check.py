"""`tanlu policy check`: passes on what ships, and names each of ten planted faults."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from experiments.analyses.policy.check import CHECKS, COAST, Subject, faults, implied
from experiments.analyses.policy.costs import Booked, accounts, places
from experiments.policy import catalogue, mix
from experiments.policy.catalogue import Catalogue, Quantity
from experiments.policy.size import potentials, provinces, sizes, stocks

PLAN = "2011-2015"
YEARS = [2015, 2020, 2030]


@cache
def sound() -> Subject:
    """The shipped options, where the model books in every year the sum of the sheets of a lever."""
    full, table = mix("full"), sizes(catalogue(), PLAN)
    booked = np.array([table[full.options.moving(lever)].sum(axis=1) for lever in full.options.levers]).T
    saving = booked[None, :, :, None] * np.array([0.5, 1.0, 1.0])  # half of it by 2015
    costs = full.costs()
    own = Booked(
        years=YEARS,
        levers=list(full.options.levers),
        provinces=list(provinces()),
        saving=saving,
        new=saving / 10,
        index=np.ones((1, len(YEARS))),
        rate=np.array([0.08]),
        programme=np.ones(1),
        parameters={name: costs[name].to_numpy() for name in ("capital cost", "lever lifetime")},
        parts=full.option_parts(),
        plan=PLAN,
    )
    cost = sum(places(account.net) for account in accounts(own, full.options))
    return Subject(full.options, PLAN, own, cost, potentials(), stocks())


def told(subject: Subject) -> list[tuple[str, str]]:
    return [(fault.check, fault.subject) for fault in faults(subject)]


def with_option(option: str, **changes: object) -> Subject:
    """The sound subject with one sheet changed."""
    options = dict(sound().found.options)
    options[option] = options[option].model_copy(update=changes)
    return replace(sound(), found=Catalogue(options, sound().found.levers))


def number(option: str, field: str, **changes: float | int | None) -> Quantity:
    quantity: Quantity = getattr(catalogue()[option], field)
    return quantity.model_copy(update=changes)


def in_table(province: str, resource: str, **changes: object) -> Subject:
    table = sound().potentials.copy()
    for column, value in changes.items():
        table.loc[(province, resource), column] = value
    return replace(sound(), potentials=table)


def unread() -> Subject:
    """Learning up to a year before the price's own moves nothing."""
    rate = Quantity(value=0.05, low=0.0, high=0.1, unit="1/year", source="assumption: planted for this test")
    cost = number("IND-01", "capital_cost", price_year=2013)
    return with_option("IND-01", learning=rate, capital_cost=cost)


def dearer() -> Subject:
    """A model whose account is one per cent higher than its options'."""
    return replace(sound(), cost=1.01 * sound().cost)


PLANTED: dict[str, tuple[Callable[[], Subject], tuple[str, str]]] = {
    "a number that nothing reads": (unread, ("columns", "IND-01.learning")),
    "small thermal units close industrial plant": (
        lambda: with_option("IND-06", lever="plant closure"),
        ("mapping", "IND-06"),
    ),
    "coal boilers save electricity": (lambda: with_option("IND-01", fuel="electricity"), ("fuel", "IND-01")),
    "nuclear in Chongqing": (
        lambda: in_table("Chongqing", "nuclear", value=5.0),
        ("potentials", "Chongqing, nuclear"),
    ),
    "hydropower beyond the rivers": (
        lambda: with_option("ENE-03", penetration=number("ENE-03", "penetration", value=9.0, high=9.0)),
        ("potentials", "ENE-03"),
    ),
    "more metro than the world has": (
        lambda: with_option("TRA-01", unit_saving=number("TRA-01", "unit_saving", value=30.0, low=20.0)),
        ("stocks", "TRA-01"),
    ),
    "an effect that no sheet backs": (
        lambda: with_option("IND-05", penetration=number("IND-05", "penetration", value=0.05, low=0.01)),
        ("effect", "IND-05"),
    ),
    "a price of a year to come": (
        lambda: with_option("BLD-01", capital_cost=number("BLD-01", "capital_cost", price_year=2031)),
        ("prices", "BLD-01.capital_cost"),
    ),
    "an assumption that is too sure of itself": (
        lambda: with_option("IND-05", capital_cost=number("IND-05", "capital_cost", low=2400.0, high=2600.0)),
        ("assumptions", "IND-05.capital_cost"),
    ),
    "two net costs of one mix": (dearer, ("account", "net cost")),
}


def test_what_is_sound_passes_every_check() -> None:
    assert told(sound()) == []
    table = implied(sound())
    assert len(table) == 3 * 35  # electric cars are stated only
    assert table["part"].between(0, 1).all()
    assert len(CHECKS) == 10
    assert "Chongqing" not in COAST


@pytest.mark.parametrize("planted", list(PLANTED))
def test_each_planted_fault_is_named(planted: str) -> None:
    make, expected = PLANTED[planted]
    assert expected in told(make())


def test_payers_that_do_not_pay_the_whole_are_named() -> None:
    who = catalogue()["IND-01"].who_pays.model_copy(update={"government": 0.5})
    assert ("payers", "IND-01") in told(with_option("IND-01", who_pays=who))


@pytest.mark.slow
@pytest.mark.parametrize("plan", ["2011-2015", "2026-2030"])
def test_the_shipped_catalogue_passes_with_the_model(plan: str) -> None:
    from experiments.analyses.policy.check import shipped

    assert faults(shipped(plan)) == []
