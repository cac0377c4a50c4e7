"""Where gathered frames go: an idempotent Kafka producer that says when everything of a cut has arrived."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from confluent_kafka import KafkaError, Producer

from connectors.gather.aside import reject_record
from connectors.gather.brake import Written
from connectors.gather.gatherer import Gathered
from connectors.phases import PHASES
from pipeline.batch import FrameBatch
from pipeline.errors import Fatal
from pipeline.runtime.moments import Moments
from pipeline.wire import ONE_AT_A_TIME, Contracts, Reference, frames_record

RECORD_OCTETS = 900_000
"""Frames of one record with their columns: it stays below the broker's default of 1 MiB."""
COLUMN_OCTETS = 28
"""Octets of a frame's columns beside its bytes: service point, device, time, length."""
REFERENCE_OCTETS = 256
"""Octets of what a frame was that is offered again; a topic's name may take most of them."""
MOST_MESSAGES = 10_000_000
MOST_KBYTES = 2_147_483_647
"""The most that the client allows."""


class Outlet(Protocol):
    """Takes cuts; bounded by whoever looks at `waiting_octets`."""

    waiting_octets: int

    def send(self, gathered: Gathered, done: Callable[[], None]) -> None:
        """Hand on a cut; `done` is called when all of it is safe."""

    def poll(self) -> None:
        """Let acknowledgements arrive; raises Fatal when something could not be written."""


@dataclass(frozen=True)
class Targets:
    """Topics a connector writes."""

    frames: str = "frames"
    rejects: str = "rejects"
    parked: str = "parked"


class KafkaOutlet:
    """Frames to their partitions, rejected and parked frames to their topics; acks from all replicas."""

    def __init__(
        self, bootstrap: str, contracts: Contracts, targets: Targets, connector: str, moments: Moments | None = None
    ) -> None:
        self.waiting_octets = 0
        self.written = Written()
        self._moments = moments or Moments(PHASES)
        self._contracts = contracts
        self._targets = targets
        self._connector = connector
        self._failed: KafkaError | None = None
        self._producer = Producer(
            {
                "bootstrap.servers": bootstrap,
                "enable.idempotence": True,
                "acks": "all",
                **ONE_AT_A_TIME,
                "linger.ms": 2,
                # Frames are encrypted: they do not shrink, so nothing is spent on trying.
                "compression.type": "none",
                # Never give up by itself: reading from the meters stops instead, and they keep what they have.
                "message.timeout.ms": 0,
                # Bounded by `buffer_bytes`, at which reading stops. Each frame put aside is a message: at the client's
                # own bound of 100,000 `_produce` would wait on the event loop, deaf to everything else.
                "queue.buffering.max.messages": MOST_MESSAGES,
                "queue.buffering.max.kbytes": MOST_KBYTES,
            }
        )

    def send(self, gathered: Gathered, done: Callable[[], None]) -> None:
        """See Outlet."""
        records: list[tuple[str, bytes, bytes, int]] = []
        for partition, batch in gathered.batches.items():
            parts = frames_records(self._contracts, batch, gathered.again.get(partition, ()))
            records.extend((self._targets.frames, b"", part, partition) for part in parts)
        for aside in gathered.aside:
            topic = self._targets.parked if aside.parked else self._targets.rejects
            value = self._contracts.encode("Reject", reject_record(aside, self._connector))
            records.append((topic, aside.device.to_bytes(8, "big"), value, -1))
        left = len(records)
        if not left:
            done()
            return

        def delivered(error: KafkaError | None, message: Any) -> None:
            nonlocal left
            left -= 1
            self.waiting_octets -= len(message.value())
            if error is not None:
                self._failed = self._failed or error
                return
            if message.topic() == self._targets.frames:
                self.written = Written(self.written.records + 1, self.written.octets + len(message.value()))
            if left == 0 and self._failed is None:
                done()

        for place, (topic, key, value, partition) in enumerate(records):
            if place:
                self._moments.reach("connector-in-flush")
            self.waiting_octets += len(value)
            self._produce(topic, key, value, partition, delivered)
        self._moments.reach("connector-sent")

    def _produce(self, topic: str, key: bytes, value: bytes, partition: int, delivered: Callable[..., None]) -> None:
        where: dict[str, Any] = {"partition": partition} if partition >= 0 else {}
        while True:
            try:
                self._producer.produce(topic, key=key or None, value=value, on_delivery=delivered, **where)
                return
            except BufferError:
                self._producer.poll(0.05)

    def poll(self) -> None:
        """See Outlet."""
        self._producer.poll(0)
        if self._failed is not None:
            raise Fatal(
                "FRAMES_NOT_WRITTEN",
                where=self._targets.frames,
                what=str(self._failed),
                do="check the broker; meters and brokers of unacknowledged frames will send them again",
            )

    def flush(self, timeout_secs: float = 30.0) -> int:
        """Wait for what is under way; returns how many records are left."""
        return int(self._producer.flush(timeout_secs))


def frames_records(contracts: Contracts, batch: FrameBatch, again: tuple[Reference, ...] = ()) -> Iterator[bytes]:
    """Values for a partition of frames, none too large; `again`: what each frame was that is offered again."""
    place = 0
    for part in split(batch, REFERENCE_OCTETS if again else 0):
        count = len(part.length)
        yield frames_record(contracts, batch=part, references=again[place : place + count])
        place += count


def split(batch: FrameBatch, beside: int = 0) -> list[FrameBatch]:
    """Pieces of at most RECORD_OCTETS, columns and `beside` octets a frame included, in order."""
    count, column_octets = len(batch.length), COLUMN_OCTETS + beside
    if len(batch.payload) + column_octets * count <= RECORD_OCTETS:
        return [batch]
    ends = batch.length.astype("i8").cumsum()
    sizes = (batch.length.astype("i8") + column_octets).cumsum()
    pieces, start = [], 0
    while start < count:
        base, size = (int(ends[start - 1]), int(sizes[start - 1])) if start else (0, 0)
        stop = max(start + 1, int(sizes.searchsorted(size + RECORD_OCTETS, side="right")))
        rows = slice(start, stop)
        pieces.append(
            FrameBatch(
                service_point=batch.service_point[rows],
                device=batch.device[rows],
                received_at=batch.received_at[rows],
                length=batch.length[rows],
                payload=batch.payload[base : int(ends[stop - 1])],
            )
        )
        start = stop
    return pieces
