"""The latency bench's own rules: when frames are due, what is joined with what, and how percentiles are taken."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.case import OPENING, Case, read_case
from bench.latency import figures, join
from bench.latency.blocks import Blocks, read_blocks
from bench.latency.figures import NEVER_SECS, Busy, by_second, costs, latency, percentile, percentiles, window
from bench.latency.join import NOWHERE, READING, REFUSED, Pushed, Rows, Way, matched
from bench.latency.push import MQTT_EVERY, Sent, keys_of, made_of, over_mqtt
from bench.latency.schedule import Schedule
from bench.latency.setting import MIDNIGHT, Offered
from bench.latency.trace import Logged, Made
from connectors.gather.kernels import WRAPPER_OCTETS
from connectors.simulator.burst import Burst, BurstBuffers, BurstPlan
from connectors.simulator.burst_kernel import TITLE_HEAD, title_of
from pipeline.columns import Array

TOPICS = ("readings", "rejects")


def of(*values: float) -> Array:
    return np.array(values)


def whole(*values: int) -> Array:
    return np.array(values, np.int64)


# ------------------------------------------------------------------------------------------------ schedule


def test_frames_are_due_evenly_whatever_becomes_of_those_before() -> None:
    schedule = Schedule(1_000.0, 60_000)
    assert np.diff(schedule.all_due(5)) == pytest.approx(0.001)
    assert schedule.due(1_000) == 1.0
    assert schedule.seconds == 60.0


def test_a_third_is_warm_up_and_never_more_than_half_a_minute() -> None:
    assert Schedule(1_000.0, 12_000).warm_secs == pytest.approx(4.0)
    assert Schedule(1_000.0, 200_000).warm_secs == 30.0


def test_frames_of_a_few_milliseconds_leave_together_and_few_frames_singly() -> None:
    assert Schedule(100_000.0, 1).batch == 500
    assert Schedule(10.0, 1).batch == 1


def test_the_midnight_lies_before_everything_that_is_pushed() -> None:
    load = Offered(meters=100, frames=900)
    assert load.numbers[:OPENING] == range(MIDNIGHT, MIDNIGHT + 1)
    assert load.numbers == range(MIDNIGHT, MIDNIGHT + 10)
    assert load.plan(1).first == load.first


def measured_secs(case: Case) -> float:
    schedule = Schedule(case.load.rate, case.load.frames)
    return schedule.seconds - schedule.warm_secs


@pytest.mark.parametrize("name", ["latency", "latency-quiet"])
def test_the_cases_measure_a_minute_at_least_and_push_whole_intervals(name: str) -> None:
    case = read_case(name)
    assert measured_secs(case) >= 60
    assert case.load.frames % case.load.meters == 0


# ------------------------------------------------------------------------------------------------ what is sent


def test_a_batch_is_a_stream_of_frames_with_their_headers_and_messages_of_the_meters_over_mqtt() -> None:
    plan = BurstPlan(2 * MQTT_EVERY, 1, faults=True)
    buffers, burst = BurstBuffers(1, 3 * MQTT_EVERY), Burst(plan)
    room = np.empty(4 * MQTT_EVERY * 200, np.uint8)
    (frames,) = [frames for _, frames in burst.batches(3, buffers)]
    batch = made_of(7, 3, frames, room)
    burst.close()
    wireless = over_mqtt(frames.device)
    assert 1 <= len(batch.messages) == wireless.sum() <= 4
    assert len(batch.stream) == int((frames.length[~wireless] + WRAPPER_OCTETS).sum())
    assert batch.keys.tolist() == keys_of(frames.device, 3).tolist()
    for topic, frame in batch.messages:
        title = int(topic.split("/")[1], 16)
        assert frame[2:10] == title.to_bytes(8, "big"), "its own octets, also behind frames of other lengths"


def test_what_left_together_has_one_time_and_stays_in_order() -> None:
    sent = Sent(begin=100.0)
    sent.add(whole(5, 6), 0.25)
    sent.add(whole(7), 0.5)
    assert sent.count == 3
    assert sent.keys.tolist() == [5, 6, 7]
    assert sent.sent.tolist() == [0.25, 0.25, 0.5]


def test_no_sent_frame_is_an_empty_run() -> None:
    assert Sent().keys.tolist() == []


def test_a_key_tells_meters_and_intervals_apart() -> None:
    keys = keys_of(np.repeat(title_of(np.arange(3)), 2), np.tile(whole(1, 2), 3))
    assert len(set(keys.tolist())) == 6
    assert keys_of(np.array([TITLE_HEAD]), 4).tolist() == [4]


# ------------------------------------------------------------------------------------------------ joining


def test_duplicates_are_matched_in_their_order() -> None:
    assert matched(whole(5, 3, 3, 9), whole(3, 3, 5)).tolist() == [2, 0, 1, -1]
    assert matched(whole(3, 3), whole(3)).tolist() == [0, -1]
    assert matched(whole(1), whole()).tolist() == [-1]


def test_a_block_shows_the_records_up_to_its_last() -> None:
    blocks = Blocks()
    blocks.add("readings", 10, [(0, 0, 4), (1, 0, 2)], 50.0)
    blocks.add("readings", 10, [(0, 5, 9)], 60.0)
    found = blocks.visible("readings", whole(0, 0, 0, 1, 1, 2), whole(4, 5, 10, 2, 3, 0))
    assert found.tolist() == [50.0, 60.0, np.inf, 50.0, np.inf, np.inf]
    assert blocks.visible("rejects", whole(0), whole(0)).tolist() == [np.inf]


def test_the_sinks_log_says_which_records_can_be_read(tmp_path: Path) -> None:
    log = tmp_path / "sink.log"
    log.write_text(
        'a line of another\n{"event": "warehouse away", "level": "warning"}\n'
        '{"event": "block written", "parts": [[3, 0, 7]], "rows": 12, "timestamp": "2026-01-02T00:00:00.500000Z", '
        '"topic": "readings"}\n'
    )
    blocks = read_blocks(log)
    assert blocks.visible("readings", whole(3), whole(7)).tolist() == [1_767_312_000.5]
    assert blocks.written == [("readings", 12, 1_767_312_000.5)]


def a_run() -> Way:
    """Five frames in two records: a reading, a reading of the next record, one refused, one without a row, one lost."""
    logged = Logged(
        partition=whole(2, 2), offset=whole(10, 11), at=of(1.2, 2.2), first=whole(0, 3, 4), keys=whole(1, 2, 3, 4)
    )
    readings = Made(whole(2, 2), whole(20, 21), of(1.5, 2.5), whole(2, 2), whole(10, 11), whole(-1, -1))
    rejects = Made(whole(0), whole(90), of(1.4), whole(2), whole(10), whole(1))
    blocks = Blocks()
    blocks.add("readings", 1, [(2, 20, 20)], 3.0)
    blocks.add("readings", 1, [(2, 21, 21)], 4.0)
    blocks.add("rejects", 1, [(0, 90, 90)], 3.5)
    rows = Rows(whole(2, 2, 7), whole(10, 11, 10), whole(0, 0, 0))
    pushed = Pushed(whole(1, 4, 2, 3, 5), of(1.0, 2.0, 1.0, 1.0, 1.0), of(1.1, 2.1, 1.1, 1.1, 1.1))
    return join.join(pushed, logged, readings, rejects, rows, blocks, TOPICS)


def test_each_frame_is_visible_with_the_block_of_its_own_row() -> None:
    way = a_run()
    assert way.kind.tolist() == [READING, READING, REFUSED, NOWHERE, NOWHERE]
    assert way.seconds.tolist() == [2.0, 2.0, 2.5, np.inf, np.inf]
    assert way.logged.tolist() == [1.2, 2.2, 1.2, 1.2, np.inf]
    assert way.made.tolist() == [1.5, 2.5, 1.4, np.inf, np.inf]


def test_a_record_in_a_block_without_a_row_in_the_warehouse_is_not_visible() -> None:
    """Frame 2 of the first record lies in a block that was written, and has no row."""
    assert a_run().seconds[3] == np.inf


def test_a_frame_without_a_row_is_late_for_ever_and_counted() -> None:
    way = a_run()
    said = latency(way, np.ones(5, np.bool_))
    assert said["became"] == {"readings": 2, "rejects": 1, "nothing": 2, "never_visible": 2}
    assert said["latency"] == {"p50_s": 2.5, "p90_s": NEVER_SECS, "p99_s": NEVER_SECS, "p999_s": NEVER_SECS,
                               "most_s": NEVER_SECS}  # fmt: skip


# ------------------------------------------------------------------------------------------------ percentiles


def test_a_percentile_is_the_smallest_value_that_so_many_do_not_pass() -> None:
    ordered = np.arange(1, 201) / 100
    assert [percentile(ordered, share) for share in (0.5, 0.9, 0.99, 0.999, 1.0)] == [1.0, 1.8, 1.98, 2.0, 2.0]
    assert percentile(of(7.0), 0.5) == 7.0
    assert percentile(of(), 0.5) == NEVER_SECS


def test_one_frame_of_a_hundred_that_never_comes_is_the_most_and_not_yet_the_99th() -> None:
    found = percentiles(np.append(np.full(99, 0.25), np.inf))
    assert found == {"p50_s": 0.25, "p90_s": 0.25, "p99_s": 0.25, "p999_s": NEVER_SECS, "most_s": NEVER_SECS}


def test_the_measured_span_is_chosen_by_when_frames_were_due_not_by_when_they_left() -> None:
    way = a_run()
    assert window(way, 1.0, 0.5).tolist() == [False, True, False, False, False]


def test_hops_add_up_for_a_single_frame() -> None:
    way = a_run()
    hops = figures.hops(way, np.array([True, False, False, False, False]))
    assert sum(hop["p50_s"] for hop in hops.values()) == pytest.approx(2.0)
    assert hops["due to sent"]["p50_s"] == pytest.approx(0.1)


def test_seconds_without_a_frame_have_no_figures_of_others() -> None:
    due = of(0.1, 0.9, 2.5)
    way = Way(due, due, due, due, due + of(1.0, 3.0, 0.5), np.zeros(3, np.uint8))
    found = by_second(way, 0.0)
    assert [(row["at"], row["frames"], row["p50_s"], row["p99_s"]) for row in found] == [
        (0, 2, 1.0, 3.0), (1, 0, NEVER_SECS, NEVER_SECS), (2, 1, 0.5, 0.5)
    ]  # fmt: skip


def test_a_parts_cpu_is_what_it_used_between_the_two_looks() -> None:
    first = Busy(30.0, {"sink": 4.0, "generator": 1.0}, 100.0)
    said = costs(first, Busy(50.0, {"sink": 14.0, "generator": 3.0}, 115.0), 1_000_000)
    assert said["cpu_busy"] == {"sink": 0.5, "generator": 0.1}
    assert said["cpu_us_per_frame"] == {"sink": 10.0, "generator": 2.0, "together": 12.0}
    assert said["cpu_used_by_others"] == 0.2


def test_the_gates_are_those_of_the_table() -> None:
    busy, quiet = read_case("latency"), read_case("latency-quiet")
    assert [(case.gate, case.goal, case.better) for case in (busy, quiet)] == [(2, 1, "less")] * 2
    assert (busy.also, quiet.load.rate) == ({"p50_s": 0.3}, 1_000)
