"""What the meters of a slice sent, from the generator's formulas (connectors.simulator.burst_truth)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from connectors.simulator import Fault
from connectors.simulator.burst import BurstPlan
from connectors.simulator.burst_kernel import title_of
from connectors.simulator.burst_truth import burst_fault, burst_frame, burst_lag, burst_physical, burst_sent
from connectors.simulator.network import FIRST_ACCOUNT, FIRST_POINT
from pipeline.columns import Array

LOST = (Fault.MISSING, Fault.CORRUPT, Fault.WRONG_KEY, Fault.TRUNCATED)
"""Of these pushes no reading comes."""

REJECTS = {
    Fault.DUPLICATE: "COUNTER_DUPLICATE",
    Fault.CORRUPT: "DECRYPT_FAILED",
    Fault.WRONG_KEY: "DECRYPT_FAILED",
    Fault.TRUNCATED: "FRAME_TRUNCATED",
}
"""What these meet instead."""


@dataclass(frozen=True)
class Sent:
    """m meters over k intervals: energy i64 (k, m, 4), physical i64 (k, m, 2) mV and mA, fault u8 (k, m).

    fault: of the frame that had the interval. lag i64 (k, m): how many intervals later a push is sent. One that is due
    behind the last interval never is.
    """

    plan: BurstPlan
    numbers: range
    meters: Array
    energy: Array
    physical: Array
    fault: Array
    lag: Array

    @cached_property
    def arrival(self) -> Array:
        """Number of the interval at whose end a push is due, i64 (k, m)."""
        arrival: Array = self.lag + np.array(self.numbers)[:, None]
        return arrival

    @property
    def counters(self) -> Array:
        """Number of the frame that has each interval, which is its invocation counter: i64 (k,)."""
        return np.array([burst_frame(self.plan, number) for number in self.numbers], np.int64)

    @property
    def frames(self) -> Array:
        """Faults of whole frames: u8 (frames of a meter, m)."""
        faults: Array = self.fault[:: self.plan.rows]
        return faults

    @property
    def good(self) -> Array:
        """Whether a push was received, in time or late, and readable: bool (k, m)."""
        good: Array = ~np.isin(self.fault, LOST) & (self.arrival < self.numbers.stop)
        return good

    @property
    def late(self) -> Array:
        """Whether it was received, late: bool (k, m)."""
        late: Array = self.good & (self.lag > 0)
        return late

    @property
    def points(self) -> Array:
        """Service points i64 (m,)."""
        return self.meters + FIRST_POINT

    @property
    def accounts(self) -> Array:
        """Accounts i64 (m,)."""
        return self.meters + FIRST_ACCOUNT

    @property
    def devices(self) -> Array:
        """System titles i64 (m,)."""
        return title_of(self.meters).astype(np.int64)

    @property
    def starts(self) -> Array:
        """Begin of each interval, epoch s, i64 (k,)."""
        return np.array([self.plan.end_of(number - 1) for number in self.numbers], np.int64)


def sent_by(plan: BurstPlan, numbers: range, meters: Array) -> Sent:
    """What `meters` sent in the intervals `numbers`."""
    return Sent(
        plan, numbers, meters,
        np.stack([burst_sent(plan, meters, number) for number in numbers]),
        np.stack([burst_physical(plan, meters, number) for number in numbers]),
        np.stack([burst_fault(plan, meters, burst_frame(plan, number)) for number in numbers]),
        np.stack([burst_lag(plan, meters, number) for number in numbers]),
    )  # fmt: skip
