"""Answer requests to correct days that have left the hot window.

Requests are taken from their topic, judged against the warehouse, and answered by statement frames in the partition of
frames that they came from. A request is committed once its answers are in the log. After a crash it is judged again:
what was answered is in the warehouse by then, so that it gives no answer any more, and VEE drops one that comes again.

One process: two could judge the same day by what the other is about to change.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import structlog
from confluent_kafka import KafkaError, Producer

from connectors.cold.config import ColdConfig
from connectors.cold.positions import Positions
from connectors.gather.intake import Intake, Source
from connectors.gather.progress import Progress
from connectors.phases import COLD_PHASES
from pipeline.batch import FrameBatch
from pipeline.errors import Transient
from pipeline.runtime.moments import Moments
from pipeline.statement_frames import StatementFrame
from pipeline.wire import ONE_AT_A_TIME, Contracts, frames_record

log = structlog.get_logger()

LOOK_SECS = 1.0
FIRST_PAUSE_SECS = 1.0
MOST_ROUNDS = 400
"""Of one request: a day of each is answered at least."""


@dataclass(frozen=True)
class Request:
    """A record of the topic of requests."""

    partition: int
    offset: int
    record: Mapping[str, Any]


@dataclass(frozen=True)
class Answers:
    """(partition of frames, device of the request, answer) of each; again: there is more once these have arrived in the
    warehouse."""

    frames: Sequence[tuple[int, int, StatementFrame]]
    again: bool


@dataclass(frozen=True)
class Lane:
    """What a topology gives its cold connector.

    judge: raises Transient while the warehouse is away. workers: (group, topic that it reads, partitions) of the chains
    from the frames to rating, in the order of the flow. sink: group of the sink; topics -> partitions of what it reads
    and the lane goes by.
    """

    judge: Callable[[Sequence[Request]], Answers]
    workers: Sequence[tuple[str, str, int]]
    sink: str
    topics: Mapping[str, int]


@dataclass(frozen=True)
class Place:
    """Where the lane writes: the topic of frames, with so many partitions."""

    name: str
    bootstrap: str
    contracts: Contracts
    frames: str
    partitions: int


@dataclass
class Counts:
    """What a lane has done since it started."""

    requests: int = 0
    answers: int = 0
    rounds: int = 0
    tries: int = 0
    """That failed, because warehouse or broker were away."""


@dataclass
class Cold:
    """One run of the lane. Its methods block: they are called in a thread, one at a time."""

    config: ColdConfig
    place: Place
    lane: Lane
    stopped: Callable[[], bool]
    counts: Counts = field(default_factory=Counts)
    moments: Moments = field(default_factory=lambda: Moments(COLD_PHASES))

    def __post_init__(self) -> None:
        self._positions = Positions(self.place.bootstrap)
        self._producer = Producer(
            {"bootstrap.servers": self.place.bootstrap, "enable.idempotence": True, "acks": "all", **ONE_AT_A_TIME}
        )
        # Answers of a run before this one may still be on their way to the warehouse.
        self._written: dict[tuple[str, int], int] | None = None

    def answer(self, requests: Sequence[Request]) -> None:
        """Judge and answer, round by round, each time all that was written before is in the warehouse."""
        if self._written is None:
            self._written = self._ends({self.place.frames: self.place.partitions})
        for request in requests:
            origin = self.place.frames, request.record["source_partition"]
            self._written[origin] = max(self._written.get(origin, 0), request.record["source_offset"] + 1)
        for _ in range(MOST_ROUNDS):
            self._wait(self._written)
            if self.stopped():
                return
            answers = self._tried(lambda: self.lane.judge(requests))
            self.moments.reach("cold-judged")
            self._send(answers)
            self.moments.reach("cold-answered")
            self.counts.rounds += 1
            if not answers.again:
                break
        self.counts.requests += len(requests)

    def close(self) -> None:
        """Give the connections back."""
        self._producer.flush(10)
        self._positions.close()

    def _wait(self, written: Mapping[tuple[str, int], int]) -> None:
        """Until workers have applied these records of the frames, and the sink has what they made of them."""
        for group, topic, partitions in self.lane.workers:
            first = topic == self.place.frames
            self._until(group, written if first else self._ends({topic: partitions}))
        self._until(self.lane.sink, self._ends(self.lane.topics))

    def _ends(self, topics: Mapping[str, int]) -> dict[tuple[str, int], int]:
        found: dict[tuple[str, int], int] = self._tried(lambda: self._positions.ends(topics))
        return found

    def _until(self, group: str, wanted: Mapping[tuple[str, int], int]) -> None:
        while not self.stopped() and not self._tried(lambda: self._positions.passed(group, wanted)):
            time.sleep(LOOK_SECS)

    def _tried(self, what: Callable[[], Any]) -> Any:
        """What `what` gives, tried again with longer pauses while something is away."""
        pause = FIRST_PAUSE_SECS
        while True:
            try:
                return what()
            except Transient as error:
                self.counts.tries += 1
                if self.stopped():
                    raise
                log.warning("requests wait", connector=self.place.name, code=error.code, what=error.what, secs=pause)
                time.sleep(pause)
                pause = min(2 * pause, self.config.back_off_secs)

    def _send(self, answers: Answers) -> None:
        failed: list[KafkaError] = []

        def delivered(error: KafkaError | None, message: Any) -> None:
            if error is not None:
                failed.append(error)
            elif self._written is not None:
                where = message.topic(), message.partition()
                self._written[where] = max(self._written.get(where, 0), message.offset() + 1)

        for partition, device, frame in answers.frames:
            value = frames_record(self.place.contracts, batch=batch_of(frame, device, int(time.time())))
            self._producer.produce(self.place.frames, value=value, partition=partition, on_delivery=delivered)
        if self._producer.flush(30) or failed:
            what = str(failed[0]) if failed else "time-out"
            raise Transient("ANSWERS_NOT_WRITTEN", where=self.place.frames, what=what, do="check the broker")
        self.counts.answers += len(answers.frames)


def batch_of(frame: StatementFrame, device: int, received_at: int) -> FrameBatch:
    """A record of one answer; rejects and lineage name the device, which must be one."""
    raw = np.frombuffer(frame.octets(), np.uint8)
    return FrameBatch(
        service_point=np.array([frame.service_point], np.uint64),
        device=np.array([device], np.uint64),
        received_at=np.array([received_at], np.int64),
        length=np.array([len(raw)], np.uint32),
        payload=raw,
    )


async def run(config: ColdConfig, place: Place, lane: Lane, stop: asyncio.Event) -> None:
    """Answer until `stop`; raises Transient when answers cannot be written, after which a new start begins with the
    same requests."""
    progress = Progress()
    # A member by name: one that starts again after it was killed goes on at once, and a second one ends the first.
    settings = {"group.instance.id": place.name}
    source = Source(place.bootstrap, config.source, f"kvarn-{place.name}", most=config.most_points, settings=settings)
    intake = Intake(source, progress)
    cold = Cold(config, place, lane, stop.is_set, moments=Moments.from_environment(COLD_PHASES))
    log.info("cold lane", connector=place.name, topic=config.source, warehouse=config.warehouse)
    try:
        while not stop.is_set():
            messages = await asyncio.to_thread(intake.read)
            if not messages:
                continue
            messages += await asyncio.to_thread(_more, intake, config, stop.is_set)
            begun = [progress.begin(message.partition(), message.offset()) for message in messages]
            requests = [
                Request(one.partition(), one.offset(), place.contracts.decode(one.value(), "ColdRequest"))
                for one in messages
            ]
            try:
                await asyncio.to_thread(cold.answer, requests)
            except Transient:
                if not stop.is_set():
                    raise
            if stop.is_set():
                break
            for one in begun:
                one.end()
            await asyncio.to_thread(intake.commit)
            log.info("cold requests answered", connector=place.name, **vars(cold.counts))
    finally:
        await asyncio.to_thread(intake.close)
        await asyncio.to_thread(cold.close)


def _more(intake: Intake, config: ColdConfig, stopped: Callable[[], bool]) -> list[Any]:
    """What comes within `gather_secs`: the parts of a day often follow each other."""
    found: list[Any] = []
    until = time.monotonic() + config.gather_secs
    while time.monotonic() < until and len(found) < config.most_points and not stopped():
        found += intake.read()
    return found
