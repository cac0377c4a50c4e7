"""One slot's pushes of a fleet: block, midnight registers, instantaneous profile; then the faults drawn for each."""

from __future__ import annotations

import numpy as np

from connectors.simulator.chance import Purpose, between, draws
from connectors.simulator.events import N_VALUES, Events, joined
from connectors.simulator.faults import BLOCK_FAULTS, DAILY_FAULTS, DAMAGED, FAULT_BY_NUMBER, Fault
from connectors.simulator.fleet import Fleet
from connectors.simulator.network import MQTT
from connectors.simulator.quantities import put_physical, put_snapshot, target
from connectors.simulator.registry import shown
from connectors.simulator.skeletons import has_push
from pipeline.channels import N_ENERGY, VAH_IMP, WH_IMP
from pipeline.codes import Kind
from pipeline.columns import Array
from pipeline.localtime import DAY_SECS
from pipeline.templates import template_arrays

BILLION = 1_000_000_000
DUPLICATE_LATEST_SECS = 3 * 3600
LATE_FIRST_SECS = 1800
NEGATIVE_MODELS = (1, 3, 5, 11)
"""Models that send floats: an unsigned integer cannot be below zero."""


class Pushes:
    """Makes the events of a slot; keeps each device's counter, registers and demand as it goes from slot to slot."""

    def __init__(self, fleet: Fleet) -> None:
        config, points = fleet.config, fleet.points
        self.fleet = fleet
        self.device = np.arange(len(points), dtype=np.int32)
        self.registers = fleet.devices.initial[: len(points)].copy()
        self.counter = between(draws(config.seed, Purpose.CHOICE, np.arange(len(fleet.devices)), 1), 1, 50_000)
        self.demand = np.zeros((len(points), 2), np.int64)
        self.demand_time = np.full((len(points), 2), config.start_time, np.int64)
        spread = draws(config.seed, Purpose.DELAY, np.arange(len(points)))
        self._delay = between(spread, 0, max(0, config.push_spread_secs - 10))
        self._instant = (points.instant == 1) & has_push(points.template, Kind.INSTANT)
        self._names = {kind: _thresholds(fleet, kinds) for kind, kinds in
                       ((Kind.BLOCK, BLOCK_FAULTS), (Kind.DAILY, DAILY_FAULTS))}  # fmt: skip

    def advance(self, slot: int) -> None:
        """Let interval `slot` pass: registers and demand move on."""
        if not 1 <= slot <= self.fleet.config.intervals:
            return
        energy = self.fleet.books.energy[slot - 1].astype(np.int64)
        self.registers += energy
        power = energy[:, (WH_IMP, VAH_IMP)] * 3600 // self.fleet.config.interval_secs
        higher = power > self.demand
        self.demand[higher] = power[higher]
        self.demand_time[higher] = self.time(slot)

    def exchange(self, slot: int) -> None:
        """Swap the meters that are exchanged at the boundary `slot`, after its pushes."""
        devices = self.fleet.devices
        for row in np.flatnonzero(devices.from_slot == slot):
            if slot == 0:
                break
            point = devices.point[row]
            self.device[point] = row
            self.registers[point] = devices.initial[row]
            self.demand[point] = 0

    def time(self, slot: int) -> int:
        """When interval `slot` ends, epoch seconds UTC."""
        return self.fleet.config.start_time + slot * self.fleet.config.interval_secs

    def dark(self, slot: int) -> Array:
        """bool (points,): without supply in interval `slot`."""
        spells, points = self.fleet.spells, self.fleet.points
        node = (spells.dark_from <= slot) & (slot < spells.dark_to)
        under = (np.arange(len(points)) < self.fleet.config.meters) | (points.dt >= 0)
        return np.where((points.dt >= 0) & under, node[np.maximum(points.dt, 0)], False)

    def new(self, rows: Array, kind: Kind, slot: int, shift: int, interval: int) -> Events:
        """Events of `rows` at boundary `slot`, arriving `shift` s after the meter's usual delay; counters move on."""
        device = self.device[rows]
        self.counter[device] += 1
        jitter = between(draws(self.fleet.config.seed, Purpose.DELAY, rows, slot), 0, 5)
        count, time = len(rows), self.time(slot)
        zeros = np.zeros(count, np.uint8)
        return Events(
            device=device,
            point=rows.astype(np.int32),
            kind=np.full(count, int(kind), np.uint8),
            stamp=np.full(count, time, np.int64),
            counter=self.counter[device].astype(np.uint32),
            status=zeros,
            received_at=time + self._delay[rows] + jitter + shift,
            renewed=self.fleet.renewal.slot[device] <= slot,
            fault=zeros,
            expected=zeros,
            interval=np.full(count, interval, np.int32),
            values=np.zeros((count, N_VALUES), np.int64),
        )

    def block(self, slot: int) -> Events:
        """Block pushes of interval `slot` of all points, as the meters mean them."""
        rows = np.arange(len(self.fleet.points))
        events = self.new(rows, Kind.BLOCK, slot, 0, slot)
        energy = self.fleet.books.energy[slot - 1].astype(np.int64)
        theft = self.fleet.books.theft[slot - 1].astype(np.int64)
        events.values[:, :N_ENERGY] = energy
        put_physical(self.fleet.config, self.fleet.points, rows, slot, energy, theft, events.values)
        opens = template_arrays().opens[self.fleet.devices.template[events.device]].astype(np.int64)
        return events.changed(stamp=events.stamp - opens * self.fleet.config.interval_secs)

    def daily(self, slot: int) -> Events:
        """Midnight registers of all points."""
        rows = np.arange(len(self.fleet.points))
        events = self.new(rows, Kind.DAILY, slot, 2, slot * self.fleet.config.interval_secs // DAY_SECS)
        events.values[:, :N_ENERGY] = self.shown()
        return events

    def instant(self, slot: int) -> Events:
        """Instantaneous pushes that are due at boundary `slot`; each meter has its own hour."""
        config, points = self.fleet.config, self.fleet.points
        every = config.instant_hours * 3600 // config.interval_secs
        due = self._instant & ((np.arange(len(points)) + slot) % every == 0) & ~self.dark(slot) & ~self.dark(slot + 1)
        rows = np.flatnonzero(due)
        events = self.new(rows, Kind.INSTANT, slot, 3, -1)
        place = max(0, min(slot, config.intervals) - 1)
        energy = self.fleet.books.energy[place][rows].astype(np.int64)
        put_physical(config, points, rows, slot, energy, np.zeros(len(rows), np.int64), events.values)
        put_snapshot(config, points, rows, slot, self.shown()[rows], energy, events.values)
        for place, name in enumerate(("demand_w", "demand_va")):
            events.values[:, target(name)] = self.demand[rows, place]
            events.values[:, target(f"{name}_time")] = self.demand_time[rows, place]
        return events

    def shown(self) -> Array:
        """What the registers show now, i64 (points, 4)."""
        return shown(self.fleet.devices.template[self.device], self.registers)

    def with_faults(self, events: Events, slot: int, kind: Kind) -> Events:
        """`events` (a row each point) with the faults that are drawn for each push; copies stand behind them."""
        fleet, rows = self.fleet, events.point
        names, edges = self._names[kind]
        drawn = between(draws(fleet.config.seed, Purpose.FRAME_FAULT, rows, slot * 8 + int(kind)), 0, BILLION - 1)
        fault = names[np.searchsorted(edges, drawn, side="right")]
        fault[~self._free(slot)] = Fault.NONE
        able = np.isin(fleet.devices.template[events.device], NEGATIVE_MODELS)
        fault[(fault == Fault.NEGATIVE) & ~able] = Fault.NONE
        detail = draws(fleet.config.seed, Purpose.FAULT_DETAIL, rows, slot * 8 + int(kind))
        copies = [self._copy(events, which, fault, detail) for which in
                  (Fault.DUPLICATE, Fault.DUPLICATE_INTERVAL, Fault.CONFLICT)]  # fmt: skip
        return joined([self._altered(events, fault, detail), *copies])

    def _free(self, slot: int) -> Array:
        """bool (points,): not in a spell that already says what happens to the push."""
        spells = self.fleet.spells
        busy = spells.known_slot > 0
        for name in ("stuck", "clock", "reversed"):
            busy |= (getattr(spells, f"{name}_from") <= slot) & (slot < getattr(spells, f"{name}_to"))
        return ~(busy | self.dark(slot))

    def _altered(self, events: Events, fault: Array, detail: Array) -> Events:
        values, received = events.values.copy(), events.received_at.copy()
        late = fault == Fault.LATE
        most = self.fleet.config.late_hours * 3600
        received[late] += between(detail[late], min(LATE_FIRST_SECS, most), most)
        spike = fault == Fault.SPIKE
        values[spike, WH_IMP] = values[spike, WH_IMP] * 10 + 3_000 + between(detail[spike], 0, 20_000)
        values[spike, VAH_IMP] = values[spike, WH_IMP] * 1050 // 1000
        negative = fault == Fault.NEGATIVE
        values[negative, WH_IMP] = -1 - between(detail[negative], 0, 500)
        copied = np.isin(fault, (Fault.DUPLICATE, Fault.DUPLICATE_INTERVAL, Fault.CONFLICT))
        own = np.where(copied | (fault == Fault.NONE), events.fault, fault).astype(np.uint8)
        mqtt = self.fleet.points.transport[events.point] == MQTT
        expected = events.expected.copy()
        for which in sorted(DAMAGED):
            kind = FAULT_BY_NUMBER[which]
            expected[own == which] = kind.expects(mqtt=False)
            expected[(own == which) & mqtt] = kind.expects(mqtt=True)
        return events.changed(values=values, received_at=received, fault=own, expected=expected)

    def _copy(self, events: Events, which: Fault, fault: Array, detail: Array) -> Events:
        """Second copies: the same bytes some time later, or the interval again under a counter of its own."""
        chosen = np.flatnonzero(fault == which)
        copy = events.take(chosen)
        values, counter, shift = copy.values.copy(), copy.counter, np.ones(len(copy), np.int64)
        if which is Fault.DUPLICATE:
            shift = between(detail[chosen], 6, DUPLICATE_LATEST_SECS)
        else:
            self.counter[copy.device] += 1
            counter = self.counter[copy.device].astype(np.uint32)
        if which is Fault.CONFLICT:
            values[:, WH_IMP] += 1 + between(detail[chosen], 0, 49)
            values[:, VAH_IMP] = np.maximum(values[:, VAH_IMP], values[:, WH_IMP] * 1050 // 1000)
        reject = FAULT_BY_NUMBER[which].expects(mqtt=False)
        return copy.changed(
            values=values, counter=counter, received_at=copy.received_at + shift,
            fault=np.full(len(copy), int(which), np.uint8), expected=np.full(len(copy), reject, np.uint8),
        )  # fmt: skip


def _thresholds(fleet: Fleet, kinds: tuple[Fault, ...]) -> tuple[Array, Array]:
    """(fault u8 by place, upper edges of a draw below a billion); the last place is no fault."""
    rates = [round(fleet.config.rate(FAULT_BY_NUMBER[fault].name) * BILLION) for fault in kinds]
    return np.array([*kinds, Fault.NONE], np.uint8), np.cumsum(rates)
