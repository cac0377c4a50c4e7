"""What came out of a peer, held against what must: each reading, each meter's state in the changelog, the rejects."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, Message, TopicPartition

from bench.peers.truth import RECORD, STATE, Expected
from bench.truth.rows import KEY, Rows, Tally, compare
from pipeline.columns import Array
from pipeline.errors import Fatal

AT_ONCE, ASK_SECS, SILENT_SECS = 20_000, 0.5, 60.0
DOUBLED = b"counter"
"""Why a frame that came twice is rejected, in the words of all peers."""


@dataclass
class Came:
    """Octets: records of readings, value -> how many rejects, system title -> the newest state."""

    readings: list[bytes]
    rejects: dict[bytes, int]
    states: dict[bytes, bytes]


def came(bootstrap: str, topics: tuple[str, str, str], partitions: int) -> Came:
    """Read the topics of readings, of rejects and of the changelog from begin to end."""
    readings, rejects, changelog = topics
    counts: dict[bytes, int] = {}
    for _, value in records(bootstrap, rejects, partitions):
        counts[value] = counts.get(value, 0) + 1
    return Came(
        [value for _, value in records(bootstrap, readings, partitions)],
        counts,
        {key[:8]: value for key, value in records(bootstrap, changelog, partitions)},
    )


def records(bootstrap: str, topic: str, partitions: int) -> Iterator[tuple[bytes, bytes]]:
    """(key, value) of all records of a topic, in order within a partition; raises Fatal when they do not come."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "check", "enable.auto.commit": False,
                         "enable.partition.eof": True})  # fmt: skip
    try:
        left = set(range(partitions))
        consumer.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in left])
        deadline = time.monotonic() + SILENT_SECS
        while left:
            messages = consumer.consume(AT_ONCE, ASK_SECS)
            yield from [
                (message.key() or b"", message.value() or b"") for message in messages if message.error() is None
            ]
            left -= _ended(messages, topic)
            if messages:
                deadline = time.monotonic() + SILENT_SECS
            elif time.monotonic() > deadline:
                raise Fatal("PEER_UNREAD", where=topic, what=f"partitions {sorted(left)} do not end",
                            do="check the broker")  # fmt: skip
    finally:
        consumer.close()


def _ended(messages: list[Message], topic: str) -> set[int]:
    """Partitions whose end is among the messages."""
    ended = set()
    for message in messages:
        error = message.error()
        if error is None:
            continue
        if error.code() != KafkaError._PARTITION_EOF:
            raise Fatal("PEER_UNREAD", where=topic, what=str(error), do="check the broker")
        ended.add(int(message.partition() or 0))
    return ended


def check(expected: Expected, found: Came) -> dict[str, Tally]:
    """Readings and registers row by row; rejects by number, of frames that came twice and of those not readable."""
    doubled = found.rejects.get(DOUBLED, 0)
    return {
        "readings": _readings(expected, found.readings),
        "registers": _registers(expected, found.states),
        "rejects": _counts(expected, doubled, sum(found.rejects.values()) - doubled),
    }


def correct(tallies: dict[str, Tally]) -> dict[str, Any]:
    """Rows compared and rows that differ, for the JSON."""
    different = sum(tally.different for tally in tallies.values())
    wrong = {
        name: {"missing": tally.missing, "unexpected": tally.unexpected, "other": tally.other,
               "columns": tally.columns, "examples": tally.examples}
        for name, tally in tallies.items() if tally.different
    }  # fmt: skip
    counts = {name: tally.rows for name, tally in tallies.items()}
    return {**counts, "different": different, **({"wrong": wrong} if wrong else {})}


def _readings(expected: Expected, values: list[bytes]) -> Tally:
    whole = [value for value in values if len(value) == RECORD.itemsize]
    tally = compare(_rows(expected.readings), _rows(np.frombuffer(b"".join(whole), RECORD)))
    return _with_odd(tally, len(values) - len(whole))


def _registers(expected: Expected, states: dict[bytes, bytes]) -> Tally:
    whole = {title: state for title, state in states.items() if len(state) == STATE.itemsize}
    titles = np.frombuffer(b"".join(whole), ">u8").astype(np.uint64)
    found = np.frombuffer(b"".join(whole.values()), STATE)
    there = expected.states["counter"] != 0
    tally = compare(_states(expected.titles[there], expected.states[there]), _states(titles, found))
    return _with_odd(tally, len(states) - len(whole))


def _counts(expected: Expected, doubled: int, unreadable: int) -> Tally:
    lacking = max(0, expected.doubled - doubled) + max(0, expected.unreadable - unreadable)
    more = max(0, doubled - expected.doubled) + max(0, unreadable - expected.unreadable)
    return Tally(rows=doubled + unreadable, missing=lacking, unexpected=more)


def _with_odd(tally: Tally, odd: int) -> Tally:
    """And records of another size."""
    tally.rows += odd
    tally.unexpected += odd
    return tally


def _rows(records: Array) -> Rows:
    # Serial numbers of a fleet share their upper half: title and counter fit one key.
    title, counter = records["title"].astype(np.uint64), records["counter"].astype(np.int64)
    return {
        KEY: ((title & np.uint64(0xFFFF_FFFF)).astype(np.int64) << 20) + counter,
        "maker": (title >> np.uint64(32)).astype(np.int64),
        "stamp": records["stamp"].astype(np.int64),
        "rules": records["rules"].astype(np.int64),
        **_four("energy", records["energy"]),
    }


def _states(titles: Array, states: Array) -> Rows:
    return {
        KEY: titles.astype(np.int64),
        "counter": states["counter"].astype(np.int64),
        "highest": states["highest"].astype(np.int64),
        "demand": states["demand"].astype(np.int64),
        **_four("last", states["last"]),
        **_four("zone", states["zones"]),
    }


def _four(name: str, values: Array) -> Rows:
    return {f"{name}_{place}": values[:, place].astype(np.int64) for place in range(values.shape[1])}
