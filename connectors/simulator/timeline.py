"""The run, slot by slot: what is pushed at each interval boundary, what arrives when, and the tick behind it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from connectors.simulator.alerts import alerts, flushed
from connectors.simulator.encode import Encoder
from connectors.simulator.events import Events, in_order, joined
from connectors.simulator.faults import Fault
from connectors.simulator.fleet import Fleet
from connectors.simulator.frames import Frames
from connectors.simulator.pushes import Pushes
from connectors.simulator.truth import Recorder, Truth
from pipeline.channels import N_ENERGY
from pipeline.codes import REJECT_NUMBER, Kind
from pipeline.reference import Registry
from pipeline.step import Tick

UNKNOWN = REJECT_NUMBER["DEVICE_UNKNOWN"]


@dataclass(frozen=True)
class Slot:
    """What happens at one interval boundary.

    number: 0 at the start of the run; end_time: the boundary, epoch seconds UTC.
    registry: the version to put in force before the frames, None when it stays.
    frames: in sending order; received from end_time on and before the next boundary.
    tick: to be written after the last frame.
    """

    number: int
    end_time: int
    registry: Registry | None
    frames: Frames
    tick: Tick


class Simulation:
    """A run over a fleet. Every call of `slots` starts it anew and gives the same bytes."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self._recorder: Recorder | None = None

    def slots(self) -> Iterator[Slot]:
        """Slot after slot; those behind the end of the run bring late frames and close the last intervals."""
        recorder = Recorder(self.fleet)
        encoder = Encoder(self.fleet)
        registries = dict(self.fleet.registry_versions)
        try:
            for number, events in self._schedule(recorder):
                time = self._time(number)
                yield Slot(number, time, registries.get(time), encoder.frames(events), self._tick(number))
        finally:
            encoder.close()
        self._recorder = recorder

    def events(self) -> Iterator[Events]:
        """All pushes in the order of arrival, before they are bytes: what a decoder makes of sound ones."""
        for _, events in self._schedule(Recorder(self.fleet)):
            yield events

    def truth(self) -> Truth:
        """What really happened; needs no frames to be made, but is ready at once after `slots` has come to its end."""
        if self._recorder is None:
            recorder = Recorder(self.fleet)
            for _ in self._schedule(recorder):
                pass
            self._recorder = recorder
        return self._recorder.truth()

    @property
    def slot_count(self) -> int:
        """About how many slots a run has, for a progress bar."""
        config = self.fleet.config
        return config.intervals + 1 + -(-config.late_hours * 3600 // config.interval_secs)

    def _time(self, number: int) -> int:
        return self.fleet.config.start_time + number * self.fleet.config.interval_secs

    def _tick(self, number: int) -> Tick:
        """Behind the end the lateness grows with the time: no interval that is not simulated falls due."""
        config, time = self.fleet.config, self._time(number)
        return Tick(time, max(config.lateness_secs, time - config.end_time))

    def _schedule(self, recorder: Recorder) -> Iterator[tuple[int, Events]]:
        """(slot, its events in order of arrival)."""
        config = self.fleet.config
        pushes = Pushes(self.fleet)
        waiting: dict[int, list[Events]] = {}
        number = 0
        while number <= config.intervals or waiting or self._tick(number - 1).closes < config.end_time:
            for events in self._pushed(pushes, recorder, number):
                place = np.maximum((events.received_at - config.start_time) // config.interval_secs, number)
                for slot in np.unique(place):
                    waiting.setdefault(int(slot), []).append(events.take(place == slot))
            arrived = in_order(joined([self._nothing(pushes), *waiting.pop(number, [])]))
            arrived = self._parked(arrived, number)
            recorder.arrived(arrived, number)
            yield number, arrived
            number += 1

    def _nothing(self, pushes: Pushes) -> Events:
        return pushes.new(np.empty(0, np.int64), Kind.ALERT, 0, 0, -1)

    def _pushed(self, pushes: Pushes, recorder: Recorder, number: int) -> Iterator[Events]:
        """Events that arise at boundary `number`, whenever they arrive."""
        config = self.fleet.config
        if number > config.intervals:
            return
        pushes.advance(number)
        if number > 0:
            block = self._spelled(pushes.block(number), number)
            block = pushes.with_faults(block, number, Kind.BLOCK)
            yield flushed(pushes, recorder.sent(block), number)
        if number % config.slots_per_day == 0:
            recorder.midnight(number // config.slots_per_day, pushes.shown())
            yield recorder.sent(pushes.with_faults(pushes.daily(number), number, Kind.DAILY))
        yield pushes.instant(number)
        yield from alerts(pushes, number)
        pushes.exchange(number)

    def _spelled(self, events: Events, number: int) -> Events:
        """Block events with what lasting faults do to them."""
        spells, points = self.fleet.spells, events.point
        values, stamp, status = events.values, events.stamp.copy(), events.status.copy()
        fault = events.fault.copy()
        stuck = (spells.stuck_from <= number) & (number < spells.stuck_to)
        for row in np.flatnonzero(stuck[points]):
            before = spells.stuck_from[points[row]] - 2
            values[row, :N_ENERGY] = self.fleet.books.energy[before, points[row]]
        fault[stuck[points]] = Fault.STUCK
        backward = (spells.reversed_from <= number) & (number < spells.reversed_to)
        fault[backward[points]] = Fault.REVERSED_CT
        clock = ((spells.clock_from <= number) & (number < spells.clock_to))[points]
        stamp[clock] += spells.clock_offset[points[clock]]
        status[clock] = spells.clock_status[points[clock]]
        fault[clock] = spells.clock_fault[points[clock]]
        return events.changed(values=values, stamp=stamp, status=status, fault=fault)

    def _parked(self, events: Events, number: int) -> Events:
        """Frames of meters that the registry does not know yet."""
        known = self.fleet.spells.known_slot[events.point]
        later, never = (known > number) & (known <= self.fleet.config.intervals), known > self.fleet.config.intervals
        fault = np.where(later, Fault.UNKNOWN_LATER, np.where(never, Fault.UNKNOWN_NEVER, events.fault))
        expected = np.where(later | never, UNKNOWN, events.expected)
        return events.changed(fault=fault.astype(np.uint8), expected=expected.astype(np.uint8))
