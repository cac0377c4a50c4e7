"""What the topics say after the run: the frames and the records they lie in, and the records made of those.

Times are those that producers give their records, in seconds since the epoch: of a frame's record when the connector
handed it to its client, of a reading's when the worker did.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from confluent_kafka import Consumer, KafkaException, TopicPartition

from bench.faults.push import counters
from bench.latency.push import keys_of
from bench.soak.kernels import WRAPPER_OCTETS
from pipeline.batch import FrameBatch
from pipeline.columns import Array
from pipeline.errors import Fatal
from pipeline.step import Origin
from pipeline.topology.plan import TopicPlan
from pipeline.wire import Contracts, read_frames

ANSWER_SECS, SILENT_SECS = 30.0, 60.0
AT_ONCE = 500

Ends = dict[int, int]
"""Partition -> offset behind its last record."""


@dataclass(frozen=True)
class Message:
    """One record of a topic; `at` is its time."""

    partition: int
    offset: int
    at: float
    value: bytes


@dataclass(frozen=True)
class Logged:
    """m records of frames, and the n frames in them, record after record.

    partition, offset i64 (m,); at f8 (m,); first i64 (m + 1,): where the frames of each begin; keys i64 (n,).
    """

    partition: Array
    offset: Array
    at: Array
    first: Array
    keys: Array

    @property
    def record(self) -> Array:
        """Of each frame the place of its record, i64 (n,)."""
        return np.repeat(np.arange(len(self.offset)), np.diff(self.first))

    def places(self, partition: Array, offset: Array) -> Array:
        """Places of the records at (partition, offset), i64 (k,); -1 where there is none."""
        own, wanted = _place(self.partition, self.offset), _place(partition, offset)
        order = np.argsort(own)
        if not len(order):
            return np.full(len(wanted), -1, np.int64)
        found = order[np.minimum(np.searchsorted(own[order], wanted), len(order) - 1)]
        return np.where(own[found] == wanted, found, -1)


@dataclass(frozen=True)
class Made:
    """k records that were made of frames, of one topic: partition, offset i64 and at f8 (k,) of each; `origin` i64
    (k,) is the offset of the record of frames, `source` i64 (k,) its partition, `frame` i64 (k,) its frame or -1."""

    partition: Array
    offset: Array
    at: Array
    source: Array
    origin: Array
    frame: Array


def read_logged(bootstrap: str, topic: TopicPlan, contracts: Contracts, begin: Ends) -> Logged:
    """The frames from `begin` on."""
    places: list[tuple[int, int, float]] = []
    counts, keys = [0], [np.zeros(0, np.int64)]
    for message in messages(bootstrap, topic, begin):
        batch = read_frames(contracts, message.value, Origin("", message.partition, message.offset)).batch
        found = _keys(batch) if isinstance(batch, FrameBatch) else keys[0]
        places.append((message.partition, message.offset, message.at))
        counts.append(len(found))
        keys.append(found)
    partition, offset, at = _columns(places, 3)
    return Logged(
        partition.astype(np.int64), offset.astype(np.int64), at, np.cumsum(counts, dtype=np.int64), np.concatenate(keys)
    )


def read_readings(bootstrap: str, topic: TopicPlan, contracts: Contracts, begin: Ends) -> Made:
    """The records of readings from `begin` on: one a record of frames."""
    rows = []
    for message in messages(bootstrap, topic, begin):
        record = contracts.view(message.value, "ReadingBatch")
        source = (record["source_partition"], record["source_offset"], -1)
        rows.append((message.partition, message.offset, message.at, *source))
    return _made(rows)


def read_rejects(bootstrap: str, topic: TopicPlan, contracts: Contracts, begin: Ends) -> Made:
    """The records of refused frames from `begin` on: one a frame."""
    rows = []
    for message in messages(bootstrap, topic, begin):
        record = contracts.decode(message.value, "Reject")
        source = (record["partition"], record["offset"], record["frame"])
        rows.append((message.partition, message.offset, message.at, *source))
    return _made(rows)


def ends_of(bootstrap: str, topic: TopicPlan) -> Ends:
    """Where each partition ends now."""
    consumer = _consumer(bootstrap)
    try:
        return {
            number: consumer.get_watermark_offsets(TopicPartition(topic.name, number), timeout=ANSWER_SECS)[1]
            for number in range(topic.partitions)
        }
    finally:
        consumer.close()


def messages(bootstrap: str, topic: TopicPlan, begin: Ends) -> Iterator[Message]:
    """All records from `begin` to where the topic ends now; raises Fatal when they do not come."""
    ends = ends_of(bootstrap, topic)
    left = {number for number, end in ends.items() if end > begin.get(number, 0)}
    consumer = _consumer(bootstrap)
    try:
        consumer.assign([TopicPartition(topic.name, number, begin.get(number, 0)) for number in sorted(left)])
        while left:
            yield from _some(consumer, topic, ends, left)
    finally:
        consumer.close()


def _some(consumer: Consumer, topic: TopicPlan, ends: Mapping[int, int], left: set[int]) -> Iterator[Message]:
    """What has come; takes partitions that are at their end out of `left`."""
    found = consumer.consume(AT_ONCE, 1.0) or consumer.consume(1, SILENT_SECS)
    if not found:
        raise Fatal("BENCH_TOPIC_SHORT", where=topic.name, what=f"no records of partitions {sorted(left)}",
                    do="look at the broker's log")  # fmt: skip
    for message in found:
        if message.error() is not None:
            raise KafkaException(message.error())
        partition, offset, value = message.partition(), message.offset(), message.value()
        assert partition is not None
        assert offset is not None
        if partition in left and value is not None:
            yield Message(partition, offset, message.timestamp()[1] / 1000, value)
        if offset + 1 >= ends[partition]:
            left.discard(partition)


def _consumer(bootstrap: str) -> Consumer:
    return Consumer(
        {
            "bootstrap.servers": bootstrap, "group.id": "kvarn-bench-trace", "enable.auto.commit": False,
            "auto.offset.reset": "error", "queued.max.messages.kbytes": 65_536,
        }
    )  # fmt: skip


def _keys(batch: FrameBatch) -> Array:
    """Title and invocation counter of each frame, from its octets: a burst counts its intervals."""
    starts = np.cumsum(batch.length, dtype=np.int64) - batch.length
    # What came over TCP has its WRAPPER header still; an APDU begins with a tag that is not 0.
    starts += WRAPPER_OCTETS * (batch.payload[starts] == 0)
    return keys_of(batch.device, counters(batch.payload, starts))


def _made(rows: list[tuple[int, int, float, int, int, int]]) -> Made:
    partition, offset, at, source, origin, frame = _columns(rows, 6)
    return Made(
        partition.astype(np.int64), offset.astype(np.int64), at, source.astype(np.int64), origin.astype(np.int64),
        frame.astype(np.int64),
    )  # fmt: skip


def _columns(rows: Sequence[tuple[float, ...]], width: int) -> Array:
    return np.array(rows, np.float64).reshape(-1, width).T


def _place(partition: Array, offset: Array) -> Array:
    place: Array = (partition << 40) + offset
    return place
