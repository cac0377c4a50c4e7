"""Prepaid accounts behind the rating stage: its own determinants, the shipped tariff, two months, late readings."""

from __future__ import annotations

from typing import Any

from cli.prepaid import RateBook
from connectors.prepaid.books import Books
from connectors.prepaid.config import PrepaidConfig
from connectors.prepaid.entries import Entry
from tests.builders_prepaid import payment, tell
from tests.builders_rating import DAY, IST, ist
from tests.unit.agents.rating.test_rating import Rating

JANUARY, FEBRUARY, MARCH = ist("2026-01-01"), ist("2026-02-01"), ist("2026-03-01")
TARIFF = "msedcl-lt1b-2020"


def month_of(rating: Rating, begin: int, days: int, wh: int) -> list[dict[str, Any]]:
    """Determinants of a month whose days are settled one by one, and final two days later."""
    made: list[dict[str, Any]] = []
    for number in range(days):
        rating.day(11, begin + number * DAY, wh + number)
        if number >= 2:
            rating.meters.settle(11, begin + (number - 2) * DAY, state=1)
        made += rating.go()
    return made


def charged(book: Books, begin: int) -> int:
    return book.accounts[901].months[11, begin].charged


def bill(records: list[dict[str, Any]], begin: int) -> int:
    """What the newest determinant of a month comes to."""
    months = [one for one in records if one["kind"] == "MONTH" and one["period_start"] == begin]
    return int(max(months, key=lambda one: int(one["revision"]))["total_paise"])


def of(entries: list[Entry], kind: str) -> list[Entry]:
    return [entry for entry in entries if entry["kind"] == kind]


def test_two_months_of_deductions_are_the_bills_of_the_rating_stage_to_the_paisa() -> None:
    rating, rates = Rating(), RateBook(IST, (TARIFF,))
    book = Books(PrepaidConfig(), rates.charge, lambda _point, _at: "")
    january = month_of(rating, JANUARY, 31, 150)
    entries = tell(book, [payment("open", "OPEN", 500_000, account=901, collected_at=JANUARY), *january])
    assert [len(of(entries, kind)) for kind in ("DEDUCTION", "UNRATED", "RECONCILED")] == [31, 0, 0]
    assert charged(book, JANUARY) == bill(january, JANUARY), "each line is rounded as the stage rounds it"
    # A reading of 30 January comes late: the day is rated again, in its own month.
    rating.meters.put(11, JANUARY + 29 * DAY, 40_000)
    rating.meters.settle(11, JANUARY + 29 * DAY)
    late = rating.go()
    (adjusted,) = of(tell(book, late), "ADJUSTMENT")
    assert -adjusted["paise"] == bill(late, JANUARY) - bill(january, JANUARY)
    rating.meters.settle(11, JANUARY + 29 * DAY, state=1)
    rating.meters.settle(11, JANUARY + 30 * DAY, state=1)
    (closed,) = of(tell(book, rating.go()), "RECONCILED")
    assert (closed["paise"], closed["month_paise"]) == (0, bill(late, JANUARY))
    # What is less than a unit is carried: the stage bills it in February, and the month's end makes up for it.
    february = month_of(rating, FEBRUARY, 28, 151)
    tell(book, february)
    rating.meters.settle(11, FEBRUARY + 26 * DAY, state=1)
    rating.meters.settle(11, FEBRUARY + 27 * DAY, state=1)
    last = rating.go()
    tell(book, last)
    assert charged(book, FEBRUARY) == bill([*february, *last], FEBRUARY)
    account = book.accounts[901]
    assert account.balance == 500_000 - charged(book, JANUARY) - charged(book, FEBRUARY)
