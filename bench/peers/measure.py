"""A peer, measured: single frames waiting in Kafka, one process of it, until every frame is done and committed.

1. its environment is made, when it is not there
2. on a broker of its own, frames are written, each with its meter's system title as its key
3. the process starts; the clock starts when it has done the first of them (a JVM compiles what is hot meanwhile)
4. it ends at the first look at which all are done and the process has committed them, its state with them
5. outside the clock everything that came out is compared with the generator's truth
"""

from __future__ import annotations

from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from bench.case import Load, PeerLoad, PeerWay
from bench.naive.measure import Ends, Topics, Watch, feed
from bench.peers.check import came, check, correct
from bench.peers.environment import environment
from bench.peers.peer import Peer, Told
from bench.peers.truth import expected
from bench.throughput.drain import Progress, named
from cli.processes.children import Processes
from cli.services.stack import temporary
from connectors.simulator.burst import BurstPlan, burst_keys
from pipeline.errors import Fatal
from pipeline.runtime.kafka_topics import WantedTopic, ensure_topics

PARTITIONS = 4
LONGER = 1.3
"""A run that was too short is repeated with so many times what would have been long enough."""


@dataclass(frozen=True)
class PeerResult:
    """What one way came to; frames and CPU seconds of the clock's span, `correct` of the whole run."""

    way: PeerWay
    frames: int
    seconds: float
    process_secs: float
    broker_secs: float
    resident_bytes: int
    correct: dict[str, Any]

    @property
    def frames_per_s(self) -> float:
        """Frames a second of wall time."""
        return self.frames / self.seconds

    @property
    def frames_per_cpu_s(self) -> float:
        """Frames a CPU second of process and broker together."""
        return self.frames / (self.process_secs + self.broker_secs)

    def cpu_us(self) -> dict[str, float]:
        """Part -> microseconds of CPU a frame."""
        parts = {"process": self.process_secs, "broker": self.broker_secs}
        parts["together"] = sum(parts.values())
        return {name: round(1e6 * secs / self.frames, 2) for name, secs in parts.items()}


def measure(peer: Peer, load: Load, own: PeerLoad, folder: Path, progress: Progress) -> list[PeerResult]:
    """Each way once, each run at least `own.least_secs` long; seed and faults are those of `load`."""
    place = environment(peer, lambda line: progress(line, 0, 1))
    return [_long_enough(peer, place, load, own, way, folder, progress) for way in own.ways]


def _long_enough(
    peer: Peer, place: Path, load: Load, own: PeerLoad, way: PeerWay, folder: Path, progress: Progress
) -> PeerResult:
    turn = 1
    while True:
        run = _Run(peer, place, own, way, folder / f"{peer.name}-{way.name}-{turn}", named(peer.name, progress))
        result = run.go(BurstPlan(own.meters, PARTITIONS, seed=load.seed, faults=load.faults))
        if result.seconds >= own.least_secs:
            return result
        if turn == own.most_turns:
            raise Fatal("PEER_SHORT", where=peer.name, what=f"{result.frames} frames took {result.seconds:.1f} s",
                        do="give the case's peer more frames")  # fmt: skip
        more = round(LONGER * result.frames * own.least_secs / result.seconds)
        own, turn = own.model_copy(update={"frames": own.warm_up + more}), turn + 1


@dataclass
class _Run:
    peer: Peer
    place: Path
    own: PeerLoad
    way: PeerWay
    folder: Path
    progress: Progress

    def go(self, plan: BurstPlan) -> PeerResult:
        intervals = range(1, 1 + -(-self.own.frames // plan.meters))
        topics = Topics.of(self.peer.name, PARTITIONS)
        with temporary(("kafka",)) as services:
            ensure_topics(services.kafka, [WantedTopic(name, PARTITIONS) for name in topics.names])
            self.progress("frames into Kafka", 0, 1)
            frames = feed(services.kafka, topics.frames, plan, intervals, keyed=True)
            told = self._told(services.kafka, topics, plan)
            broker = services.status()[0].pid
            assert broker is not None
            result = self._measured(told, psutil.Process(broker), frames)
            self.progress("records against the truth", 0, 1)
            found = came(services.kafka, (topics.readings, topics.rejects, self.peer.changelog(told)), PARTITIONS)
        return replace(result, correct=correct(check(expected(plan, intervals), found)))

    def _told(self, bootstrap: str, topics: Topics, plan: BurstPlan) -> Told:
        self.folder.mkdir(parents=True)
        keys = self.folder / "keys"
        write_keys(keys, plan)
        return Told(bootstrap, f"{self.peer.name}-peer", topics, keys, self.folder / "state", self.way)

    def _measured(self, told: Told, broker: psutil.Process, frames: int) -> PeerResult:
        name = self.peer.name
        with ExitStack() as stack:
            ends = stack.enter_context(closing(Ends(told.bootstrap, told.topics)))
            processes = stack.enter_context(Processes(self.folder / "logs", self.peer.environment))
            processes.start(name, self.peer.command(self.place, told))
            watch = Watch(ends, processes, name, broker)
            begin, end = watch.go(
                frames, self.progress, warm_up=self.own.warm_up, finished=lambda: ends.committed(told.group) >= frames
            )
            resident = psutil.Process(processes.running[name].pid).memory_info().rss
            # Ended cleanly, so that its state is whole when it is read.
            processes.stop(name)
            return PeerResult(
                self.way, end.done - begin.done, end.at - begin.at, end.process_secs - begin.process_secs,
                end.broker_secs - begin.broker_secs, resident, {},
            )  # fmt: skip


def write_keys(file: Path, plan: BurstPlan) -> None:
    """Keys of all meters, in records of system title, encryption key, authentication key."""
    ring = burst_keys(plan)
    titles = ring.device.astype(">u8").view(np.uint8).reshape(-1, 8)
    file.write_bytes(np.concatenate((titles, ring.encryption, ring.authentication), axis=1).tobytes())
