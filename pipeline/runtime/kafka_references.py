"""Versions on Kafka: the compacted topic `registry`, written and read whole.

One partition: versions are few, and a reader wants them in the order of publication.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from threading import Lock
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition

from pipeline.errors import Transient
from pipeline.reference import version_of
from pipeline.reference_codec import chunks, is_whole, join, prefix_of
from pipeline.wire import ONE_AT_A_TIME

READ_SECS = 30.0


class KafkaReferences:
    """Reads versions from the topic as they are asked for.

    Of the chunks it keeps where they lie: each version that was ever published is hundreds of bytes a meter.
    """

    def __init__(self, bootstrap: str, topic: str = "registry", wait_secs: float = 0.0) -> None:
        self._topic = topic
        self._wait_secs = wait_secs
        self._offsets: dict[bytes, int] = {}
        self._next = 0
        self._came: dict[str, int] = {}
        self._looked: dict[str, int] = {}
        self._reading = Lock()
        self._consumer = Consumer(
            {
                "bootstrap.servers": bootstrap,
                "group.id": "kvarn-references",
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "queued.max.messages.kbytes": 8 << 10,
            }
        )
        self._consumer.assign([TopicPartition(topic, 0, 0)])

    def get(self, kind: str, version: str) -> bytes | None:
        """See ReferenceStore; waits up to `wait_secs` for a version that is being published."""
        deadline = time.monotonic() + self._wait_secs
        with self._reading:
            raw = self._read_version(kind, version)
        while raw is None:
            with self._reading:
                raw = self._read_version(kind, version, self._read_on(prefix_of(kind, version)))
            if raw is not None or time.monotonic() >= deadline:
                break
            time.sleep(0.1)
        return raw

    def newer(self, kind: str) -> tuple[str, bytes] | None:
        """As `latest`, but None while nothing of the kind was published since the call before that gave an answer.

        A registry of a million meters is large: to put it together takes longer than to ask whether there is one.
        """
        with self._reading:
            self._read_on()
            came = self._came.get(kind, -1)
        if came == self._looked.get(kind, -1):
            return None
        found = self.latest(kind)
        self._looked[kind] = came
        return found

    def latest(self, kind: str) -> tuple[str, bytes] | None:
        """Name and bytes of the version of `kind` published last."""
        with self._reading:
            self._read_on()
            mine = [key.decode() for key in self._offsets if key.startswith(f"{kind}/".encode())]
            names = dict.fromkeys(key.split("/")[1] for key in mine)
            for version in reversed(list(names)):
                raw = self._read_version(kind, version)
                if raw is not None:
                    return version, raw
            return None

    def _read_version(self, kind: str, version: str, values: Mapping[bytes, bytes] | None = None) -> bytes | None:
        """The version's bytes, or None while a chunk is missing; `values`: of records that have just been read."""
        prefix = prefix_of(kind, version)
        offsets = {key: offset for key, offset in self._offsets.items() if key.startswith(prefix)}
        if not is_whole(offsets):
            return None
        known = dict(values or {})
        lacking = {offset: key for key, offset in offsets.items() if key not in known}
        if lacking:
            known.update(self._read_again(lacking))
        return join(kind, version, known)

    def _read_again(self, wanted: Mapping[int, bytes]) -> dict[bytes, bytes]:
        """Values of the records at these offsets; one that was replaced meanwhile is not among them."""
        deadline = time.monotonic() + READ_SECS
        found: dict[bytes, bytes] = {}
        at, last = min(wanted), max(wanted)
        self._consumer.assign([TopicPartition(self._topic, 0, at)])
        try:
            while at <= last:
                message = self._poll(deadline)
                if message is None:
                    continue
                at = message.offset() + 1
                if message.offset() in wanted and message.value() is not None:
                    found[message.key()] = message.value()
        finally:
            self._consumer.assign([TopicPartition(self._topic, 0, self._next)])
        return found

    def _read_on(self, wanted: bytes | None = None) -> dict[bytes, bytes]:
        """Note what has come; returns the values of the records whose keys begin with `wanted`."""
        deadline = time.monotonic() + READ_SECS
        end = self._end(deadline)
        values: dict[bytes, bytes] = {}
        while self._next < end:
            message = self._poll(deadline)
            if message is None:
                continue
            key, value = message.key(), message.value()
            # A version published again moves to the end: the last publication counts for `latest`.
            self._offsets.pop(key, None)
            values.pop(key, None)
            if key is not None:
                self._came[key.decode(errors="replace").partition("/")[0]] = message.offset()
            # Without a value it was taken back; without a key it is no version.
            if key is not None and value is not None:
                self._offsets[key] = message.offset()
                if wanted is not None and key.startswith(wanted):
                    values[key] = value
            self._next = message.offset() + 1
        return values

    def _poll(self, deadline: float) -> Any:
        """The next record, or None when none has come yet; raises Transient behind the deadline, and on an error."""
        message: Any = self._consumer.poll(1.0)
        if message is None:
            if time.monotonic() > deadline:
                raise Transient(
                    "REGISTRY_SLOW", where=self._topic, what="the end was not reached", do="check the broker"
                )
            return None
        if message.error() is not None:
            raise Transient("REGISTRY_UNREADABLE", where=self._topic, what=str(message.error()), do="check the broker")
        return message

    def _end(self, deadline: float) -> int:
        while True:
            try:
                _low, end = self._consumer.get_watermark_offsets(TopicPartition(self._topic, 0), timeout=READ_SECS)
                return int(end)
            except KafkaException as error:
                # A topic that was made a moment ago, or whose leader moves, has no end to tell yet.
                if time.monotonic() > deadline:
                    raise Transient(
                        "REGISTRY_UNREADABLE", where=self._topic, what=str(error), do="check the broker"
                    ) from error
                time.sleep(0.1)

    def close(self) -> None:
        """Give the connection back; a read that is under way on another thread is waited for."""
        with self._reading:
            self._consumer.close()


def publish(bootstrap: str, kind: str, raw: bytes, topic: str = "registry") -> str:
    """Write a version to the topic and wait until the broker has it; returns its name."""
    failed: list[str] = []

    def delivered(error: KafkaError | None, _message: Any) -> None:
        if error is not None:
            failed.append(str(error))

    producer = Producer(
        {"bootstrap.servers": bootstrap, "enable.idempotence": True, "acks": "all", **ONE_AT_A_TIME,
         "compression.type": "zstd"}
    )  # fmt: skip
    for key, value in chunks(kind, raw):
        while True:
            try:
                producer.produce(topic, key=key, value=value, partition=0, on_delivery=delivered)
                break
            except BufferError:
                producer.poll(0.1)
        producer.poll(0)
    if producer.flush(READ_SECS) or failed:
        raise Transient(
            "REGISTRY_NOT_WRITTEN", where=topic, what=failed[0] if failed else "time-out", do="check the broker"
        )
    return version_of(raw)
