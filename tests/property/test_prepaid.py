"""The prepaid ledger against an oracle that knows no order: balances, months, copies, and a ledger read back."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.prepaid.config import PrepaidConfig
from schemas.load import load_contracts
from tests.builders_prepaid import ACCOUNT, DAY, HOUR, JANUARY, LENGTH, books, day, month, payment, tell
from tests.oracles.ledger_oracle import charged, rupees, slab_bill, standing

CONTRACTS = load_contracts()
OPEN = payment("open", "OPEN", 20_000)
amounts = st.integers(0, 300_000)


@st.composite
def histories(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Payments, reversals, arrears and settled days, with copies, in any order behind the opening."""
    said = [payment(f"p{n}", draw(st.sampled_from(["PAYMENT", "PAYMENT", "CREDIT", "DEBIT", "ARREARS"])), draw(amounts))
            for n in range(draw(st.integers(0, 6)))]  # fmt: skip
    said += [
        payment(f"r{n}", "REVERSAL", reverses=f"p{draw(st.integers(0, 7))}") for n in range(draw(st.integers(0, 3)))
    ]
    settled = draw(st.lists(st.integers(0, LENGTH - 1), max_size=8))
    said += [day(number, draw(st.integers(0, 60_000)), draw(st.integers(1, 3))) for number in settled]
    # Of a revision there is one content.
    said = list({(one.get("id"), one.get("period_start"), one.get("revision")): one for one in said}.values())
    copies = draw(st.lists(st.sampled_from(said), max_size=5)) if said else []
    return [OPEN, *draw(st.permutations(said + copies))]


def of_payments(history: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [one for one in history if "mode" in one]


@given(histories(), st.sampled_from([0, 25, 33, 100]))
def test_any_order_of_payments_copies_and_days_ends_in_the_oracles_balance(history, percent) -> None:  # type: ignore[no-untyped-def]
    book = books(PrepaidConfig(arrears_percent=percent))
    entries = tell(book, history)
    credit, arrears = standing(of_payments(history), percent)
    due = charged([one for one in history if one.get("kind") == "DAY"], [], LENGTH)
    account = book.accounts[ACCOUNT]
    assert rupees(account.balance) == credit - due
    assert rupees(account.arrears) == arrears
    assert sum(entry["paise"] for entry in entries) == account.balance
    assert [entry["number"] for entry in entries] == list(range(1, len(entries) + 1))
    for before, after in pairwise(entries):
        assert after["balance_paise"] == before["balance_paise"] + after["paise"]


@given(histories(), st.data())
def test_a_ledger_read_back_goes_on_as_if_nobody_had_stopped(history, data) -> None:  # type: ignore[no-untyped-def]
    history = [*history, {"tick": JANUARY + 400 * DAY}, payment("last", amount=5), {"tick": JANUARY + 401 * DAY}]
    ticks = sorted(data.draw(st.sets(st.integers(0, 9 * 24), max_size=4)))
    places = sorted(data.draw(st.integers(1, len(history) - 3)) for _ in ticks)
    for place, hours in reversed(list(zip(places, ticks, strict=True))):
        history.insert(place, {"tick": JANUARY + hours * HOUR})
    cut = data.draw(st.integers(1, len(history)))
    whole = books()
    entries = tell(whole, history)
    first = books()
    written = tell(first, history[:cut])
    second = books()
    for entry in [*written, *written[:1]]:
        second.restore(CONTRACTS.decode(CONTRACTS.encode("LedgerEntry", entry), "LedgerEntry"))
    assert second.accounts == first.accounts
    assert {**first.switches, **second.switches} == first.switches
    # Time, too, is known from the entries alone.
    again = tell(second, history)
    left = tell(first, history[cut:])
    assert [plain(entry) for entry in again] == [plain(entry) for entry in left]
    assert [plain(entry) for entry in [*written, *left]] == [plain(entry) for entry in entries]


def plain(entry: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in entry.items() if name != "from_offset"}


@settings(max_examples=30)
@given(st.lists(st.integers(0, 40_000), min_size=LENGTH, max_size=LENGTH), st.randoms(), st.integers(-3_000, 3_000))
def test_the_deductions_of_a_month_are_its_bill_to_the_paisa(wh, random, other) -> None:  # type: ignore[no-untyped-def]
    bill = int(slab_bill(sum(wh), LENGTH, LENGTH) * 100)
    days = [day(number, energy, revision=2) for number, energy in enumerate(wh)]
    early = [day(number, random.randrange(50_000)) for number in random.sample(range(LENGTH), 5)]
    told = [*days, *early]
    random.shuffle(told)
    book = books()
    entries = tell(book, [OPEN, *told])
    assert -sum(entry["paise"] for entry in entries[1:]) == bill
    # The billing system's month may come to something else (a carry of whole units, a rule that daily rates lack).
    (closed,) = tell(book, [month(bill + other)])
    assert (closed["kind"], closed["paise"], closed["month_paise"]) == ("RECONCILED", -other, bill + other)
    assert tell(book, [month(bill + other), *days]) == [], "copies"
    late = tell(book, [day(3, wh[3] + 9_000, revision=3), month(bill + other + 77, revision=2)])
    assert [entry["paise"] for entry in late] == [0, -77], "a closed month is charged by its bill alone"
    assert book.accounts[ACCOUNT].balance == 20_000 - (bill + other + 77)


@settings(max_examples=50)
@given(st.lists(st.integers(0, 40_000), min_size=LENGTH, max_size=LENGTH), st.integers(0, LENGTH), st.randoms())
def test_a_tenant_pays_for_the_days_until_he_leaves_whenever_that_is_told(wh, left, random) -> None:  # type: ignore[no-untyped-def]
    end = JANUARY + left * DAY
    days = [day(number, energy) for number, energy in enumerate(wh)]
    told = [*days, payment("close", "CLOSE", collected_at=end), month(999_999)]
    random.shuffle(told)
    book = books()
    tell(book, [OPEN, *told])
    due = charged(days, [month(999_999)], LENGTH, lambda start: start < end)
    assert rupees(book.accounts[ACCOUNT].balance) == rupees(20_000) - due
    # It was a mistake: he stays. What came while he was gone is told again.
    tell(book, [payment("stays", "OPEN", collected_at=end), *days, month(999_999)])
    due = charged(days, [month(999_999)], LENGTH)
    assert rupees(book.accounts[ACCOUNT].balance) == rupees(20_000) - due
