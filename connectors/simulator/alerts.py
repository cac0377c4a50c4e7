"""What meters report by themselves: the event status word whenever it changes, last gasp and first breath."""

from __future__ import annotations

import numpy as np

from connectors.simulator.chance import Purpose, between, draws
from connectors.simulator.events import Events
from connectors.simulator.faults import Fault
from connectors.simulator.pushes import Pushes
from connectors.simulator.quantities import target
from connectors.simulator.spells import ESW_CURRENT_REVERSED, ESW_FIRST_BREATH, ESW_LAST_GASP
from pipeline.codes import Kind
from pipeline.columns import Array

GASPS_LOST, BREATHS_LOST = 30, 10
"""Per cent that never arrive: a capacitor keeps a radio alive for one attempt."""

AFTER_PUSHES_SECS = 10
BREATH_SECS = 20
FLUSH_SECS = 90
"""Once supply is back: first breath at once, the stored blocks somewhat later."""

WORD_HALF = 64


def word_of(bits: Array) -> tuple[Array, Array]:
    """(high, low) i64 halves of an event status word with one bit set each; -1 for none (bit 0 is the highest)."""
    one = np.int64(1)
    high = np.where((bits >= 0) & (bits < WORD_HALF), one << np.clip(63 - bits, 0, 62), 0)
    low = np.where(bits >= WORD_HALF, one << np.clip(127 - bits, 0, 62), 0)
    return high, low


def alerts(pushes: Pushes, slot: int) -> list[Events]:
    """Alerts at boundary `slot`: tamper and reversal when they begin and end, then supply lost and back."""
    spells = pushes.fleet.spells
    lit = ~(pushes.dark(slot) | pushes.dark(slot + 1))
    made = []
    for fault, name in ((Fault.TAMPER, "tamper"), (Fault.REVERSED_CT, "reversed")):
        edge = (getattr(spells, f"{name}_from") == slot) | (getattr(spells, f"{name}_to") == slot)
        made.append(_alert(pushes, np.flatnonzero(edge & lit), slot, fault, -1, AFTER_PUSHES_SECS))
    spread = pushes.fleet.config.push_spread_secs
    going = pushes.dark(slot + 1) & ~pushes.dark(slot)
    coming = pushes.dark(slot) & ~pushes.dark(slot + 1)
    made.append(_alert(pushes, _arriving(pushes, going, slot, GASPS_LOST), slot, Fault.OUTAGE, ESW_LAST_GASP, spread))
    made.append(_alert(pushes, _arriving(pushes, coming, slot, BREATHS_LOST), slot, Fault.OUTAGE, ESW_FIRST_BREATH, 0))
    return [events for events in made if len(events)]


def _arriving(pushes: Pushes, chosen: Array, slot: int, lost: int) -> Array:
    rows = np.flatnonzero(chosen)
    return rows[between(draws(pushes.fleet.config.seed, Purpose.ALERT, rows, slot), 0, 99) >= lost]


def _alert(pushes: Pushes, rows: Array, slot: int, fault: Fault, bit: int, shift: int) -> Events:
    """Alert pushes of `rows`, with `bit` on top of what is lit anyway."""
    spells = pushes.fleet.spells
    events = pushes.new(rows, Kind.ALERT, slot, shift, -1)
    word = np.zeros((len(rows), 2), np.int64)
    tampered = (spells.tamper_from[rows] <= slot) & (slot < spells.tamper_to[rows])
    backward = (spells.reversed_from[rows] <= slot) & (slot < spells.reversed_to[rows])
    for bits in (
        np.where(tampered, spells.tamper_bit[rows], -1),
        np.where(backward, ESW_CURRENT_REVERSED, -1),
        np.full(len(rows), bit),
    ):
        high, low = word_of(bits.astype(np.int64))
        word[:, 0] |= high
        word[:, 1] |= low
    events.values[:, target("esw_high")] = word[:, 0]
    events.values[:, target("esw_low")] = word[:, 1]
    received = events.received_at
    if bit == ESW_FIRST_BREATH:
        received = pushes.time(slot) + BREATH_SECS + between(draws(1, Purpose.ALERT, rows, slot), 0, 40)
    return events.changed(stamp=received - 2, received_at=received, fault=np.full(len(rows), int(fault), np.uint8))


def flushed(pushes: Pushes, events: Events, slot: int) -> Events:
    """Block events of interval `slot` with those in the dark: half of the meters never send them, others after it."""
    spells, points = pushes.fleet.spells, pushes.fleet.points
    dark = pushes.dark(slot)[events.point]
    if not dark.any():
        return events
    stores = between(draws(pushes.fleet.config.seed, Purpose.ALERT, events.point), 0, 1) == 1
    node = np.maximum(points.dt[events.point], 0)
    back = pushes.time(0) + (spells.dark_to[node].astype(np.int64) - 1) * pushes.fleet.config.interval_secs
    received = np.where(dark, back + FLUSH_SECS + (events.received_at - pushes.time(slot)), events.received_at)
    fault = np.where(dark, Fault.OUTAGE, events.fault).astype(np.uint8)
    return events.changed(received_at=received, fault=fault).take(~dark | stores)
