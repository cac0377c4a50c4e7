"""The bulk kernel against the reference engine: every line, total, bank and figure, of any tariff and quantities."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from agents.rating.bulk import tables as t
from agents.rating.bulk.bills import Months, codes_of, lines_of, rate_many
from agents.rating.bulk.compiled import Book, compile_book
from agents.rating.bulk.encode import encoded, no_values, put_values
from agents.rating.bulk.exact import LARGEST_MONEY, floored, order, ratio, reaches, share, times
from agents.rating.bulk.quantities import BULK_ZONES, WHOLE_ZONE, records
from agents.rating.engine.catalogue import load, shipped
from agents.rating.engine.exact import half_away
from agents.rating.engine.format.tariff import Tariff
from agents.rating.engine.lines import Bill
from agents.rating.engine.quantities import WHOLE, Quantities
from agents.rating.engine.rate import rate
from agents.rating.engine.splits import Part, rate_parts, split_by_days
from pipeline.errors import ConfigError
from tests.builders_bulk import bulk_quantities, bulk_tariffs

EXAMPLES = Path(__file__).parents[2] / "examples" / "tariffs"
KNOWN = [*shipped().values(), load(str(EXAMPLES / "ht-industry.yaml")), load(str(EXAMPLES / "rooftop.yaml"))]
BOOK = compile_book(KNOWN)
MANY = settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


def rated(book: Book, places: list[int], given_: list[Quantities], follows: bool = False) -> t.Rated:
    columns = encoded(book, places, given_)
    if follows:
        records(columns)["follows"][1:] = 1
    values, landed = no_values(book, len(given_))
    for row, (place, one) in enumerate(zip(places, given_, strict=True)):
        put_values(book, place, one.adjustments, values[row], landed[row])
    months = Months(np.arange(len(given_), dtype=np.int32), values, landed)
    return rate_many(book, np.array(places, np.int32), columns, months)


def bank_of(tariff: Tariff, out: t.Rated, item: int) -> dict[str, int]:
    names = [*(zone.code for zone in tariff.calendar.zones), *[""] * BULK_ZONES][:BULK_ZONES]
    found = {name: int(out.bank[item, zone]) for zone, name in enumerate(names) if out.bank[item, zone]}
    return found | ({WHOLE: int(out.bank[item, WHOLE_ZONE])} if out.bank[item, WHOLE_ZONE] else {})


def bits(tariff: Tariff, codes: list[str]) -> int:
    return sum(1 << place for place, charge in enumerate(tariff.charges) if charge.code in codes)


def assert_equal(book: Book, place: int, out: t.Rated, item: int, bill: Bill) -> None:
    tariff, figures = book.tariffs[place], out.figures[item]
    assert figures["status"] == (t.LACKING if bill.missing else t.RATED)
    assert lines_of(codes_of(book, place), out, item) == [(line.code, line.paise) for line in bill.lines]
    assert figures["total"] == bill.total_paise
    assert figures["energy"] == bill.energy_paise
    assert figures["rounding"] == bill.rounding_paise
    assert (figures["units_wh"], figures["carry_wh"]) == (bill.units_wh, bill.carry_wh)
    assert figures["missing"] == bits(tariff, [code for code, _ in bill.missing])
    assert figures["pending"] == bits(tariff, list(bill.pending))
    assert bank_of(tariff, out, item) == dict(bill.bank_wh)
    if bill.billing_demand is not None:
        assert Fraction(int(figures["demand"]), int(figures["demand_in"])) == bill.billing_demand


def assert_same(book: Book, places: list[int], given_: list[Quantities]) -> None:
    out = rated(book, places, given_)
    for item, (place, one) in enumerate(zip(places, given_, strict=True)):
        try:
            bill = rate(book.tariffs[place], one, partial=True)
        except ConfigError:
            assert out.figures[item]["status"] == t.INVALID
            assert out.figures[item]["total"] == 0
            continue
        assert_equal(book, place, out, item, bill)


@MANY
@given(st.data(), bulk_tariffs())
def test_any_tariff_gives_the_lines_of_the_engine(data: st.DataObject, tariff: Tariff) -> None:
    book = compile_book([tariff])
    given_ = data.draw(st.lists(bulk_quantities(tariff), min_size=1, max_size=3))
    assert_same(book, [0] * len(given_), given_)


@MANY
@given(st.data(), st.integers(0, len(KNOWN) - 1))
def test_tariffs_that_are_kept_give_the_lines_of_the_engine(data: st.DataObject, place: int) -> None:
    given_ = data.draw(st.lists(bulk_quantities(KNOWN[place]), min_size=1, max_size=4))
    assert_same(BOOK, [place] * len(given_), given_)


@pytest.mark.parametrize("place", range(len(KNOWN)))
def test_every_whole_unit_around_a_bound_is_as_by_the_engine(place: int) -> None:
    units = [
        0,
        1,
        39,
        40,
        41,
        49,
        50,
        51,
        99,
        100,
        101,
        150,
        151,
        200,
        201,
        250,
        251,
        300,
        301,
        400,
        401,
        500,
        501,
        1201,
    ]
    given_ = [
        Quantities(wh=1000 * count, vah=1000 * count + 500, load_w=3000, load_va=3500, phases=1, days=days,
                   flags=frozenset(["bpl"]))
        for count in units for days in (None, 28, 31)
    ]  # fmt: skip
    assert_same(BOOK, [place] * len(given_), given_)


@settings(MANY, max_examples=40)
@given(st.data(), st.booleans(), st.lists(st.integers(1, 30), min_size=1, max_size=4))
def test_parts_of_a_period_give_the_bills_of_the_engine(data: st.DataObject, zoned: bool, days: list[int]) -> None:
    tariffs = data.draw(st.lists(bulk_tariffs(zoned=zoned), min_size=2, max_size=2))
    book = compile_book(tariffs)
    places = data.draw(st.lists(st.integers(0, 1), min_size=len(days), max_size=len(days)))
    whole = data.draw(bulk_quantities(tariffs[places[0]], days=sum(days)))
    parts = [Part(tariffs[place], one) for place, one in zip(places, split_by_days(whole, days), strict=True)]
    # A value is of its own tariff's charge: the codes are the same in both.
    fits = all(
        len(whole.adjustments.get(code, ())) in (0, count)
        for place in places for code, (_, count) in book.values[place].items()
    )  # fmt: skip
    assume(fits)
    try:
        expected = rate_parts(parts, partial=True)
    except ConfigError:
        assume(False)
    out = rated(book, places, [part.given for part in parts], follows=True)
    rounding = codes_of(book, places[-1])[-1:]
    for item, bill in enumerate(expected.parts):
        codes = codes_of(book, places[item])
        own = [pair for pair in lines_of(codes, out, item) if pair[0] != rounding[0][0]]
        assert own == [(line.code, line.paise) for line in bill.lines]
        assert bank_of(tariffs[places[item]], out, item) == dict(bill.bank_wh)
    assert int(out.figures["total"].sum()) == expected.total_paise
    assert int(out.figures["rounding"][-1]) == expected.rounding_paise


NUMBER = st.one_of(
    st.integers(0, 2**63 - 1), st.integers(0, 10**6), st.sampled_from([0, 1, 2**31, 2**32, 2**62, 2**63 - 1])
)
ABOVE_0 = NUMBER.filter(lambda number: number > 0)


def room() -> Any:
    return np.zeros(1, t.BILL)[0]


@given(NUMBER, NUMBER, ABOVE_0, st.booleans(), st.booleans())
def test_a_share_is_rounded_once_or_too_large(one: int, rate_: int, below: int, minus: bool, less: bool) -> None:
    one, rate_, bill = -one if minus else one, -rate_ if less else rate_, room()
    found = share(one, rate_, below, bill)
    exact = half_away(Fraction(one * rate_, below))
    assert bool(bill["too_large"]) == (abs(exact) > LARGEST_MONEY)
    assert bill["too_large"] or found == exact


@given(st.lists(NUMBER, min_size=4, max_size=4), st.lists(ABOVE_0, min_size=4, max_size=4))
def test_a_ratio_of_eight_numbers_is_rounded_once_or_too_large(above: list[int], below: list[int]) -> None:
    bill = room()
    found = ratio(*above, *below, bill)
    exact = half_away(Fraction(int(np.prod(np.array(above, object))), int(np.prod(np.array(below, object)))))
    assert bool(bill["too_large"]) == (exact > LARGEST_MONEY)
    assert bill["too_large"] or found == exact
    assert reaches(*above, *below) == (np.prod(np.array(above, object)) >= np.prod(np.array(below, object)))


@given(NUMBER, NUMBER, ABOVE_0, ABOVE_0)
def test_products_and_comparisons_are_exact_or_too_large(one: int, other: int, one_in: int, other_in: int) -> None:
    bill = room()
    found = times(one, other, bill)
    assert bool(bill["too_large"]) == (one * other >= 2**63)
    assert bill["too_large"] or found == one * other
    stands = order(one, one_in, other, other_in)
    assert stands == (one * other_in > other * one_in) - (one * other_in < other * one_in)
    bill = room()
    found = floored(one, other, one_in, bill)
    assert bool(bill["too_large"]) == (one * other // one_in >= 2**63)
    assert bill["too_large"] or found == one * other // one_in
