"""The case of day profiles: what counts as a reading, and what its costs are told by."""

from __future__ import annotations

import numpy as np

from bench.case import Load, read_case
from bench.experiments.profiles import costs, readings_of
from bench.throughput.drain import Drained
from bench.throughput.watch import Moment
from bench.truth.sent import sent_by


def test_readings_are_those_of_the_measured_days_that_came_and_can_be_read() -> None:
    load = Load(meters=5_000, frames=5_001, rows=48)
    sent = sent_by(load.plan(1), load.numbers, np.arange(load.meters))
    assert load.sendings == 3
    assert readings_of(load) == int(sent.good[48:].sum()) < 2 * 48 * load.meters


def moment(at: float, cpu: float, state: int) -> Moment:
    return Moment(at, {}, 0, {"worker.metering": cpu, "broker": 2 * cpu}, 0.0, state, {}, {})


def test_costs_are_those_of_the_span_a_reading_and_a_frame() -> None:
    drained = Drained(100, [moment(0, 1.0, 500), moment(9, 2.0, 5300)], "")
    told = costs(drained, 4800)
    assert told["cpu_ns_per_reading"] == {"worker": 208_333.3, "broker": 416_666.7, "together": 625_000.0}
    assert told["cpu_us_per_frame"]["together"] == 30_000
    assert told["readings_per_cpu_s"] == 1600
    assert told["state_bytes_per_reading"] == 1.0


def test_the_case_is_of_whole_days_on_two_cpus() -> None:
    case = read_case("profiles")
    assert (case.load.rows, case.cpus, case.gate, case.goal) == (48, 2, 1_500_000, 4_000_000)
    assert readings_of(case.load.model_copy(update={"meters": 1000, "frames": 2000})) > 94_000
    assert case.load.plan(4).rows == 48
