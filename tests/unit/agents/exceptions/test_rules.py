"""Rules that the exceptions stage judges by what stands beside readings: relays, accounts, outages, final days."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from agents.exceptions.config import ExceptionsConfig
from agents.exceptions.inactive import inactive_of
from agents.exceptions.relays import SWITCH
from agents.exceptions.step import ExceptionsStep, Prepared
from pipeline.batch import ReadingBatch
from pipeline.channels import N_ENERGY, N_SNAPSHOT
from pipeline.codes import Flag, Role
from pipeline.localtime import DAY_SECS
from pipeline.reference import FOREVER
from pipeline.state import StateStore
from pipeline.step import Origin, Parcel, Tick
from schemas.load import load_contracts
from tests.builders_vee import registry
from tests.oracles.exceptions_oracle import Day
from tests.oracles.vee_oracle import Link
from tests.property.test_exceptions import FIRST_DAY, NOBODY, OFFSET, batch_of

WHOLE = (48, 0, 0, 0)
POINT = 7
OPEN, CLOSED = 0, 1


def begin(day: int) -> int:
    return (FIRST_DAY + day) * DAY_SECS - OFFSET


class Queue:
    """A step with its state, and what it said."""

    def __init__(self, prepared: Prepared = NOBODY, **options: Any) -> None:
        self.step, self.prepared = ExceptionsStep(ExceptionsConfig(**options)), prepared
        self.store, self.offset = StateStore(self.step.layout, range(4)), 0

    def take(self, batch: ReadingBatch | None = None, tick: int | None = None) -> list[dict[str, Any]]:
        parcel = Parcel(Origin("log", 0, self.offset), batch, None if tick is None else Tick(tick, 0))
        self.offset += 1
        made = self.step.advance(parcel, self.store, self.prepared).emissions
        return [record for emission in made for record in emission.value.records()]

    def days(self, *days: Day) -> list[tuple[int, str, str]]:
        return [(one["service_point"], one["rule"], one["state"]) for one in self.take(batch_of([], list(days)))]

    def switches(self, *told: tuple[int, int], flags: int = 0, point: int = POINT) -> None:
        """Values of a load switch: (epoch seconds, OPEN or CLOSED)."""
        batch = batch_of([], [])
        batch.snapshot_service_point = np.full(len(told), point, "<u8")
        batch.snapshot_time = np.array([time for time, _ in told], "<i8")
        batch.snapshot_flags = np.full(len(told), flags, "<u2")
        batch.snapshot = np.zeros((len(told), N_SNAPSHOT), "<i8")
        batch.snapshot[:, SWITCH] = [state for _, state in told]
        batch.snapshot_present = np.full(len(told), 1 << SWITCH, "<u4")
        assert self.take(batch) == []


def used(day: int = 1, wh: int = 5_000) -> Day:
    return Day(POINT, FIRST_DAY + day, WHOLE, used=wh)


FLAGGED = [(POINT, "V24", "OPEN")]
EVENING, NEXT = begin(1) - 3_600, begin(2) + 600


def test_use_behind_an_open_relay_is_told_with_what_was_used() -> None:
    queue = Queue()
    queue.switches((EVENING, OPEN), (begin(1) + 7_200, OPEN), (NEXT, OPEN))
    (record,) = queue.take(batch_of([], [used()]))
    assert (record["rule"], record["severity"], record["state"]) == ("V24", "WARNING", "OPEN")
    assert (record["found"], record["expected"], record["wh_at_stake"]) == (5_000, 100, 5_000)
    assert queue.days(used(wh=100)) == [(POINT, "V24", "CLOSED")]


@pytest.mark.parametrize(
    "told",
    [
        [(EVENING, CLOSED), (NEXT, CLOSED)],
        [(begin(1) + 60, OPEN), (NEXT, OPEN)],  # not from the begin of the day on
        [(EVENING, OPEN), (begin(1) + 7_200, CLOSED), (NEXT, CLOSED)],
        [(EVENING, OPEN), (begin(1) + 7_200, CLOSED), (begin(1) + 9_000, OPEN), (NEXT, OPEN)],
        [(EVENING, OPEN), (NEXT, OPEN), (begin(1) + 7_200, CLOSED)],  # told late
        [(EVENING, OPEN), (begin(1) + 7_200, OPEN)],  # nobody has heard since
    ],
)
def test_a_relay_that_may_have_been_closed_tells_nothing(told: list[tuple[int, int]]) -> None:
    queue = Queue()
    for one in told:
        queue.switches(one)
    assert queue.days(used()) == []


def test_a_relay_that_closes_behind_the_day_was_open_in_it() -> None:
    queue = Queue()
    queue.switches((EVENING, OPEN), (NEXT, OPEN), (NEXT + 900, CLOSED))
    assert queue.days(used()) == FLAGGED


def test_a_clock_that_is_invalid_says_nothing_of_a_relay() -> None:
    queue = Queue()
    queue.switches((EVENING, OPEN), (NEXT, OPEN), flags=Flag.CLOCK_INVALID)
    assert queue.days(used()) == []
    assert not queue.store.used.any()


def test_closed_relays_take_no_memory_and_open_ones_are_not_forgotten_at_midnight() -> None:
    queue = Queue()
    queue.switches((EVENING, CLOSED), point=8)
    assert not queue.store.used.any()
    queue.switches((EVENING, OPEN))
    for day in range(1, 30):
        queue.take(None, begin(day) + 10)
    queue.switches((begin(31), OPEN))
    assert queue.days(used(30)) == FLAGGED
    queue.switches((begin(31) + 60, CLOSED))
    queue.take(None, begin(50))
    assert int(queue.store.used.sum()) == 1  # the row that says when it was swept


def accounts(*rows: tuple[int, int, int, int]) -> Prepared:
    """Of (point, account, from, until)."""
    known = registry([Link(point, point, 0, FOREVER) for point, *_ in rows])
    for name, column in (("point", 0), ("account", 1), ("point_from", 2), ("point_to", 3)):
        setattr(known, name, np.array([row[column] for row in rows], getattr(known, name).dtype))
    known.role = np.full(len(rows), int(Role.CONSUMER), "<u1")
    return Prepared(NOBODY.industry, inactive_of(known))


def test_use_without_an_account_is_told() -> None:
    end, again = begin(3), begin(6)
    prepared = accounts((7, 70, 0, end), (7, 71, again, FOREVER), (8, 0, 0, FOREVER), (9, 90, 0, end))
    queue = Queue(prepared)
    found = [
        {point for day in (number,) for point, rule, _ in queue.days(
            *(Day(point, FIRST_DAY + day, WHOLE, used=500) for point in (7, 8, 9))) if rule == "V24"}
        for number in (1, 2, 3, 5, 6)
    ]  # fmt: skip
    assert found == [{8}, {8}, {7, 8, 9}, {7, 8, 9}, {8, 9}]


def test_of_a_registry_without_accounts_nobody_is_inactive() -> None:
    assert len(accounts((7, 0, 0, FOREVER)).inactive.point) == 0


def test_energy_in_an_outage_is_told_and_closed_when_the_outage_is_taken_back() -> None:
    queue = Queue()
    assert queue.days(Day(POINT, FIRST_DAY, WHOLE, used=900, registers=256)) == []
    assert queue.days(Day(POINT, FIRST_DAY, WHOLE, used=900, registers=256 | 512)) == [(POINT, "V26", "OPEN")]
    assert queue.days(Day(POINT, FIRST_DAY, WHOLE, used=900)) == [(POINT, "V26", "CLOSED")]
    assert queue.days(Day(POINT, FIRST_DAY, WHOLE, used=900, registers=256 | 1024)) == [], "in shadow"


def corrected(before: int, now: int, estimated: int = 0) -> ReadingBatch:
    """A day that was final and whose import has changed."""
    batch = batch_of([], [Day(POINT, FIRST_DAY, WHOLE, used=now - estimated, estimated=estimated)])
    batch.correction_day = np.zeros(1, "<u4")
    batch.correction_energy = np.zeros((1, N_ENERGY), "<i8")
    batch.correction_energy[0, 0] = before
    return batch


@pytest.mark.parametrize(
    ("before", "now", "told"),
    [(10_000, 10_500, False), (10_000, 10_501, True), (10_000, 9_499, True), (0, 1, True), (0, 0, False)],
)
def test_a_final_day_that_changes_is_told_with_what_it_was(before: int, now: int, told: bool) -> None:
    found = [record for record in Queue().take(corrected(before, now)) if record["rule"] == "V36"]
    assert len(found) == told
    for record in found:
        assert (record["found"], record["expected"], record["wh_at_stake"]) == (now, before, abs(now - before))
        assert (record["period_start"], record["period_end"]) == (begin(0), begin(1))
        assert (record["state"], record["severity"]) == ("OPEN", "INFORMATION")


def test_estimates_are_part_of_a_day_and_the_share_is_an_option() -> None:
    assert Queue().take(corrected(10_000, 10_400, estimated=3_000)) == []
    assert len(Queue(final_change_permille=30).take(corrected(10_000, 10_400, estimated=3_000))) == 1
    assert Queue(without=("V36",)).take(corrected(10_000, 20_000)) == []


def test_what_is_compared_goes_over_the_wire_and_is_null_for_other_rules() -> None:
    contracts, step = load_contracts(), ExceptionsStep(ExceptionsConfig())
    batch = corrected(10_000, 20_000)
    batch.day_counts[0] = (10, 38, 0, 0)
    (emission,) = step.advance(Parcel(Origin("log", 0, 1), batch), StateStore(step.layout, range(4)), NOBODY).emissions
    values = [contracts.decode(bytes(value), "ReadingException") for value in emission.value.encode(contracts).values]
    assert values == emission.value.records()
    told = {value["rule"]: (value["found"], value["expected"], value["node"]) for value in values}
    assert told == {"V01": (None, None, 0), "V36": (20_000, 10_000, 0)}
