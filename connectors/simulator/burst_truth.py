"""What a burst must have said, computed again in numpy from the formulas in `burst_kernel`, sharing no code with it."""

from __future__ import annotations

import numpy as np

from connectors.simulator.burst import BurstPlan
from pipeline.columns import Array

U = np.uint64


def _mix(value: Array) -> Array:
    x = value.astype(np.uint64)
    x ^= x >> U(33)
    x = x * U(0xFF51AFD7ED558CCD)
    x ^= x >> U(33)
    x = x * U(0xC4CEB9FE1A85EC53)
    x ^= x >> U(33)
    return x


def _draw(seed: int, purpose: int, items: Array, when: int) -> Array:
    golden = 0x9E3779B97F4A7C15
    first = _mix(np.array([(seed + purpose * 0x8CB92BA72F3D8DD7 + golden) % 2**64], np.uint64))
    second = _mix(first + items.astype(np.uint64) * U(golden))
    return _mix(second + U(when * 0xD1B54A32D192ED03 % 2**64))


def _below(value: Array, limit: int) -> Array:
    return (((value >> U(32)) * U(limit)) >> U(32)).astype(np.int64)


def burst_energy(plan: BurstPlan, meters: Array, interval: int) -> Array:
    """What the meters recorded in `interval` (1-based): i64 (n, 4), channels of `pipeline.channels.ENERGY`."""
    slots = 86_400 // plan.interval_secs
    slot = (interval - 1) % slots
    chance = _draw(plan.seed, 23, meters, interval)
    mean = 100 + _below(_draw(plan.seed, 23, meters, 0), 500)
    wh = mean * int(plan.weights[slot]) // 1000 * (700 + _below(chance, 601)) // 1000 + 1
    vah = wh * 1000 // (880 + (chance & U(63)).astype(np.int64)) + 1
    plants = meters % plan.plants == 3 % plan.plants if plan.plants else np.zeros(len(meters), np.bool_)
    exporting = plants & (10 <= slot * plan.interval_secs // 3600 < 15)
    zero = np.zeros_like(wh)
    return np.stack(
        (np.where(exporting, zero, wh), np.where(exporting, zero, vah),
         np.where(exporting, wh, zero), np.where(exporting, vah, zero)), axis=1,
    )  # fmt: skip


def burst_physical(plan: BurstPlan, meters: Array, interval: int) -> Array:
    """(voltage mV, current mA) of the same, i64 (n, 2); a spike's current is that of its false energy."""
    chance = _draw(plan.seed, 23, meters, interval)
    energy = burst_energy(plan, meters, interval)
    apparent = energy[:, 1] + energy[:, 3] + np.where(burst_spike(plan, meters, interval), 4_000, 0)
    millivolts = 228_000 + 100 * ((chance >> U(8)) & U(127)).astype(np.int64)
    return np.stack((millivolts, apparent * 3600 // plan.interval_secs * 100_000 // millivolts * 10), axis=1)


def burst_frame(plan: BurstPlan, interval: int) -> int:
    """Number (1-based) of the frame that has `interval`."""
    return (interval - 1) // plan.rows + 1


def burst_fault(plan: BurstPlan, meters: Array, frame: int) -> Array:
    """`Fault` of each meter's frame `frame` u8 (n,): missing, duplicate, corrupt, wrong key, truncated, spike or none.

    A spike adds 4,000 Wh and VAh to what is sent in one row; a duplicate is sent right behind its original; missing,
    corrupt, wrong key and truncated leave the intervals empty.
    """
    drawn = _below(_draw(plan.seed, 14, meters, frame), 10_000)
    edges = np.array([30, 50, 70, 80, 90, 100])
    faults = np.array([1, 4, 19, 20, 21, 7, 0], np.uint8)
    found: Array = faults[np.searchsorted(edges, drawn, side="right")]
    return found if plan.faults else np.zeros_like(found)


def burst_spike(plan: BurstPlan, meters: Array, interval: int) -> Array:
    """Whether a spike is in `interval`: bool (n,)."""
    frame = burst_frame(plan, interval)
    row = _below(_draw(plan.seed, 14, meters, frame) << U(32), plan.rows)
    spiky: Array = (burst_fault(plan, meters, frame) == 7) & (row == (interval - 1) % plan.rows)
    return spiky


def burst_lag(plan: BurstPlan, meters: Array, interval: int) -> Array:
    """How many intervals after its own each push is sent: i64 (n,), 0 for those in time and for those at fault."""
    if plan.rows > 1:
        return np.zeros(len(meters), np.int64)
    chance = _draw(plan.seed, 18, meters, interval)
    late = (_below(chance, 1000) < plan.late_permille) & (burst_fault(plan, meters, interval) == 0)
    return np.where(late, 1 + _below(chance << U(32), 3), 0)


def burst_sent(plan: BurstPlan, meters: Array, interval: int) -> Array:
    """What the pushes say: `burst_energy` with the spikes."""
    energy = burst_energy(plan, meters, interval)
    spike = burst_spike(plan, meters, interval)
    for channel in range(4):
        column = energy[:, channel]
        column[spike & (column > 0)] += 4_000
    return energy


def burst_frames(plan: BurstPlan, number: int) -> int:
    """How many frames are sent when frame `number` is due: at the end of an interval, where a frame has one."""
    meters = np.arange(plan.meters)
    fault, lag = burst_fault(plan, meters, number), burst_lag(plan, meters, number)
    own = plan.meters - (fault == 1).sum() + (fault == 4).sum() - (lag > 0).sum()
    earlier = range(max(plan.first, number - 3), number)
    return int(own) + sum(int((burst_lag(plan, meters, other) == number - other).sum()) for other in earlier)
