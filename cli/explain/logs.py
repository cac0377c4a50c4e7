"""Where records of frames are read from: the topic in Kafka, a recording of it, or records at hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Protocol

from confluent_kafka import Consumer, KafkaException, TopicPartition

from connectors.simulator.kvf import Logged, read_any
from pipeline.errors import ConfigError, Transient
from pipeline.runtime.kafka_from_start import ANSWER_SECS
from pipeline.runtime.kafka_topics import topic_id
from pipeline.topology.plan import Plan

FRAMES = "FrameBatch"


class FrameLog(Protocol):
    """Records of one log."""

    where: str
    exact: bool
    """Whether offsets are those of the log, and not counted."""

    def read(self, partition: int, offsets: Iterable[int]) -> Mapping[int, bytes]:
        """Values by offset; those that are no longer there are left out. Raises Transient."""
        ...


class RecordsAtHand:
    """Records that somebody has: value by (partition, offset)."""

    def __init__(self, where: str, values: Mapping[tuple[int, int], bytes]) -> None:
        self.where, self.values, self.exact = where, values, True

    def read(self, partition: int, offsets: Iterable[int]) -> Mapping[int, bytes]:
        """Of those at hand."""
        found = {offset: self.values.get((partition, offset)) for offset in offsets}
        return {offset: value for offset, value in found.items() if value is not None}


class RecordedLog:
    """A recording (`kvarn bench record`, `kvarn demo`) that begins with the first record of each partition: it has no
    offsets, so they are counted. Whoever reads checks that the meter of the frame is the one that is meant."""

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise ConfigError("LOG_MISSING", where=str(path), what="there is no such file",
                              do="name a .kvf file of the frames topic, from its beginning")  # fmt: skip
        self.where, self._path, self.exact = str(path), path, False

    def read(self, partition: int, offsets: Iterable[int]) -> Mapping[int, bytes]:
        """One pass over the file."""
        wanted, found, number = set(offsets), dict[int, bytes](), 0
        for _, item in read_any(self._path):
            if not wanted:
                break
            if isinstance(item, Logged) and item.partition == partition:
                if number in wanted:
                    found[number] = item.value
                    wanted.discard(number)
                number += 1
        return found


class KafkaLog:
    """The topic itself."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        self.where, self.exact = f"kafka://{bootstrap}/{topic}", True
        self._bootstrap, self._topic = bootstrap, topic

    def read(self, partition: int, offsets: Iterable[int]) -> Mapping[int, bytes]:
        """Each offset by itself, in order; a record behind it is not read twice."""
        consumer = Consumer({"bootstrap.servers": self._bootstrap, "group.id": "kvarn-explain",
                             "enable.auto.commit": False, "enable.partition.eof": True})  # fmt: skip
        found: dict[int, bytes] = {}
        try:
            low, high = consumer.get_watermark_offsets(TopicPartition(self._topic, partition), timeout=ANSWER_SECS)
            place = -1
            for offset in sorted(set(offsets)):
                if not low <= offset < high:
                    continue
                if place != offset:
                    consumer.assign([TopicPartition(self._topic, partition, offset)])
                message = consumer.poll(ANSWER_SECS)
                if message is None:
                    raise Transient("LOG_SILENT", where=self.where, what=f"no answer for offset {offset}",
                                    do="check the broker, and ask again")  # fmt: skip
                at, value = message.offset(), message.value()
                place = -1 if at is None or message.error() is not None else at + 1
                if place == offset + 1 and value is not None:
                    found[offset] = value
        except KafkaException as error:
            raise Transient("BROKER_ABSENT", where=self.where, what=str(error), do="check the broker") from error
        finally:
            consumer.close()
        return found


def kafka_log(plan: Plan, origin_topic: str) -> FrameLog | None:
    """The topic of frames whose id a reading names; None when it is none of the plan's as they are now."""
    names = {chain.source.name for chain in plan.chains if chain.source.schema == FRAMES}
    for name in sorted(names):
        if topic_id(plan.kafka.bootstrap, name) == origin_topic:
            return KafkaLog(plan.kafka.bootstrap, name)
    return None
