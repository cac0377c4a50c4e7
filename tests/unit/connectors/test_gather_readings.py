"""Frames of a head-end's readings among those of meters: who may hand them on, and where they go."""

from __future__ import annotations

import numpy as np
import pytest

from connectors.gather.aside import reject_record
from connectors.gather.gatherer import FRAME_LIMIT, Aside, Gatherer
from connectors.gather.links import split_readings
from pipeline.codes import REJECT_NUMBER, Flag, Kind
from pipeline.reading_frames import Reading, ReadingFrame, read_reading_frame
from pipeline.reference import FOREVER
from pipeline.wire import Reference
from tests.property.test_reading_frames import octets_of
from tests.unit.connectors.test_gather import TITLE, glo, registry, wrapped


def frame(*times: int, device: int = TITLE, kind: Kind = Kind.BLOCK) -> bytes:
    readings = tuple(Reading(time, Flag(0), {0: time % 1000}, "A", "") for time in times)
    return octets_of(ReadingFrame(kind, device, "ACME", readings))


T0 = 1_751_351_400


@pytest.mark.parametrize("raw", [frame(T0), wrapped(frame(T0)), frame(T0)[:30]])
@pytest.mark.parametrize("hint", [0, TITLE])
def test_nothing_that_comes_from_a_meter_is_taken_for_a_head_ends_readings(raw: bytes, hint: int) -> None:
    gatherer = Gatherer(registry([(TITLE, 7, 0, int(FOREVER))]), 4)
    gatherer.add_one(raw, T0, hint)
    gathered = gatherer.cut()
    assert gathered.frames == 0
    assert [aside.number for aside in gathered.aside] == [REJECT_NUMBER["FRAME_UNREADABLE"]]


@pytest.mark.parametrize("raw", [wrapped(frame(T0)), frame(T0)[:30], b"R", frame(T0, device=0)])
def test_a_frame_that_is_none_is_refused_where_they_are_taken_too(raw: bytes) -> None:
    gatherer = Gatherer(registry([(TITLE, 7, 0, int(FOREVER))]), 4, decoded=True)
    gatherer.add_one(raw, T0)
    assert [aside.number for aside in gatherer.cut().aside] == [REJECT_NUMBER["FRAME_UNREADABLE"]]


def test_the_limit_of_an_apdu_holds_for_meters_alone() -> None:
    long = frame(*range(T0, T0 + 1800 * 300, 1800))
    assert len(long) > FRAME_LIMIT
    gatherer = Gatherer(registry([(TITLE, 7, 0, int(FOREVER))]), 4, decoded=True)
    gatherer.add_one(long, T0)
    gatherer.add_one(glo(TITLE) + bytes(5000), T0)
    gathered = gatherer.cut()
    assert gathered.frames == 1
    assert [aside.number for aside in gathered.aside] == [REJECT_NUMBER["FRAME_TOO_LONG"]]


def test_readings_go_to_where_the_meter_stood_when_they_were_measured() -> None:
    links = [(TITLE, 7, 0, T0), (TITLE, 8, T0, int(FOREVER))]
    gatherer = Gatherer(registry(links), 1, decoded=True)
    for raw in (frame(T0), frame(T0 + 1), frame(T0, kind=Kind.DAILY), glo(TITLE)):
        gatherer.add_one(raw, T0 + 9000)
    (batch,) = gatherer.cut().batches.values()
    # A block's stamp closes its interval; a meter's own frame is of when it comes.
    assert batch.service_point.tolist() == [7, 8, 8, 8]
    assert batch.received_at.tolist() == [T0 + 9000] * 4


def test_what_is_refused_with_a_message_goes_with_its_frames() -> None:
    gatherer = Gatherer(registry([(TITLE, 7, 0, int(FOREVER))]), 4, decoded=True)
    refused = Aside(REJECT_NUMBER["READING_UNREADABLE"], TITLE, T0, b"row", "line 3: why", ("readings-in", 2, 17))
    gatherer.refused.append(refused)
    gatherer.add_one(frame(T0), T0)
    gathered = gatherer.cut()
    assert (gathered.frames, gathered.aside) == (1, [refused])
    assert gatherer.cut().aside == []
    record = reject_record(refused, "messages")
    assert (record["topic"], record["partition"], record["offset"], record["detail"]) == (
        "readings-in", 2, 17, "line 3: why",
    )  # fmt: skip
    assert record["raw"] == b"row"


def test_readings_of_an_unknown_meter_are_parked_whole_and_flow_on() -> None:
    raw = frame(T0, T0 + 1800, device=TITLE + 1)
    gatherer = Gatherer(registry([(TITLE, 7, 0, int(FOREVER))]), 4, decoded=True)
    gatherer.add_one(raw, T0)
    (aside,) = gatherer.cut().aside
    assert (aside.parked, aside.device, aside.raw) == (True, TITLE + 1, raw)
    gatherer.registry = registry([(TITLE + 1, 9, 0, int(FOREVER))])
    gatherer.add_one(aside.raw, T0 + 5, aside.device)
    (batch,) = gatherer.cut().batches.values()
    assert batch.service_point.tolist() == [9]
    assert np.array_equal(batch.payload, np.frombuffer(raw, np.uint8))


def test_a_frame_that_waited_while_its_meter_was_moved_goes_to_both_places() -> None:
    raw = frame(T0 - 1800, T0, T0 + 1800, T0 + 3600, device=TITLE + 1)
    was = Reference("rejects", "parked", 0, 41, b"", b"")
    gatherer = Gatherer(registry([(TITLE, 7, 0, int(FOREVER))]), 1, decoded=True)
    gatherer.registry = registry([(TITLE + 1, 9, 0, T0), (TITLE + 1, 10, T0, int(FOREVER))])
    assert gatherer.add_one(raw, T0 + 5, TITLE + 1, was) == 2
    gathered = gatherer.cut()
    (batch,) = gathered.batches.values()
    assert (batch.service_point.tolist(), gathered.again) == ([9, 10], {0: (was, was)})
    cut = np.split(np.asarray(batch.payload), np.cumsum(batch.length)[:-1])
    said = [read_reading_frame(one.tobytes()) for one in cut]
    assert [[row.time for row in one.readings] for one in said] == [[T0 - 1800, T0], [T0 + 1800, T0 + 3600]]
    whole = read_reading_frame(raw)
    assert sum((one.readings for one in said), ()) == whole.readings
    assert {(one.kind, one.device, one.source) for one in said} == {(whole.kind, whole.device, whole.source)}


@pytest.mark.parametrize("cut", [1, 15, 30, 60])
def test_a_broken_frame_is_not_cut_at_a_move(cut: int) -> None:
    raw = frame(T0 - 1800, T0, T0 + 1800)[:cut]
    assert split_readings(raw, registry([(TITLE, 9, 0, T0), (TITLE, 10, T0, int(FOREVER))])) == [raw]
