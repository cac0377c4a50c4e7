"""Statements about service points among frames of meters: who may hand them on, and where they go."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from connectors.gather.config import GatherOptions
from connectors.gather.gatherer import FRAME_LIMIT, Gatherer
from connectors.gather.links import devices_at
from connectors.gather.pump import Pump
from connectors.gather.statements import Outcome, hand_on
from connectors.kept.rejected import Rejected
from pipeline.codes import REJECT_NUMBER
from pipeline.lookup import partitions_of
from pipeline.reference import FOREVER, Registry
from pipeline.statement_frames import MOST_ROWS, ROW, Statement, StatementFrame, read_statement_frame
from pipeline.wire import Reference
from tests.unit.connectors.test_gather import TITLE, glo, registry, wrapped
from tests.unit.connectors.test_push import MemoryOutlet

T0 = 1_751_351_400
EMPTY_POINT = 99


def known() -> Registry:
    """Device TITLE at point 7, then at 8, where TITLE + 1 follows; a point without a meter."""
    found = registry([(TITLE, 7, 0, T0), (TITLE, 8, T0, T0 + 9000), (TITLE + 1, 8, T0 + 9000, int(FOREVER))])
    for column in Registry.COLUMNS:
        if column.section == "point":
            setattr(found, column.name, column.empty(3))
    found.point[:] = (7, 8, EMPTY_POINT)
    return found


def outage(point: int, number: int = 1, said_at: int = T0 + 9000, rows: int = 1) -> StatementFrame:
    made = np.zeros(rows, ROW)
    made["start"], made["secs"] = T0 + 3600 * np.arange(rows), 3600
    return StatementFrame(Statement.OUTAGE, point, number, said_at, made, "o-1", "control room", "feeder tripped")


@pytest.mark.parametrize("raw", [outage(8).octets(), wrapped(outage(8).octets()), outage(8).octets()[:40]])
@pytest.mark.parametrize("decoded", [False, True])
def test_nothing_that_comes_from_a_meter_is_taken_for_a_statement(raw: bytes, decoded: bool) -> None:
    gatherer = Gatherer(known(), 4, decoded=decoded)
    gatherer.add_one(raw, T0, TITLE)
    gathered = gatherer.cut()
    assert gathered.frames == 0
    assert [aside.number for aside in gathered.aside] == [REJECT_NUMBER["FRAME_UNREADABLE"]]


@pytest.mark.parametrize("raw", [wrapped(outage(8).octets()), outage(8).octets()[:40], b"S"])
def test_a_frame_that_is_none_is_refused_where_they_are_taken_too(raw: bytes) -> None:
    gatherer = Gatherer(known(), 4, stated=True)
    gatherer.add_one(raw, T0, TITLE)
    assert [aside.number for aside in gatherer.cut().aside] == [REJECT_NUMBER["FRAME_UNREADABLE"]]


def test_a_statement_goes_to_the_partition_of_its_point_whatever_device_it_comes_with() -> None:
    gatherer = Gatherer(known(), 16, stated=True)
    long = outage(7, rows=MOST_ROWS)
    assert len(long.octets()) > FRAME_LIMIT
    for hint in (0, TITLE, TITLE + 5):
        gatherer.add_one(long.octets(), T0 + 9000, hint)
    gatherer.add_one(glo(TITLE + 1), T0 + 9000)
    gathered = gatherer.cut()
    assert gathered.aside == []
    wanted = partitions_of(np.array([7, 8], np.uint64), 16).tolist()
    rows = {number: list(zip(batch.service_point.tolist(), batch.device.tolist(), strict=True))
            for number, batch in gathered.batches.items()}  # fmt: skip
    expected: dict[int, list[tuple[int, int]]] = {}
    for place, made in ((0, (7, 0)), (0, (7, TITLE)), (0, (7, TITLE + 5)), (1, (8, TITLE + 1))):
        expected.setdefault(wanted[place], []).append(made)
    assert rows == expected
    batch = gathered.batches[wanted[0]]
    assert read_statement_frame(bytes(batch.payload[: batch.length[0]])).rows.tobytes() == long.rows.tobytes()


def test_a_statement_that_is_offered_again_and_whose_point_is_gone_is_not_parked() -> None:
    gatherer = Gatherer(known(), 4, stated=True)
    was = Reference("requeued", "rejects", 0, 41, b"", b"")
    gatherer.add_one(outage(555).octets(), T0, TITLE, was)
    gatherer.add_one(outage(8).octets(), T0, TITLE, was)
    gathered = gatherer.cut()
    assert (gathered.frames, list(gathered.again.values())) == (1, [(was,)])
    (aside,) = gathered.aside
    assert (aside.parked, "555" in aside.detail, aside.raw) == (False, True, outage(555).octets())


def test_the_device_is_the_one_that_stood_there() -> None:
    points = np.array([7, 8, 8, EMPTY_POINT, 1], np.uint64)
    moments = np.array([0, T0, T0 + 9000, T0, T0], np.int64)
    assert devices_at(points, moments, known()).tolist() == [TITLE, TITLE, TITLE + 1, 0, 0]
    assert devices_at(points, moments, registry([])).tolist() == [0] * 5


def test_who_hands_statements_on_is_told_what_became_of_each_and_when_they_are_safe() -> None:
    async def scenario() -> None:
        outlet = MemoryOutlet()
        outlet.hold = True
        pump = Pump(known(), 4, outlet, GatherOptions(batch_age_ms=1), lambda: T0, stated=True)
        stop, safe = asyncio.Event(), asyncio.Event()
        running = asyncio.ensure_future(pump.run(stop))
        outcomes = hand_on(pump, [outage(8), outage(4711), outage(EMPTY_POINT), outage(7)], safe.set)
        assert outcomes == [Outcome.HANDED_ON, Outcome.POINT_UNKNOWN, Outcome.METER_NEVER, Outcome.HANDED_ON]
        await asyncio.sleep(0.05)
        assert not safe.is_set()
        outlet.hold = False
        await asyncio.wait_for(safe.wait(), 5)
        nothing = asyncio.Event()
        assert hand_on(pump, [outage(4711)], nothing.set) == [Outcome.POINT_UNKNOWN]
        await asyncio.wait_for(nothing.wait(), 5)
        stop.set()
        await running
        assert sorted(outlet.frames) == sorted([outage(8).octets(), outage(7).octets()])
        assert outlet.aside == []

    asyncio.run(scenario())


@pytest.mark.parametrize(("stage", "frame", "unfounded"), [("connector", -1, True), ("decode", 3, False)])
def test_what_a_meter_sent_in_the_shape_of_a_statement_is_never_offered_again(
    stage: str, frame: int, unfounded: bool
) -> None:
    record = {"stage": stage, "frame": frame, "raw": outage(8).octets()}
    assert Rejected("rejects", 0, 1, record).unfounded is unfounded
