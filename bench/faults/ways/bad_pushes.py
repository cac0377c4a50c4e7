"""Bursts of pushes that are none: garbage, strangers, copies, forgeries, endless frames, records that nobody can read.

Each burst comes between the pushes of an interval and its tick. What is refused is counted by code; all else must be as
if nothing had come.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition

from bench.faults.live import over_mqtt
from bench.faults.parts import Parts
from bench.faults.push import COUNTER_AT, MqttPusher, Pushes, TcpPusher
from bench.faults.scene import Scene
from bench.faults.ways.connectors import Live
from bench.throughput.feed import Feed, Feeding
from bench.throughput.watch import Moment
from connectors.simulator.burst_kernel import FRAME_OCTETS, title_of
from pipeline.batch import FrameBatch
from pipeline.errors import Fatal
from pipeline.wire import MOST_RECORD_BYTES, frames_record

BURSTS = ("garbage", "strangers", "replays", "forgeries", "too long", "streams", "records")

FRAMES = 2_000
"""Of a burst: below the fuse, which is half of the last 5,000 frames (agents.worker.fuse)."""
SMALL, CONNECTIONS, HUGE = 200, 8, 3
FIRST_STRANGER = 0x5852_4E00_0000_0000
"""System titles that no registry has."""
FORGED = 0x40
"""In the first octet of an invocation counter: far beyond those that are sent."""
MIB = 1_000_000
MARGIN = 4_096
BROKER_OCTETS = 100_000_000
"""Largest request that a broker takes by default."""


class BadPushes(Live):
    """One burst an interval, in an order that is the seed's."""

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._random = np.random.default_rng([scene.seed, 29])
        self._left = [BURSTS[place % len(BURSTS)] for place in self._random.permutation(scene.count).tolist()]
        self._bad: Counter[str] = Counter()
        self._parked = 0
        self._feed: Feed | None = None

    def feed(self, feed: Feed, progress: Feeding) -> int:
        """See Disturbance."""
        self._feed, frames = feed, super().feed(feed, progress)
        assert self.live is not None
        self.live.between = self._burst
        return frames

    def _burst(self, pushes: Pushes, tcp: TcpPusher, mqtt: MqttPusher) -> None:
        if not self._left:
            return
        name = self._left.pop()
        made = {
            "garbage": self._garbage, "strangers": self._strangers, "replays": self._replays,
            "forgeries": self._forgeries, "too long": self._too_long, "streams": self._streams,
            "records": self._records,
        }  # fmt: skip
        made[name](pushes, tcp, mqtt)
        self.done.tries += 1
        self.done.moments[name] += 1

    def _garbage(self, pushes: Pushes, tcp: TcpPusher, mqtt: MqttPusher) -> None:
        """Nothing tells whose the first are; of the others the MQTT topic does."""
        tcp.push(self._of(np.zeros(FRAMES, np.uint64), b"\x07", 60))
        self._bad["FRAME_UNREADABLE"] += FRAMES
        for device in pushes.device[:SMALL].tolist():
            mqtt.push_octets(device, b"\x07garbage")
            mqtt.push_octets(device, b"")
        self._bad["APDU_UNKNOWN"] += len(pushes.device[:SMALL])
        self._bad["FRAME_TRUNCATED"] += len(pushes.device[:SMALL])

    def _strangers(self, _pushes: Pushes, tcp: TcpPusher, mqtt: MqttPusher) -> None:
        """They wait in the topic `parked` until a registry knows them."""
        devices = np.uint64(FIRST_STRANGER) + np.arange(FRAMES, dtype=np.uint64)
        frames = self._of(devices, b"\xdb\x08", FRAME_OCTETS)
        titles = devices.astype(">u8").view(np.uint8).reshape(-1, 8)
        frames.octets.reshape(-1, FRAME_OCTETS)[:, 2:10] = titles
        tcp.push(frames)
        mqtt.push(frames.of(np.arange(FRAMES) < SMALL))
        self._parked += FRAMES + SMALL

    def _replays(self, pushes: Pushes, tcp: TcpPusher, mqtt: MqttPusher) -> None:
        """Counted as copies where they are seen in the topic."""
        first = np.arange(len(pushes)) < FRAMES
        tcp.push(pushes.of(first & ~over_mqtt(pushes)))
        mqtt.push(pushes.of(first & over_mqtt(pushes)))

    def _forgeries(self, pushes: Pushes, tcp: TcpPusher, _mqtt: MqttPusher) -> None:
        """Another counter, and so a tag that does not fit."""
        chosen = pushes.of((pushes.length == FRAME_OCTETS) & (np.arange(len(pushes)) < FRAMES))
        forged = Pushes(chosen.device, chosen.counter, chosen.length, chosen.octets.copy())
        forged.octets.reshape(-1, FRAME_OCTETS)[:, COUNTER_AT] |= FORGED
        tcp.push(forged)
        self._bad["DECRYPT_FAILED"] += len(forged)

    def _too_long(self, pushes: Pushes, tcp: TcpPusher, mqtt: MqttPusher) -> None:
        """Beyond what is believed (frame_bytes): over TCP nothing behind it can be cut."""
        tcp.push_broken([b"\0\1\0\1\0\1\xff\xff" + bytes(3_000)] * CONNECTIONS)
        for device in pushes.device[:SMALL].tolist():
            mqtt.push_octets(device, b"\xdb" * 5_000)
        for device in pushes.device[:HUGE].tolist():
            mqtt.push_octets(device, b"\xdb" * MIB)
        self._bad["FRAME_TOO_LONG"] += CONNECTIONS + len(pushes.device[:SMALL]) + len(pushes.device[:HUGE])

    def _streams(self, _pushes: Pushes, tcp: TcpPusher, _mqtt: MqttPusher) -> None:
        """Another version of the WRAPPER."""
        tcp.push_broken([b"\0\x09\0\1\0\1\0\x20" + bytes(3_000)] * CONNECTIONS)
        self._bad["WRAPPER_VERSION"] += CONNECTIONS

    def _records(self, _pushes: Pushes, _tcp: TcpPusher, _mqtt: MqttPusher) -> None:
        """Straight into the topic, beside the connectors: what is no record, and one that is too large for it."""
        assert self._feed is not None
        good = frames_record(self._feed.contracts, batch=_one_frame())
        odd = [self._random.bytes(MOST_RECORD_BYTES - MARGIN), good[: len(good) // 2], b"", None]
        errors: list[KafkaError | None] = []
        producer = Producer({"bootstrap.servers": self.scene.plan.kafka.bootstrap, "log_level": 0,
                             "message.max.bytes": BROKER_OCTETS})  # fmt: skip
        for partition, value in enumerate([*odd, bytes(MOST_RECORD_BYTES + MARGIN)]):
            producer.produce(self._feed.topic.name, value=value, partition=partition,
                             on_delivery=lambda error, _message: errors.append(error))  # fmt: skip
            producer.flush(60.0)
        refused = [error for error in errors if error is not None]
        if len(errors) != len(odd) + 1 or [error.code() for error in refused] != [KafkaError.MSG_SIZE_TOO_LARGE]:
            raise Fatal("BENCH_RECORDS", where="frames", what=f"the broker said {errors}", do="see its log")
        self._bad["POISON"] += len(odd)

    def _of(self, devices: Any, head: bytes, octets: int) -> Pushes:
        """Frames of random octets behind `head`, one a device."""
        count = len(devices)
        body = self._random.integers(0, 256, (count, octets)).astype(np.uint8)
        body[:, : len(head)] = np.frombuffer(head, np.uint8)
        lengths = np.full(count, octets, np.uint32)
        return Pushes(devices, np.zeros(count, np.int64), lengths, body.reshape(-1))

    def end(self, parts: Parts) -> None:
        """See Disturbance: what waits for a registry is counted here, it is in no table."""
        parked = self.scene.plan.connectors[self.tcp_part.partition(".")[2]].parked
        assert parked is not None
        found = _records_of(self.scene.plan.kafka.bootstrap, parked.name, parked.partitions)
        if found != self._parked:
            raise Fatal("PARKED_OTHER", where=parked.name, what=f"{found} frames instead of {self._parked}",
                        do="look at what the topic holds")  # fmt: skip
        self.done.apart["parked"] = found

    def made(self, now: Moment) -> int:
        """Nothing is down here, so nothing recovers."""
        return 0

    @property
    def further_rejects(self) -> dict[str, int]:
        """See Disturbance."""
        return dict(self._bad + Counter(super().further_rejects))


def _one_frame() -> FrameBatch:
    one = np.ones(1, np.int64)
    return FrameBatch(
        one.astype(np.uint64), title_of(one), one, np.full(1, FRAME_OCTETS, np.uint32), np.zeros(FRAME_OCTETS, np.uint8)
    )


def _records_of(bootstrap: str, topic: str, partitions: int) -> int:
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "bad-pushes"})
    try:
        marks = [consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=30)
                 for number in range(partitions)]  # fmt: skip
    finally:
        consumer.close()
    return sum(high - low for low, high in marks)
