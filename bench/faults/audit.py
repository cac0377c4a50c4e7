"""The raw topics after a trial: an output's id stands for one content, however often it was sent; checkpoints count up.

A checkpoint that does not come after the one before it was written by somebody who no longer owned the partition.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import Consumer, KafkaError, TopicPartition

from agents.worker.outlet import ID_HEADER
from pipeline.checkpoint import HEAD_KEY
from pipeline.errors import Transient
from pipeline.topology.plan import Plan
from pipeline.wire import Contracts

READ_SECS = 120.0
ORIGIN = ("source_topic_id", "source_partition", "source_offset", "source_index")


@dataclass
class Audit:
    """Outputs with different ids, further copies of them, and ids under which there is more than one content.

    A checkpoint's number is such an id: `conflicts` names those that do not come after the one before, too.
    """

    outputs: int = 0
    copies: int = 0
    conflicts: list[str] = field(default_factory=list)


def audit(plan: Plan, contracts: Contracts) -> Audit:
    """Read all that the chains of a plan have written, uncommitted too."""
    written = {topic.name: topic.partitions for chain in plan.chains for topic in chain.written}
    found = Audit()
    seen: dict[str, bytes] = {}
    for message in everything(plan.kafka.bootstrap, written):
        name = name_of(message, contracts)
        content = hashlib.blake2b(message.key() or b"", digest_size=16)
        content.update(message.value() or b"")
        known = seen.setdefault(name, content.digest())
        if known != content.digest():
            found.conflicts.append(name)
        found.copies += 1
    found.outputs = len(seen)
    found.copies -= len(seen)
    states = {chain.state.name: chain.source.partitions for chain in plan.chains}
    found.conflicts += turned_back(checkpoints(plan.kafka.bootstrap, states))
    return found


def turned_back(numbers: Iterable[tuple[str, int]]) -> list[str]:
    """Checkpoints that do not come after the one before, of (partition, number) in the order of the log."""
    last: dict[str, int] = {}
    found = []
    for place, number in numbers:
        before = last.get(place, 0)
        if number <= before:
            found.append(f"{place}: checkpoint {number} after {before}")
        last[place] = number
    return found


def checkpoints(bootstrap: str, topics: dict[str, int]) -> Iterator[tuple[str, int]]:
    """(topic/partition, number) of each checkpoint that was written whole and is not compacted away."""
    consumer = Consumer(
        {"bootstrap.servers": bootstrap, "group.id": "audit", "enable.auto.commit": False, "log_level": 0,
         "auto.offset.reset": "earliest", "isolation.level": "read_committed", "enable.partition.eof": True}
    )  # fmt: skip
    try:
        places = [TopicPartition(name, number, 0) for name, count in topics.items() for number in range(count)]
        left = {(place.topic, place.partition) for place in places}
        consumer.assign(places)
        deadline = time.monotonic() + READ_SECS
        while left:
            for message in consumer.consume(4096, timeout=0.2):
                error = message.error()
                if error is not None and error.code() == KafkaError._PARTITION_EOF:
                    left.discard((message.topic(), message.partition()))
                elif error is None and message.key() == HEAD_KEY and (head := message.value()) is not None:
                    yield f"{message.topic()}/{message.partition()}", json.loads(head)["sequence"]
            if time.monotonic() > deadline:
                raise Transient(
                    "AUDIT_SLOW", where="state", what=f"{len(left)} partitions did not end", do="check the broker"
                )
    finally:
        consumer.close()


def name_of(message: Any, contracts: Contracts) -> str:
    """Topic and id of an output; a batch of columns has its origin for one."""
    for key, value in message.headers() or ():
        if key == ID_HEADER:
            return f"{message.topic()}/{value.decode()}"
    record = contracts.decode(message.value())
    if not record[ORIGIN[0]]:  # what a connector has refused comes from no log: each is one of its own
        return f"{message.topic()}/{message.partition()}/{message.offset()}"
    return "/".join([message.topic(), *(str(record[name]) for name in ORIGIN)])


def everything(bootstrap: str, topics: dict[str, int]) -> Iterator[Any]:
    """All records of these topics (name -> partitions), uncommitted ones too, up to their ends as of now."""
    consumer = Consumer(
        {"bootstrap.servers": bootstrap, "group.id": "audit", "enable.auto.commit": False, "log_level": 0,
         "auto.offset.reset": "earliest", "isolation.level": "read_uncommitted"}
    )  # fmt: skip
    try:
        places = [TopicPartition(name, number, 0) for name, count in topics.items() for number in range(count)]
        left = sum(consumer.get_watermark_offsets(place, timeout=30)[1] for place in places)
        consumer.assign(places)
        deadline = time.monotonic() + READ_SECS
        while left:
            messages = consumer.consume(4096, timeout=0.2)
            left -= len(messages)
            yield from messages
            if time.monotonic() > deadline:
                raise Transient(
                    "AUDIT_SLOW", where="topics", what=f"{left} records did not come", do="check the broker"
                )
    finally:
        consumer.close()
