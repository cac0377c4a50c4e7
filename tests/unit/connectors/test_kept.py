"""Which rejects are offered again, by what a frame went through, and how they are written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.gather.gatherer import Aside, Gathered, Gatherer
from connectors.gather.outlet import frames_records
from connectors.kept import tries as tries_module
from connectors.kept.rejected import Choice, Rejected
from connectors.kept.tries import Tries
from connectors.kept.writer import Clock, Offered, write_again
from pipeline.codes import REJECT_CODES
from pipeline.errors import ContractError, Transient
from pipeline.reference import FOREVER
from pipeline.retry import MOST_TRIES, RETRIES, Retry, by_itself, marked, retry_of, times_in, times_of
from pipeline.step import Origin
from pipeline.wire import read_frames
from schemas.load import load_contracts
from tests.unit.connectors.test_gather import TITLE, glo, registry
from tests.unit.connectors.test_gather_readings import frame as reading_frame

KNOWN = registry([(TITLE + number, number, 0, int(FOREVER)) for number in range(1, 60)])


def frame(number: int, counter: int = 1) -> bytes:
    return glo(TITLE + number, b"\x30" + counter.to_bytes(4, "big") + bytes(20))


def reject(number: int = 1, code: str = "KEY_UNKNOWN", *, times: int = 0, offset: int = 0, **other: Any) -> Rejected:
    record = {
        "stage": "decode", "code": code, "parked": False, "topic": "frames", "partition": 2,
        "offset": offset, "frame": 0, "service_point": number, "device": f"{TITLE + number:016X}",
        "received_at": 1000 + number, "time": None,
        "detail": "no key" + marked(times), "raw": frame(number), "source_topic_id": "log", "source_partition": 2,
        "source_offset": offset, "source_index": 0,
    }  # fmt: skip
    return Rejected("rejects", 0, offset, record | other)


def due(*rejects: Rejected, choice: Choice | None = None, **limits: int) -> tuple[list[Rejected], dict[str, int]]:
    tries = Tries(choice or Choice(), **limits)
    for one in rejects:
        tries.see(one)
    found = tries.due()
    return found, dict(tries.left)


@given(st.integers(0, 999_999), st.text(max_size=30))
def test_a_mark_is_read_as_it_was_written(times: int, detail: str) -> None:
    assert times_in(detail.replace(";", "") + marked(times)) == times


def test_every_code_that_waits_for_something_is_a_reject_code() -> None:
    assert set(RETRIES) <= {row.code for row in REJECT_CODES}
    assert Retry.NEVER not in RETRIES.values()
    # What is parked flows on by itself.
    assert all(by_itself(row.code) for row in REJECT_CODES if row.parked)


def test_references_are_one_a_frame_or_the_record_is_refused() -> None:
    row = {"kind": "requeued", "value": b"2"}
    assert times_of([], 3) is None
    assert times_of([{"kind": "edit", "value": b"x"}], 3) is None
    assert np.array_equal(times_of([row, row], 2), [2, 2])  # type: ignore[arg-type]
    for rows, frames in (([row], 2), ([row, row], 1), ([{**row, "value": b"-1"}], 1), ([{**row, "value": b""}], 1)):
        with pytest.raises(ContractError, match="REQUEUED_MISFIT"):
            times_of(rows, frames)


@pytest.mark.parametrize("code", [row.code for row in REJECT_CODES])
def test_a_code_is_offered_as_its_row_says(code: str) -> None:
    if code == "COUNTER_DUPLICATE":
        return
    alone, _ = due(reject(code=code))
    named, _ = due(reject(code=code), choice=Choice(codes=frozenset({code})))
    assert bool(alone) == by_itself(code)
    assert bool(named) == (retry_of(code) is not Retry.NEVER)


def test_the_newest_reject_of_a_frame_decides() -> None:
    first, second = reject(), reject(code="DATA_MALFORMED", times=1, offset=9)
    assert due(second, first) == ([], {tries_module.ONLY_NAMED: 1})
    assert due(first, second, choice=Choice(codes=frozenset({"KEY_UNKNOWN"}))) == ([], {})
    assert due(first, second, choice=Choice(codes=frozenset({"DATA_MALFORMED"})))[0] == [second]


def test_a_frame_of_which_a_copy_was_dropped_has_been_used() -> None:
    assert due(reject(), reject(code="COUNTER_DUPLICATE", times=1, offset=3)) == ([], {tries_module.USED: 1})
    other = reject(2, code="COUNTER_DUPLICATE", times=1, offset=3)
    assert due(reject(), other)[0] == [reject()]


def test_copies_of_a_frame_are_offered_once() -> None:
    assert due(reject(), reject(offset=4), reject(offset=5))[0] == [reject(offset=5)]


def test_it_is_offered_so_often_and_no_more() -> None:
    for times in range(MOST_TRIES + 2):
        found, left = due(reject(times=times))
        assert (bool(found), left) == ((True, {}) if times < MOST_TRIES else (False, {tries_module.TRIED: 1}))
    assert due(reject(times=MOST_TRIES), most_tries=MOST_TRIES + 1)[0]


def test_what_has_not_all_octets_is_left() -> None:
    for raw, time in ((b"", None), (bytes(65_536), None), (frame(1), 99)):
        assert due(reject(raw=raw, time=time)) == ([], {tries_module.NOT_WHOLE: 1})


def test_frames_are_offered_as_they_came_and_beyond_the_limit_they_wait() -> None:
    rejects = [reject(number) for number in (5, 3, 4, 9)]
    assert [one.record["received_at"] for one in due(*rejects)[0]] == [1003, 1004, 1005, 1009]
    found, left = due(*rejects, most_frames=3)
    assert (len(found), left) == (3, {tries_module.BEYOND: 1})


@pytest.mark.parametrize(
    ("choice", "numbers"),
    [
        (Choice(devices=frozenset({TITLE + 3})), [3]),
        (Choice(points=frozenset({2, 4})), [2, 4]),
        (Choice(since=1002, until=1004), [2, 3]),
        (Choice(stages=frozenset({"vee"})), []),
        (Choice(origins=frozenset({("frames", None)})), [1, 2, 3, 4]),
        (Choice(origins=frozenset({("frames", 2)})), [1, 2, 3, 4]),
        (Choice(origins=frozenset({("frames", 1), ("push", None)})), []),
        (Choice(names=frozenset({"decode-2-3-0"})), [3]),
    ],
)
def test_a_choice_takes_what_it_names(choice: Choice, numbers: list[int]) -> None:
    found, _ = due(*(reject(number, offset=number) for number in (1, 2, 3, 4)), choice=choice)
    assert [one.record["service_point"] for one in found] == numbers


def test_a_frame_is_meant_by_the_name_of_any_of_its_rejects() -> None:
    first, second = reject(offset=1), reject(times=1, offset=7)
    assert due(first, second, choice=Choice(names=frozenset({first.name})))[0] == [second]


def test_a_reject_from_no_log_is_named_by_its_place() -> None:
    fields = {"stage": "connector", "source_offset": -1, "source_partition": -1}
    assert reject(offset=8, **fields).name == "connector@0-8"


class Broker:
    """An outlet that keeps what it is given, and takes it at once, or never."""

    def __init__(self, *, away: bool = False) -> None:
        self.waiting_octets = 0
        self.sent: list[Gathered] = []
        self._away = away

    def send(self, gathered: Gathered, done: Callable[[], None]) -> None:
        self.sent.append(gathered)
        self.waiting_octets = int(self._away)
        done()

    def poll(self) -> None:
        pass


class Time:
    def __init__(self) -> None:
        self.at = 0.0

    def clock(self) -> Clock:
        return Clock(lambda: self.at, self.sleep)

    def sleep(self, secs: float) -> None:
        self.at += secs


def test_frames_are_written_with_their_first_time_their_origin_and_their_count() -> None:
    rejects = [reject(number, times=number % 3, offset=number) for number in range(1, 50)] + [reject(77)]
    broker, time, told = Broker(), Time(), []
    done = write_again(rejects, Gatherer(KNOWN, 4), broker, 10, lambda at: told.append(at.frames), time.clock())
    assert (done.frames, done.unresolved, told[-1]) == (49, 1, 49)
    assert time.at >= 4.0
    contracts, seen = load_contracts(), {}
    for gathered in broker.sent:
        assert gathered.aside == []
        for partition, batch in gathered.batches.items():
            place = 0
            for value in frames_records(contracts, batch, gathered.again[partition]):
                parcel = read_frames(contracts, value, Origin("t", partition, 0))
                references = contracts.decode(value, "FrameBatch")["references"]
                for item, times in enumerate(parcel.requeued.tolist()):  # type: ignore[union-attr]
                    number = int(batch.device[place]) - TITLE
                    seen[number] = (times, int(batch.received_at[place]), references[item]["offset"])
                    place += 1
    assert seen == {number: (number % 3 + 1, 1000 + number, number) for number in range(1, 50)}


def test_a_broker_that_takes_nothing_is_not_waited_for_for_ever() -> None:
    with pytest.raises(Transient, match="FRAMES_NOT_TAKEN"):
        write_again([reject()], Gatherer(KNOWN, 4), Broker(away=True), 10, lambda _: None, Time().clock())


def test_large_cuts_are_split_with_their_origins() -> None:
    gatherer, contracts = Gatherer(KNOWN, 1), load_contracts()
    rejects = [reject(number % 50 + 1, times=number, offset=number) for number in range(9_000)]
    for one in rejects:
        gatherer.add_one(one.raw, 1, one.device, one.reference())
    gathered = gatherer.cut()
    values = list(frames_records(contracts, gathered.batches[0], gathered.again[0]))
    assert len(values) > 1
    assert max(map(len, values)) < 1_000_000
    parcels = [read_frames(contracts, value, Origin("t", 0, 0)) for value in values]
    assert np.concatenate([parcel.requeued for parcel in parcels]).tolist() == list(range(1, 9_001))


def test_frames_that_are_offered_again_do_not_mix_with_others() -> None:
    gatherer = Gatherer(KNOWN, 1)
    gatherer.add_one(frame(1), 5)
    with pytest.raises(ValueError, match="records of their own"):
        gatherer.add_one(frame(2), 5, 0, reject(2).reference())
    gatherer.cut()
    gatherer.add_one(frame(2), 5, 0, reject(2).reference())
    with pytest.raises(ValueError, match="records of their own"):
        gatherer.add_one(frame(1), 5)


def test_what_is_put_aside_again_keeps_the_places_of_the_others() -> None:
    gatherer = Gatherer(KNOWN, 1)
    for number in (1, 77, 2):
        gatherer.add_one(frame(number), 5, 0, reject(number, offset=number).reference())
    gathered = gatherer.cut()
    assert [type(one) for one in gathered.aside] == [Aside]
    assert [reference.offset for reference in gathered.again[0]] == [1, 2]


def test_offered_counts_from_nothing() -> None:
    assert write_again([], Gatherer(KNOWN, 1), Broker(), 10, lambda _: None, Time().clock()) == Offered()


def test_readings_are_offered_again_when_a_stage_refused_them_and_never_when_a_connector_did() -> None:
    chosen = Choice(codes=frozenset({"NOT_LINKED", "POISON", "FRAME_UNREADABLE", "DEVICE_UNKNOWN"}))
    readings = reading_frame(1_751_351_400, device=TITLE + 1)
    forged = {"stage": "connector", "frame": -1, "raw": readings}
    for stage, code in (("decode", "NOT_LINKED"), ("worker", "POISON")):
        one = reject(1, code, stage=stage, raw=readings)
        assert due(one, choice=chosen) == ([one], {})
        # A copy of its octets that a connector refused takes nothing from it.
        assert due(one, reject(1, "FRAME_UNREADABLE", offset=9, **forged), choice=chosen)[0] == [one]
    for code in ("FRAME_UNREADABLE", "DEVICE_UNKNOWN"):
        assert due(reject(1, code, **forged), choice=chosen) == ([], {tries_module.UNFOUNDED: 1})
    whole_record = reject(0, "POISON", stage="worker", frame=-1, device="", raw=readings)
    assert due(whole_record, choice=chosen) == ([], {tries_module.UNFOUNDED: 1})
    assert due(reject(1, "FRAME_UNREADABLE", stage="connector", frame=-1), choice=chosen)[0] != []


def test_what_this_run_could_not_offer_takes_no_room() -> None:
    others = [
        *(reject(number, "DATA_MALFORMED") for number in (10, 11)),  # a person's
        *(reject(number, "COUNTER_REPLAYED") for number in (12, 13)),  # never
        reject(14, times=MOST_TRIES),
    ]
    found, left = due(*others, reject(3), most_frames=1)
    assert (found, tries_module.BEYOND in left) == ([reject(3)], False)
    assert left == {tries_module.ONLY_NAMED: 2, tries_module.NEVER: 2, tries_module.TRIED: 1}
    for choice in (
        Choice(devices=frozenset({TITLE + 3})),
        Choice(since=1003, until=1004),
        Choice(origins=frozenset({("push", None)})),
        Choice(names=frozenset({"decode-2-3-0"})),
    ):
        rejects = [reject(number, offset=number, topic="push" if number == 3 else "frames") for number in (1, 2, 3, 4)]
        assert due(*rejects, choice=choice, most_frames=1) == ([rejects[2]], {})


def test_octets_are_bounded_and_the_rest_waits() -> None:
    rejects = [reject(number, offset=number) for number in range(1, 6)]
    octets = len(rejects[0].raw)
    found, left = due(*rejects, most_octets=3 * octets + 1)
    assert (found, left) == (rejects[:3], {tries_module.BEYOND: 2})
    # What is kept already is brought up to date though there is no more room.
    again = reject(2, times=1, offset=9)
    assert again in due(*rejects, again, most_octets=3 * octets)[0]


@pytest.mark.parametrize("code", ["DATA_MALFORMED", "COUNTER_REPLAYED", "KEY_UNKNOWN"])
def test_a_later_reject_that_is_not_for_this_run_holds_its_frame_back_whichever_is_read_first(code: str) -> None:
    first, last = reject(), reject(code=code, times=MOST_TRIES, offset=9)
    other_origin = reject(code=code, times=1, offset=9, partition=3)
    for order in ((first, last), (last, first)):
        assert due(*order)[0] == []
    for order in ((first, other_origin), (other_origin, first)):
        assert due(*order, choice=Choice(origins=frozenset({("frames", 2)}))) == ([], {})
