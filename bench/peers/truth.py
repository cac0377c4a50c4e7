"""What must have come out of a peer: the rules and registers of `bench.naive.checks` over the generator's truth.

Whole fleets at once in numpy, an interval after the other: the peers' own way is a meter at a time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.naive.checks import DAY_SECS, INTERVAL_SECS, IST_SECS, LIMIT_WH, SPIKE_FLOOR_WH, ZONES
from connectors.simulator.burst import BurstPlan, burst_keys
from connectors.simulator.burst_truth import burst_fault, burst_sent
from connectors.simulator.faults import Fault
from pipeline.columns import Array

ENERGIES = 4

RECORD = np.dtype([("title", ">u8"), ("counter", ">u4"), ("stamp", ">i8"), ("energy", ">i8", (4,)), ("rules", "u1")])
"""A record of the topic of readings."""

STATE = np.dtype([("counter", ">u4"), ("last", ">i8", (4,)), ("highest", ">i8"), ("zones", ">i8", (4,)),
                  ("demand", ">i8")])  # fmt: skip
"""A meter's state in a peer's store."""

UNREADABLE = [int(fault) for fault in (Fault.CORRUPT, Fault.WRONG_KEY, Fault.TRUNCATED)]


@dataclass
class Expected:
    """titles: u64 (meters,). readings: RECORD (n,). states: STATE (meters,) with counter 0 where there is none."""

    titles: Array
    readings: Array
    states: Array
    doubled: int
    unreadable: int

    @property
    def frames(self) -> int:
        """How many were sent."""
        return len(self.readings) + self.doubled + self.unreadable


def expected(plan: BurstPlan, intervals: range) -> Expected:
    """Of all meters of a plan."""
    meters = np.arange(plan.meters)
    titles = burst_keys(plan).device
    states = np.zeros(plan.meters, STATE)
    readings, doubled, unreadable = [], 0, 0
    for interval in intervals:
        fault = burst_fault(plan, meters, interval)
        doubled += int((fault == int(Fault.DUPLICATE)).sum())
        unreadable += int(np.isin(fault, UNREADABLE).sum())
        there = ~np.isin(fault, [*UNREADABLE, int(Fault.MISSING)])
        sent = burst_sent(plan, meters, interval)
        rules = _rules(sent, states)
        record = np.zeros(plan.meters, RECORD)
        record["title"], record["counter"], record["stamp"] = titles, interval, plan.end_of(interval)
        record["energy"], record["rules"] = sent, rules
        readings.append(record[there])
        _register(states, there, sent, interval, plan.end_of(interval))
    return Expected(titles, np.concatenate(readings), states, doubled, unreadable)


def _rules(sent: Array, states: Array) -> Array:
    wh, highest = sent[:, 0], states["highest"].astype(np.int64)
    rules = np.where((sent < 0).any(axis=1), 1, 0) | np.where((sent > LIMIT_WH).any(axis=1), 2, 0)
    rules |= np.where((highest != 0) & (wh > SPIKE_FLOOR_WH) & (100 * (wh - highest) > 180 * highest), 4, 0)
    same: Array = (states["counter"] != 0) & (states["last"] == sent).all(axis=1)
    return rules | np.where(same, 8, 0)


def _register(states: Array, there: Array, sent: Array, interval: int, stamp: int) -> None:
    wh = sent[there, 0]
    states["counter"][there], states["last"][there] = interval, sent[there]
    states["highest"][there] = np.maximum(states["highest"][there], wh)
    zone = ZONES[(stamp - INTERVAL_SECS + IST_SECS) % DAY_SECS // 3600]
    states["zones"][there, zone] += wh
    states["demand"][there] = np.maximum(states["demand"][there], 2 * wh)
