"""Decide which meters and transformers are hit by the faults that last, and when."""

from __future__ import annotations

import numpy as np

from connectors.simulator.chance import Purpose, between, choose, draws
from connectors.simulator.columns import NEVER, Network, Points, Spells
from connectors.simulator.config import SimulatorConfig
from connectors.simulator.faults import FAULT_BY_NUMBER, Fault
from connectors.simulator.shapes import Class
from pipeline.codes import Role
from pipeline.columns import Array

ESW_MAGNET, ESW_COVER, ESW_CURRENT_REVERSED = 81, 83, 6
ESW_LAST_GASP, ESW_FIRST_BREATH = 85, 86
"""Bits of the event status word (IS 15959 part 2; bit 0 is the highest)."""

MOMENTS = 4
"""Master data changes at this many moments of a run: exchanges and late registrations wait for one of them."""

CLOCK_INVALID, CLOCK_DOUBTFUL = 1, 2
SNAP_SECS = 300
"""Stamps up to this far off the grid are moved to it."""
FUTURE_SECS = 600
"""VEE takes no stamp that is further ahead of its clock (V06)."""


def moments(config: SimulatorConfig) -> Array:
    """Slots (interval boundaries, never a midnight) at which master data changes, i64 (MOMENTS,), ascending."""
    day = config.slots_per_day
    places = config.intervals * np.arange(1, MOMENTS + 1) // (MOMENTS + 1)
    return np.where(places % day == 0, places + day // 3, places)


def decide(config: SimulatorConfig, points: Points, network: Network) -> Spells:
    """Spells of every point and DT. A meter is hit by at most one of: unknown, swap, reversed, stuck, clock."""
    count = len(points)
    consumer = (points.role == Role.CONSUMER) & (points.klass != Class.HT_INDUSTRY)
    free = consumer.copy()
    none = np.full(count, NEVER, np.int32)
    columns: dict[str, Array] = {}

    dark = pick(config, Fault.OUTAGE, np.ones(len(network.dt_node), bool), config.days)
    lit = ~np.isin(points.dt, dark)

    def take(fault: Fault, eligible: Array, times: int = 1) -> Array:
        # Where it can be chosen, a meter that has supply: in the dark nothing is seen of its fault.
        allowed = eligible & free
        rows = pick(config, fault, allowed & lit if (allowed & lit).any() else allowed, times)
        free[rows] = False
        return rows

    points_in_time = moments(config)
    known, swap = np.zeros(count, np.int32), none.copy()
    later = take(Fault.UNKNOWN_LATER, consumer)
    known[later] = points_in_time[1] + 1
    known[take(Fault.UNKNOWN_NEVER, consumer)] = NEVER
    swapped = take(Fault.SWAP, consumer)
    swap[swapped] = points_in_time[_drawn(config, Fault.SWAP, swapped, 0, MOMENTS - 1)]
    rollover = np.zeros(count, np.uint8)
    rollover[take(Fault.ROLLOVER, np.isin(points.template, (2, 4)))] = 1
    columns |= {"known_slot": known, "swap_slot": swap, "rollover": rollover}

    reversible = consumer & (points.solar_w == 0)
    columns |= _spell(config, "reversed", Fault.REVERSED_CT, take(Fault.REVERSED_CT, reversible, config.days), count)
    columns |= _spell(config, "stuck", Fault.STUCK, take(Fault.STUCK, consumer, config.days), count)
    columns |= _clocks(config, take, consumer, count)

    seen = consumer & (known == 0)
    tampered = pick(config, Fault.TAMPER, seen & lit if (seen & lit).any() else seen, config.days)
    columns |= _spell(config, "tamper", Fault.TAMPER, tampered, count)
    bit = np.full(count, ESW_MAGNET, np.int32)
    bit[tampered[_drawn(config, Fault.TAMPER, tampered, 0, 1, 3) == 1]] = ESW_COVER
    thieves = pick(config, Fault.THEFT, seen & (points.solar_w == 0))
    since, share = none.copy(), np.zeros(count, np.int32)
    # Half of them began before the run.
    since[thieves] = np.maximum(1, _drawn(config, Fault.THEFT, thieves, -config.intervals, config.intervals))
    share[thieves] = _drawn(config, Fault.THEFT, thieves, 300, 900, 1)
    columns |= {"tamper_bit": bit, "theft_from": since, "theft_share": share}

    return Spells(**columns, **_spell(config, "dark", Fault.OUTAGE, dark, len(network.dt_node)))


def pick(config: SimulatorConfig, fault: Fault, eligible: Array, times: int = 1) -> Array:
    """Rows hit by `fault`: its rate times `times` of the eligible ones, at least one when the rate is not 0."""
    rate, count = config.rate(FAULT_BY_NUMBER[fault].name), int(eligible.sum())
    if rate <= 0 or count == 0:
        return np.empty(0, np.int64)
    wanted = min(count, max(1, round(rate * times * count)))
    return choose(draws(config.seed, Purpose.SPELL, np.arange(len(eligible)), int(fault)), eligible, wanted)


def _drawn(config: SimulatorConfig, fault: Fault, rows: Array, low: int, high: int, detail: int = 0) -> Array:
    return between(draws(config.seed, Purpose.FAULT_DETAIL, rows, int(fault) * 16 + detail), low, high)


def _spell(config: SimulatorConfig, name: str, fault: Fault, rows: Array, count: int) -> dict[str, Array]:
    """`name`_from and `name`_to: one to five hours within one day, away from midnight and from its neighbours."""
    hour = 3600 // config.interval_secs
    begin = np.full(count, NEVER, np.int32)
    end = np.full(count, NEVER, np.int32)
    day = _drawn(config, fault, rows, 0, config.days - 1, 8)
    begin[rows] = day * config.slots_per_day + _drawn(config, fault, rows, 2 * hour, 16 * hour, 9)
    end[rows] = begin[rows] + _drawn(config, fault, rows, hour, 5 * hour, 10)
    return {f"{name}_from": begin, f"{name}_to": end}


def _clocks(config: SimulatorConfig, take, consumer: Array, count: int) -> dict[str, Array]:  # type: ignore[no-untyped-def]
    """One spell of a bad clock: off by little, off by much, or only marked so in the clock status."""
    offset, status, kind = (np.zeros(count, np.int32) for _ in range(3))
    chosen = []
    # Beyond the tolerance, and not near the next boundary either, nor so far ahead that a stamp is of the future.
    most = min(config.interval_secs // 2, FUTURE_SECS) - 1
    # Less than a quarter of the interval: a tolerance cannot be wider.
    least = min(SNAP_SECS, config.interval_secs // 4) - 1
    for fault, low, high in ((Fault.CLOCK_OFFSET, 5, least), (Fault.CLOCK_WRONG, SNAP_SECS + 1, most)):
        rows = take(fault, consumer, config.days)
        sign = _drawn(config, fault, rows, 0, 1, 1) * 2 - 1
        offset[rows] = sign * _drawn(config, fault, rows, low, high, 2)
        kind[rows] = fault
        chosen.append(rows)
    rows = take(Fault.CLOCK_STATUS, consumer, config.days)
    status[rows] = np.where(_drawn(config, Fault.CLOCK_STATUS, rows, 0, 1) == 1, CLOCK_DOUBTFUL, CLOCK_INVALID)
    kind[rows] = Fault.CLOCK_STATUS
    every = np.sort(np.concatenate((*chosen, rows)))
    spell = _spell(config, "clock", Fault.CLOCK_OFFSET, every, count)
    return spell | {"clock_offset": offset, "clock_status": status, "clock_fault": kind}
