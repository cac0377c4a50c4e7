"""Broken guarantees: the pipeline with one of its rules left out, which the fault bench must notice.

A mutant changes the program of one process before it starts (bench.faults.mutant); nothing in the product knows of it.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bench.faults.kinds import SINK, WORKER, Kind


@dataclass(frozen=True)
class Mutant:
    """What is left out, the fault under which that must show and how often, and how it is done."""

    name: str
    doc: str
    under: Kind
    apply: Callable[[], None]
    faults: int = 4


def _state_from_nothing() -> None:
    from agents.worker import owner
    from pipeline.runtime.saved import nothing_saved

    def restored(place: Any, head: Any, _records: Any) -> Any:
        chain = place.fresh(head.applied)
        chain.position = replace(
            chain.position, tick_time=head.tick_time, sent=dict(head.sent), versions=dict(head.versions)
        )
        chain._derived = place.prepared.of(chain.position.versions)
        saved = nothing_saved(place)
        saved.sequence = head.sequence
        return chain, saved

    _set(owner, "restore_chain", restored)


def _position_of_the_group() -> None:
    from agents.worker.owner import Owner

    restore = Owner._restore

    def mutated(self: Any, sequence: int = 0) -> None:
        restore(self, sequence)
        committed = self._vault.log()[2]
        if committed is not None:
            self.chain.position.applied = min(self.chain.position.applied, committed - 1)

    _set(Owner, "_restore", mutated)


def _position_before_outputs() -> None:
    from agents.worker.settings import WorkerSettings
    from pipeline.checkpoint import Progress

    flushed = Progress.flushed
    _set(Progress, "flushed", lambda self, _acknowledged: flushed(self, self._mark))
    # A broker that is slow to take outputs, so that the order matters in every checkpoint.
    WorkerSettings.model_fields["linger_ms"].default = 900
    WorkerSettings.model_rebuild(force=True)


def _applied_again() -> None:
    from agents.worker.owner import Owner
    from pipeline.checkpoint import Progress

    opened = Owner.open

    def mutated(self: Any) -> None:
        opened(self)
        # The record before comes again, as after a rebalance; nothing looks whether it is applied already.
        self.progress = Progress(self.progress.applied - 1, self.progress.saved)

    _set(Owner, "open", mutated)


def _ticks_lost() -> None:
    from pipeline.runtime.chain import Chain

    advance = Chain.advance

    def mutated(self: Any, parcel: Any) -> Any:
        lost = parcel.tick is not None and parcel.control is None and parcel.tick.time // 1800 % 5 == 0
        return advance(self, replace(parcel, tick=None) if lost and self.plan.reads == "FrameBatch" else parcel)

    _set(Chain, "advance", mutated)


def _revisions_used_again() -> None:
    from agents.vee import step

    class Session(step._Session):
        def __init__(self, store: Any, prepared: Any, _offset: int, config: Any) -> None:
            super().__init__(store, prepared, 1, config)

    _set(step, "_Session", Session)


def _tokens_of_the_moment() -> None:
    from sinks.records import Block

    _set(Block, "token", property(lambda _: uuid.uuid4().hex))


def _origins_forgotten() -> None:
    from sinks.origins import Origins

    _set(Origins, "admit", lambda *_: True)
    _set(Origins, "admit_rows", lambda _self, rows: np.ones(len(rows), np.bool_))


def _outputs_twice() -> None:
    from agents.worker.outlet import Outlet

    sent = Outlet.send

    def mutated(self: Any, output: Any) -> None:
        sent(self, output)
        if self.messages % 50 == 0 and hasattr(output, "value") and output.value:
            sent(self, replace(output, value=output.value[:-1] + bytes([output.value[-1] ^ 1])))

    _set(Outlet, "send", mutated)


def _no_fence() -> None:
    import confluent_kafka

    from agents.worker import vault

    def anyone(options: dict[str, Any]) -> Any:
        return confluent_kafka.Producer({**options, "transactional.id": uuid.uuid4().hex})

    _set(vault, "Producer", anyone)


def _acknowledged_at_once() -> None:
    from connectors.gather.pump import Pump

    offer = Pump.offer

    def mutated(self: Any, *frames: Any, **more: Any) -> None:
        *taken, done = frames if len(frames) == 5 else (*frames, None)
        offer(self, *taken, **more)
        if done is not None:
            done()

    _set(Pump, "offer", mutated)


def _set(owner: Any, name: str, value: Any) -> None:
    setattr(owner, name, value)


_CHECKPOINTS = Kind("worker killed", "", "kill", WORKER, (("after-commit", 4), ("before-flush", 4)))
_SAVED = Kind("worker killed", "", "kill", WORKER, (("after-position", 4),))
_BATCHES = Kind("worker killed", "", "kill", WORKER, (("in-batch", 60), ("after-position", 4)))
_FROZEN = Kind("worker frozen", "", "freeze")
_BLOCKS = Kind("sink killed", "", "kill", SINK, (("sink-written", 2), ("sink-in-block", 3)))
_PUSHES = Kind("connectors killed", "", "connectors", "connect.mesh", (("push-taken", 4), ("connector-in-flush", 20)))

MUTANTS = (
    Mutant("no fence", "who has lost a partition can still write its state", _FROZEN, _no_fence, faults=1),
    Mutant("state from nothing", "a restart begins with empty state", _BATCHES, _state_from_nothing),
    Mutant("position of the group", "a restart begins at the group's position, not at the checkpoint's", _CHECKPOINTS,
           _position_of_the_group),
    Mutant("position before outputs", "a checkpoint does not wait for its outputs", _SAVED, _position_before_outputs),
    Mutant("applied again", "nobody looks whether a record is applied already", _BATCHES, _applied_again),
    Mutant("ticks lost", "one tick in five does not reach the steps", _BATCHES, _ticks_lost),
    Mutant("revisions used again", "two revisions of an interval have the same number", _BATCHES,
           _revisions_used_again),
    Mutant("tokens of the moment", "a block that is written again has another token", _BLOCKS, _tokens_of_the_moment),
    Mutant("origins forgotten", "the sink takes copies for new rows", _BATCHES, _origins_forgotten),
    Mutant("one id, two contents", "now and then an output is sent again with other bytes", _BATCHES, _outputs_twice),
    Mutant("acknowledged at once", "the MQTT broker is told of a message before Kafka has it", _PUSHES,
           _acknowledged_at_once),
)  # fmt: skip

BY_NAME = {mutant.name: mutant for mutant in MUTANTS}
