"""The books of a run: what really flowed, what was sent, and what can be known from it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any

import numpy as np

from connectors.simulator.columns import NEVER
from connectors.simulator.energy import billed, midnight_sums
from connectors.simulator.events import Events
from connectors.simulator.faults import FAULT_BY_NUMBER, FAULTS, MOST_FAULT, Fault
from connectors.simulator.fleet import Fleet
from pipeline.channels import N_ENERGY
from pipeline.codes import REJECT_BY_NUMBER, Kind, Level, Role
from pipeline.columns import Array
from pipeline.jit import allocating_kernel


class Arrival(IntEnum):
    """The best that became of an interval or a midnight register."""

    NEVER = 0  # not sent, or lost
    IN_TIME = 1  # in the slot it belongs to
    LATE = 2
    ALTERED = 3  # arrived, but with another energy than the true one
    REJECTED = 4  # came, but cannot be used
    PARKED = 5  # came before the registry knew the meter; flows on later
    UNREGISTERED = 6  # the registry never knows the meter


@dataclass(frozen=True)
class NodeTruth:
    """Balance of nodes by interval, Wh as billed, i64 (intervals, nodes); import less export throughout.

    input_wh: the node's own meter. output_wh: what the meters below say (registered ones).
    loss = input - output = technical + theft + unregistered + backward (twice what reversed CTs count the wrong way).
    """

    node: Array
    level: Array
    input_wh: Array
    output_wh: Array
    technical_wh: Array
    theft_wh: Array
    unregistered_wh: Array
    backward_wh: Array

    @property
    def loss_wh(self) -> Array:
        """i64 (intervals, nodes)."""
        return self.input_wh - self.output_wh

    def by_day(self, column: Array, slots_per_day: int) -> Array:
        """A column summed by day, i64 (days, nodes)."""
        days: Array = column.reshape(-1, slots_per_day, column.shape[1]).sum(axis=1)
        return days


@dataclass(frozen=True)
class Truth:
    """What really happened.

    energy i32 (intervals, points, 4): recorded by the meter, its own side; `billed` multiplies. Interval i ends at
        start + (i + 1) x interval_secs.
    registers i64 (days + 1, points, 4): what the meter showed at each midnight, its own side.
    register_energy i64 (days, points, 4): recorded between midnights over all meters of the point, meter side.
    arrival u8 (intervals, points), register_arrival u8 (days + 1, points): `Arrival`.
    nodes: DTs, then feeders.
    faults: name -> {"hit": pushes, meters or DTs, see FaultKind.per; "frames": frames that carry its number}.
    expected_rejects: code -> frames.
    """

    fleet: Fleet
    energy: Array
    registers: Array
    register_energy: Array
    arrival: Array
    register_arrival: Array
    nodes: NodeTruth
    faults: dict[str, dict[str, int]]
    expected_rejects: dict[str, int]
    frames: int

    def billed(self, values: Array) -> Array:
        """Meter-side energies (..., points, 4) times the multiplying factors, i64, rounded down."""
        return np.moveaxis(billed(self.fleet.points, np.moveaxis(values, -1, 0)), 0, -1)

    @property
    def known(self) -> Array:
        """bool (days, points): both registers of the day are sent and usable, in time or late."""
        good = np.isin(self.register_arrival, (Arrival.IN_TIME, Arrival.LATE, Arrival.PARKED))
        return good[:-1] & good[1:]

    def summary(self) -> dict[str, Any]:
        """For JSON: sizes, energies as billed, node balances of the whole run, faults, expected rejects."""
        points, names = self.fleet.points, self.fleet.names
        consumer = points.role == Role.CONSUMER
        total = self.billed(self.energy.sum(axis=0, dtype=np.int64))[consumer].sum(axis=0)
        nodes = [
            {"node": int(node), "name": names[int(node)], "level": Level(int(self.nodes.level[row])).name,
             **{name: int(getattr(self.nodes, name)[:, row].sum()) for name in
                ("input_wh", "output_wh", "loss_wh", "technical_wh", "theft_wh", "unregistered_wh", "backward_wh")}}
            for row, node in enumerate(self.nodes.node)
        ]  # fmt: skip
        return {
            "config": self.fleet.config.model_dump(mode="json"), "service_points": len(points), "frames": self.frames,
            "consumer_energy_wh": {"import": int(total[0]), "export": int(total[2])},
            "intervals": {kind.name.lower(): int((self.arrival == kind).sum()) for kind in Arrival},
            "registers": {kind.name.lower(): int((self.register_arrival == kind).sum()) for kind in Arrival},
            "faults": self.faults, "expected_rejects": self.expected_rejects, "nodes": nodes,
        }  # fmt: skip

    def save(self, folder: Path) -> None:
        """`truth.json` (summary) and `truth.npz` (arrays) in `folder`."""
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(self.summary(), indent=2)
        (folder / "truth.json").write_text(text + "\n", encoding="utf-8")
        config, points = self.fleet.config, self.fleet.points
        ends = config.start_time + (np.arange(config.intervals, dtype=np.int64) + 1) * config.interval_secs
        np.savez_compressed(
            folder / "truth.npz", service_point=points.id, interval_end=ends, numerator=points.numerator,
            denominator=points.denominator, energy=self.energy, registers=self.registers,
            register_energy=self.register_energy, arrival=self.arrival, register_arrival=self.register_arrival,
            **{f"node_{name}": getattr(self.nodes, name) for name in NodeTruth.__dataclass_fields__},
        )  # fmt: skip


class Recorder:
    """Writes down what a run does while it does it."""

    def __init__(self, fleet: Fleet) -> None:
        config, count = fleet.config, len(fleet.points)
        self._fleet = fleet
        self._arrival = np.zeros((config.intervals, count), np.uint8)
        self._register_arrival = np.zeros((config.days + 1, count), np.uint8)
        self._registers = np.zeros((config.days + 1, count, N_ENERGY), np.int64)
        self._hit = np.zeros(MOST_FAULT + 1, np.int64)
        self._frames = np.zeros(MOST_FAULT + 1, np.int64)
        self._expected = np.zeros(256, np.int64)

    def midnight(self, day: int, registers: Array) -> None:
        """Registers i64 (points, 4) shown at the start of `day`."""
        self._registers[day] = registers

    def sent(self, events: Events) -> Events:
        """`events` without the pushes that are never sent, which are counted."""
        lost = np.isin(events.fault, (Fault.MISSING, Fault.MISSING_DAILY))
        self._hit += np.bincount(events.fault[lost], minlength=MOST_FAULT + 1)
        return events.take(~lost)

    def arrived(self, events: Events, slot: int) -> None:
        """Events that arrive in `slot`."""
        self._frames += np.bincount(events.fault, minlength=MOST_FAULT + 1)
        self._expected += np.bincount(events.expected, minlength=256)
        block = np.flatnonzero(events.kind == Kind.BLOCK)
        row, point = events.interval[block] - 1, events.point[block]
        true = (events.values[block, :N_ENERGY] == self._fleet.books.energy[row, point]).all(axis=1)
        # A row off the grid is no interval's: its energy is shared between two.
        true &= events.fault[block] != Fault.CLOCK_WRONG
        self._note(self._arrival, events.take(block), row, events.interval[block] < slot, ~true)
        daily = np.flatnonzero(events.kind == Kind.DAILY)
        day = events.interval[daily]
        late = day * self._fleet.config.slots_per_day < slot
        self._note(self._register_arrival, events.take(daily), day, late, np.zeros(len(daily), bool))

    def _note(self, table: Array, events: Events, row: Array, late: Array, altered: Array) -> None:
        never = self._fleet.spells.known_slot[events.point] >= NEVER
        unknown = np.isin(events.fault, (Fault.UNKNOWN_LATER, Fault.UNKNOWN_NEVER))
        copy = np.isin(events.fault, (Fault.DUPLICATE, Fault.DUPLICATE_INTERVAL))
        value = np.select(
            [unknown & never, unknown, events.expected > 0, altered, late],
            [Arrival.UNREGISTERED, Arrival.PARKED, Arrival.REJECTED, Arrival.ALTERED, Arrival.LATE], Arrival.IN_TIME,
        )  # fmt: skip
        table[row[~copy], events.point[~copy]] = value[~copy]

    def truth(self) -> Truth:
        """The books, closed."""
        fleet, spells = self._fleet, self._fleet.spells
        hit = self._hit + self._frames
        spelled = {
            Fault.STUCK: spells.stuck_from, Fault.REVERSED_CT: spells.reversed_from, Fault.TAMPER: spells.tamper_from,
            Fault.THEFT: spells.theft_from, Fault.SWAP: spells.swap_slot, Fault.OUTAGE: spells.dark_from,
        }  # fmt: skip
        for fault, column in spelled.items():
            hit[fault] = int((column < NEVER).sum())
        for fault in (Fault.CLOCK_OFFSET, Fault.CLOCK_WRONG, Fault.CLOCK_STATUS):
            hit[fault] = int((spells.clock_fault == fault).sum())
        hit[Fault.ROLLOVER] = int(spells.rollover.sum())
        hit[Fault.UNKNOWN_LATER] = int(((spells.known_slot > 0) & (spells.known_slot < NEVER)).sum())
        hit[Fault.UNKNOWN_NEVER] = int((spells.known_slot >= NEVER).sum())
        sums = midnight_sums(fleet.config, fleet.books)
        return Truth(
            fleet=fleet,
            energy=fleet.books.energy,
            registers=self._registers,
            register_energy=np.diff(sums, axis=0),
            arrival=self._arrival,
            register_arrival=self._register_arrival,
            nodes=node_truth(fleet),
            faults={row.name: {"hit": int(hit[row.fault]), "frames": int(self._frames[row.fault])} for row in FAULTS},
            expected_rejects={REJECT_BY_NUMBER[int(number)].code: int(self._expected[number])
                              for number in np.flatnonzero(self._expected) if number},
            frames=int(self._frames.sum()),
        )  # fmt: skip


assert set(FAULT_BY_NUMBER) == set(range(1, MOST_FAULT + 1))


def node_truth(fleet: Fleet) -> NodeTruth:
    """Balances of all DTs and feeders."""
    points, network, books = fleet.points, fleet.network, fleet.books
    net = billed(points, books.energy[:, :, 0].astype(np.int64) - books.energy[:, :, 2])
    theft, backward = billed(points, books.theft), billed(points, 2 * books.reversed_wh.astype(np.int64))
    registered = fleet.spells.known_slot < NEVER
    consumer = points.role == Role.CONSUMER
    on_dt = np.where(consumer, points.dt, -1)
    on_feeder = np.where(consumer, np.where(points.dt < 0, points.feeder, -1),
                         np.where(points.role == Role.DT_METER, points.feeder, -1))  # fmt: skip
    parts = []
    for below, meter in ((on_dt, network.dt_point), (on_feeder, network.feeder_point)):
        count = len(meter)
        taken = net[:, meter]
        output = by_node(below, np.where(registered, net, 0), count)
        unregistered = by_node(below, np.where(registered, 0, net), count)
        stolen, turned = by_node(below, theft, count), by_node(below, backward, count)
        parts.append((taken, output, taken - output - unregistered - stolen - turned, stolen, unregistered, turned))
    joined = [np.concatenate(pair, axis=1) for pair in zip(*parts, strict=True)]
    level = np.repeat(np.array([Level.DT, Level.FEEDER], np.uint8), [len(network.dt_node), len(network.feeder_node)])
    return NodeTruth(np.concatenate((network.dt_node, network.feeder_node)), level, *joined)


def by_node(node: Array, values: Array, count: int) -> Array:
    """Sums i64 (intervals, count) of values i64 (intervals, points) by their node's row (-1: none)."""
    out = np.zeros((len(values), count), np.int64)
    _by_node(node.astype(np.int64), values, out)
    return out


@allocating_kernel
def _by_node(node, values, out):  # type: ignore[no-untyped-def]
    for row in range(values.shape[0]):
        for point in range(values.shape[1]):
            if node[point] >= 0:
                out[row, node[point]] += values[row, point]
