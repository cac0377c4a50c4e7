"""Confirmations that come later by themselves: messages are settled by them, sent again without them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.sap_receiver import Receiver, receiving
from schemas.mdus.xml import text_at
from sinks.sap_mdus.config import SapMdusConfig
from sinks.sap_mdus.sink import MOST_IN_A_ROW, SapMdusSink
from tests.unit.sinks.sap_mdus.builders import Time, brought, determinant, devices, order


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


@pytest.fixture
def clock() -> Time:
    return Time()


@pytest.fixture
def sink(receiver: Receiver, clock: Time, tmp_path: Path) -> Iterator[SapMdusSink]:
    settings = {"url": receiver.url, "journal": tmp_path / "journal.sqlite", "acknowledge": "later", "confirm_secs": 60}
    made = SapMdusSink(SapMdusConfig.model_validate(settings), clock)
    made.open()
    made.take_registry("1", devices())
    yield made
    made.close()


def said(offset: int, event: str, uuid: str, code: str = "") -> object:
    return order(offset, "", 0, event=event, message=uuid, code=code, note="why")


def test_a_confirmation_enters_the_reading(receiver: Receiver, sink: SapMdusSink) -> None:
    brought(sink, determinant(0))
    assert sink.journal.counts() == {"messages_sent": 1, "orders_open": 1, "cases": 0}
    (uuid,) = receiver.taken
    brought(sink, said(0, "ACCEPTED", uuid), said(1, "ACCEPTED", "of another system"), said(2, "REFUSED", uuid, "LATE"))
    assert sink.journal.counts() == {"messages_accepted": 1, "orders_entered": 1, "cases": 0}


def test_a_reading_that_changes_before_the_confirmation_is_a_correction(receiver: Receiver, sink: SapMdusSink) -> None:
    brought(sink, determinant(0))
    brought(sink, determinant(1, closing=2_000_000))
    first, second = receiver.taken
    assert text_at(receiver.taken[second], "MessageHeader/ReferenceUUID") == first


def test_without_a_confirmation_the_same_message_goes_out_again(
    receiver: Receiver, sink: SapMdusSink, clock: Time
) -> None:
    brought(sink, determinant(0))
    clock.now += 59
    brought(sink, determinant(1, 2))
    assert len(receiver.requests) == 2
    clock.now += 2
    brought(sink, said(0, "ACCEPTED", "of another system"))
    assert len(receiver.requests) == 3
    assert receiver.requests[2] == receiver.requests[0]


def test_a_refusal_is_kept_or_sends_again_or_makes_a_case(receiver: Receiver, sink: SapMdusSink, clock: Time) -> None:
    brought(sink, *(determinant(offset, 1 + offset) for offset in range(3)))
    one, two, three = receiver.taken
    brought(
        sink, said(0, "REFUSED", one, "UNKNOWN"), said(1, "REFUSED", two, "LOCKED"), said(2, "REFUSED", three, "BILLED")
    )
    assert [(row["uuid"], row["code"], row["note"]) for row in sink.journal.refused()] == [
        (one, "UNKNOWN", "UNKNOWN: why"), (three, "BILLED", "BILLED: why"),
    ]  # fmt: skip
    assert len(sink.journal.cases()) == 1
    sink.rest()
    assert len(receiver.requests) == 1, "the document is still locked"
    clock.now += 60
    sink.rest()
    assert len(receiver.requests) == 2
    assert two.encode() in receiver.requests[1]
    assert one.encode() not in receiver.requests[1]
    # Locked again: twice the pause.
    brought(sink, said(3, "REFUSED", two, "LOCKED"))
    clock.now += 119
    sink.rest()
    assert len(receiver.requests) == 2
    clock.now += 10
    sink.rest()
    assert len(receiver.requests) == 3


def test_what_is_not_confirmed_goes_out_again_also_while_no_block_comes(
    receiver: Receiver, sink: SapMdusSink, clock: Time
) -> None:
    brought(sink, determinant(0))
    sink.rest()
    clock.now += 61
    sink.rest()
    assert receiver.requests == [receiver.requests[0]] * 2


def test_refusals_by_a_fault_are_counted_anew_after_a_message_that_is_taken(
    receiver: Receiver, sink: SapMdusSink
) -> None:
    for turn in range(2):
        receiver.unknown = {"SmartMeter"}
        brought(sink, *(determinant(20 * turn + offset, 20 * turn + 1 + offset) for offset in range(MOST_IN_A_ROW)))
        receiver.unknown = set()
        brought(sink, determinant(20 * turn + 15, 20 * turn + 16))
    assert len(sink.journal.refused()) == 2 * MOST_IN_A_ROW
