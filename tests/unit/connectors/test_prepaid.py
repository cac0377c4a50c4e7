"""Prepaid supply: warnings, grace, hours, the loop of commands; what a topology gives its connector."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from cli.prepaid import RateBook, rates_of
from cli.topology import read_plan
from connectors.prepaid.account import Day
from connectors.prepaid.books import Books
from connectors.prepaid.config import PrepaidConfig
from pipeline.errors import ConfigError, ContractError
from tests.builders_prepaid import (
    ACCOUNT,
    DAY,
    DEVICE,
    HOUR,
    JANUARY,
    POINT,
    answer,
    books,
    charge,
    day,
    month,
    payment,
    tell,
)
from tests.builders_rating import Point, registry
from tests.oracles.ledger_oracle import slab_bill

EXAMPLE = Path(__file__).parents[3] / "examples" / "prepaid.yaml"
CONFIG = PrepaidConfig.model_validate(
    {"warn_at": [10_000, 0], "emergency_credit": 5_000, "grace_hours": 24, "holidays": ["2026-01-06"]}
)
MONDAY = JANUARY + 4 * DAY
OPEN = payment("open", "OPEN", 20_000)


def kinds(entries: list[dict[str, Any]]) -> list[str]:
    return [entry["kind"] for entry in entries]


def low(book: Books) -> None:
    """An account that has used its emergency credit at Sunday noon."""
    tell(book, [OPEN, day(0, 90_000), {"tick": MONDAY - 12 * HOUR}])
    assert book.accounts[ACCOUNT].balance < -5_000


def cut(book: Books) -> dict[str, Any]:
    """The command that cuts a low account off, at its first allowed hour."""
    low(book)
    assert kinds(tell(book, [{"tick": MONDAY + 2 * DAY + 10 * HOUR}])) == ["DISCONNECT"]
    (command,) = book.commands()
    return command


def test_thresholds_warn_once_and_again_after_the_balance_has_been_above() -> None:
    book = books(CONFIG)
    assert kinds(tell(book, [OPEN, {"tick": MONDAY}])) == ["OPENED"]
    first = tell(book, [payment("fee", "DEBIT", 12_000), {"tick": MONDAY + 60}, payment("fee 2", "DEBIT", 1_000),
                        {"tick": MONDAY + 120}])  # fmt: skip
    assert [(entry["kind"], entry["threshold"]) for entry in first] == [
        ("DEBIT", None), ("WARNED", 10_000), ("DEBIT", None),
    ]  # fmt: skip
    again = tell(book, [payment("p", amount=9_000), payment("fee 3", "DEBIT", 16_500), {"tick": MONDAY + 180}])
    assert [(entry["kind"], entry["threshold"]) for entry in again][2:] == [
        ("WARNED", 10_000), ("WARNED", 0), ("EMERGENCY", 0),
    ]  # fmt: skip
    assert kinds(tell(book, [{"tick": MONDAY + DAY}])) == [], "within the emergency credit nothing is cut"


def test_supply_is_cut_after_grace_in_allowed_hours_and_on_no_holiday() -> None:
    book = books(CONFIG)
    low(book)
    for hours in (10, 13, 23, 24 + 11, 48 + 9):
        # Monday: grace is not over, or the hours are; Tuesday is a holiday; Wednesday it is too early.
        assert tell(book, [{"tick": MONDAY + hours * HOUR}]) == []
    (entry,) = tell(book, [{"tick": MONDAY + 48 * HOUR + 12 * HOUR + 1_800}])
    (command,) = book.commands()
    assert (entry["kind"], entry["reference"]) == ("DISCONNECT", command["id"])
    assert (command["device"], command["kind"]) == (DEVICE, "disconnect")
    assert command["expires"] == MONDAY + 48 * HOUR + 13 * HOUR, "not begun when the hours are over"
    assert tell(book, [{"tick": command["expires"] - 60}]) == [], "one at a time"


def test_a_recharge_gives_supply_back_at_any_hour_once_the_meter_says_it_is_cut() -> None:
    book = books(CONFIG)
    command = cut(book)
    at = command["issued"]
    assert kinds(tell(book, [payment("p", amount=200_000), {"tick": at + 60}])) == ["RECHARGE", "RESTORED"]
    assert book.commands() == [], "nobody knows yet that it is cut"
    said = [answer(command, "RUNNING"), answer(command, switch="0"), {"tick": at + 9 * HOUR}]
    assert kinds(tell(book, said)) == ["SWITCH_OPEN", "RECONNECT"]
    (back,) = book.commands()
    assert back["kind"] == "reconnect"
    assert kinds(tell(book, [answer(back, switch="1"), answer(back, switch="1")])) == ["SWITCH_CLOSED"]
    assert tell(book, [{"tick": MONDAY + 9 * DAY}]) == []


def test_a_command_that_fails_is_tried_again_and_one_of_which_nothing_is_known_is_asked_for() -> None:
    book = books(CONFIG)
    command = cut(book)
    at = command["issued"]
    failed = tell(book, [answer(command, "FAILED", code="NOT_REACHED")])
    assert (kinds(failed), failed[0]["detail"]) == (["COMMAND_FAILED"], "NOT_REACHED")
    assert tell(book, [{"tick": at + HOUR - 60}]) == []
    assert kinds(tell(book, [{"tick": at + HOUR}])) == ["DISCONNECT"]
    (second,) = book.commands()
    assert second["id"] != command["id"]
    tell(book, [answer(second, "FAILED", code="OUTCOME_UNKNOWN")])
    assert kinds(tell(book, [{"tick": at + 5 * HOUR}])) == ["CHECK"], "also out of hours: reading cuts nothing"
    (check,) = book.commands()
    assert check["arguments"] == {"objects": "70:0.0.96.3.10.255:2"}
    assert kinds(tell(book, [answer(check, switch="0")])) == ["SWITCH_OPEN"]
    assert tell(book, [{"tick": at + 9 * DAY}]) == []


def test_a_command_that_nobody_answers_is_given_up_and_the_switch_read() -> None:
    book = books(CONFIG)
    command = cut(book)
    assert tell(book, [{"tick": command["expires"] + HOUR - 1}]) == []
    assert kinds(tell(book, [{"tick": command["expires"] + HOUR}])) == ["COMMAND_FAILED"]
    assert kinds(tell(book, [{"tick": command["expires"] + 2 * HOUR}])) == ["CHECK"]


def test_a_new_meter_is_closed_and_the_balance_stays() -> None:
    devices = {POINT: DEVICE}
    book = books(CONFIG, devices)
    command = cut(book)
    tell(book, [answer(command, switch="0")])
    devices[POINT] = "4B564E0000000008"
    balance = book.accounts[ACCOUNT].balance
    entries = tell(book, [{"tick": command["issued"] + HOUR}])
    assert kinds(entries) == ["SWITCH_CLOSED", "DISCONNECT"]
    assert [one["device"] for one in book.commands()] == ["4B564E0000000008"]
    assert book.accounts[ACCOUNT].balance == balance


def test_the_next_tenant_gets_supply_and_the_last_ones_debt_stays_behind() -> None:
    book = books(CONFIG)
    command = cut(book)
    tell(book, [answer(command, switch="0"), payment("close", "CLOSE", collected_at=JANUARY + 8 * DAY)])
    debt = book.accounts[ACCOUNT].balance
    entries = tell(book, [
        payment("o2", "OPEN", 50_000, account=901, collected_at=JANUARY + 8 * DAY), day(8, 2_000, account=901),
        {"tick": command["issued"] + HOUR},
    ])  # fmt: skip
    assert kinds(entries) == ["OPENED", "DEDUCTION", "RECONNECT"]
    assert -entries[1]["paise"] == int(slab_bill(2_000, 1, 31) * 100), "his slabs begin anew"
    assert tell(book, [day(8, 5_000)]) == [], "a day after he has left is not the last tenant's"
    assert book.accounts[ACCOUNT].balance == debt
    tell(book, [answer(one, switch="1") for one in book.commands()])
    assert tell(book, [{"tick": MONDAY + 90 * DAY}]) == [], "nobody warns or cuts off who has left"


def test_after_a_standstill_everything_is_judged_by_the_new_time() -> None:
    book = books(CONFIG)
    entries = tell(book, [OPEN, {"tick": MONDAY}, day(0, 90_000)])
    again = books(CONFIG)
    for entry in entries:
        again.restore(entry)
    tuesday = MONDAY + 71 * HOUR
    # Here a payment had waited in its topic.
    assert kinds(tell(book, [payment("p", amount=100_000), {"tick": tuesday}])) == ["RECHARGE"]
    # Here it had not: grace begins now, not when nobody looked.
    late = tell(again, [{"tick": tuesday}])
    assert [(entry["kind"], entry["at"]) for entry in late] == [
        ("WARNED", tuesday), ("WARNED", tuesday), ("EMERGENCY", tuesday), ("LOW", tuesday),
    ]  # fmt: skip
    (command,) = cut_again(again, tuesday)
    tell(again, [answer(command, switch="0")])
    assert again.commands() == []
    much_later = command["issued"] + 71 * HOUR
    assert kinds(tell(again, [payment("p", amount=100_000), {"tick": much_later}])) == [
        "RECHARGE", "RESTORED", "RECONNECT",
    ]  # fmt: skip
    assert [one["issued"] for one in again.commands()] == [much_later]


def cut_again(book: Books, low_at: int) -> list[dict[str, Any]]:
    """Commands of the first allowed hour after grace."""
    entries: list[dict[str, Any]] = []
    hours = 0
    while not entries:
        hours += 1
        entries = tell(book, [{"tick": low_at + hours * HOUR}])
    assert kinds(entries) == ["DISCONNECT"]
    assert entries[0]["at"] >= low_at + CONFIG.grace_hours * HOUR
    return book.commands()


def test_an_account_that_was_closed_by_mistake_pays_its_days_again() -> None:
    book = books()
    tell(book, [OPEN, *(day(number, 5_000) for number in range(31))])
    balance = book.accounts[ACCOUNT].balance
    tell(book, [payment("close", "CLOSE", collected_at=JANUARY + 10 * DAY)])
    assert book.accounts[ACCOUNT].balance > balance
    entries = tell(book, [payment("again", "OPEN", collected_at=JANUARY + 10 * DAY)])
    assert kinds(entries) == ["OPENED", "ADJUSTMENT"]
    assert entries[1]["detail"] == "days that the account has again"
    assert book.accounts[ACCOUNT].balance == balance


def test_a_day_that_cannot_be_rated_is_deducted_with_the_next_that_can() -> None:
    book = books()
    entries = tell(book, [OPEN, day(0, 3_000, tariff=None), day(1, 4_000)])
    assert [(entry["kind"], entry["paise"]) for entry in entries[1:]] == [
        ("UNRATED", 0), ("DEDUCTION", -int(slab_bill(7_000, 2, 31) * 100)),
    ]  # fmt: skip
    assert entries[1]["detail"] == "the service point has no tariff"


def test_a_paid_month_that_lies_back_is_charged_by_its_bill_alone() -> None:
    book = books()
    days = [day(number, 5_000) for number in range(31)]
    told = [OPEN, *days, month(50_000), *(day(number, 1_000) for number in (31, 59))]
    entries = tell(book, told)
    january = book.accounts[ACCOUNT].months[POINT, JANUARY]
    assert not january.shut, "March is its second month behind"
    entries += tell(book, [day(90, 1_000)])
    assert (january.shut, january.days, january.charged) == (True, {}, 50_000)
    entries += tell(book, [day(3, 9_000, revision=2), month(50_300, revision=2)])
    assert (entries[-1]["kind"], entries[-1]["paise"]) == ("RECONCILED", -300)
    assert entries[-2]["day_start"] == JANUARY + 90 * DAY, "the day alone posts nothing"
    again = books()
    for entry in entries:
        again.restore(entry)
    assert again.accounts == book.accounts


def test_accounts_that_are_not_prepaid_have_no_ledger() -> None:
    book = books()
    assert tell(book, [payment("p", amount=5), day(0, 3_000)]) == []
    assert book.left_out == 2
    assert book.accounts == {}


def test_a_ledger_with_a_hole_is_refused() -> None:
    entries = tell(books(), [OPEN, payment("p", amount=5), payment("q", amount=5)])
    other = books()
    other.restore(entries[0])
    with pytest.raises(ContractError, match="LEDGER_GAP"):
        other.restore(entries[2])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"hours": [13, 10]}, "hours"),
        ({"weekdays": [7]}, "weekdays"),
        ({"warn_at": [5, 5]}, "twice"),
        ({"reconnect_at": -1}, "cut again at once"),
    ],
)
def test_options_that_contradict_each_other_are_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        PrepaidConfig.model_validate(options)


def test_the_example_gives_its_connector_tariffs_and_topics() -> None:
    plan = read_plan(EXAMPLE)
    connector = plan.connectors["prepaid"]
    assert (connector.to.name, connector.to.schema) == ("ledger", "LedgerEntry")
    assert rates_of(plan, connector) is not None
    assert rates_of(plan, plan.connectors["ticker"]) is None


def test_topics_of_other_schemas_are_refused_before_anything_starts(tmp_path: Path) -> None:
    text = EXAMPLE.read_text(encoding="utf-8").replace("    grace_hours: 24\n", "    payments: commands\n")
    file = tmp_path / "prepaid.yaml"
    file.write_text(text.replace("payments, ledger]", "ledger]"), encoding="utf-8")
    plan = read_plan(file)
    with pytest.raises(ConfigError, match="PREPAID_TOPIC"):
        rates_of(plan, plan.connectors["prepaid"])


def test_days_are_rated_by_the_tariff_of_their_determinant() -> None:
    book = RateBook(19_800, ("msedcl-lt1b-2020",))
    one = Day(1, "msedcl-lt1b-2020", 250_000, 0, 250_000, ())
    none = Day(1, "msedcl-lt1b-2020", 0, 0, 0, ())
    found, why = book.charge(POINT, JANUARY, [one, *[none] * 30])
    assert (found, why) == (243_484, ""), "250 units of a whole month, as published"
    half, _ = book.charge(POINT, JANUARY, [one])
    assert half is not None
    assert found is not None
    assert found - half == 30 * 10_000 * 116 // 31 // 100, "thirty days of the fixed charge, with duty"
    assert book.charge(POINT, JANUARY, [Day(1, "other", 1, 0, 1, ())])[0] is None
    assert charge(POINT, JANUARY, [one])[0] != 0


def test_a_month_is_charged_by_the_tariff_at_its_begin_as_the_stage_bills_it() -> None:
    book = RateBook(19_800, ("msedcl-lt1b-2020", "msedcl-lt1b-2025"))
    old, new = (Day(1, f"msedcl-lt1b-{year}", 50_000, 0, 50_000, ()) for year in (2020, 2025))
    assert book.charge(POINT, JANUARY, [old, new]) == book.charge(POINT, JANUARY, [old, old])
    assert book.charge(POINT, JANUARY, [new, new]) != book.charge(POINT, JANUARY, [old, old])
    unrated = Day(1, "", 50_000, 0, 50_000, ())
    assert book.charge(POINT, JANUARY, [unrated, new]) == book.charge(POINT, JANUARY, [new, new])
    assert book.charge(POINT, JANUARY, [old, unrated]) == book.charge(POINT, JANUARY, [old, old])
    assert book.charge(POINT, JANUARY, [unrated]) == (None, "the service point has no tariff")


def test_a_service_point_that_begins_within_the_month_is_charged_by_its_first_load() -> None:
    code = "delhi-domestic-2019"
    book = RateBook(19_800, (code,))
    assert book.charge(POINT, JANUARY, [Day(1, code, 5_000, 0, 5_000, ())])[0] is None
    made = registry([Point(POINT, moves=((JANUARY + 20 * DAY, 0, 0),))])
    made.point_from[0], made.sanctioned_w[:] = JANUARY + 10 * DAY, (3_000, 5_000)
    book.take(made, {})
    assert [book.sanctioned_w(POINT, JANUARY + at * DAY) for at in (0, 10, 19, 20, 400)] == [3_000] * 3 + [5_000] * 2
    assert book.sanctioned_w(POINT + 1, JANUARY) is None
    found, why = book.charge(POINT, JANUARY, [Day(1, code, 5_000, 0, 5_000, ())])
    assert (why, found is not None and found > 0) == ("", True)
