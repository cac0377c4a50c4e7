"""Which pushes of a burst stand in the topic of frames, how often, as far as it has been read."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from confluent_kafka import Consumer, KafkaException, TopicPartition

from bench.faults.push import Pushes, counters
from bench.truth.sent import REJECTS
from connectors.gather.kernels import WRAPPER_OCTETS
from connectors.simulator import Fault
from connectors.simulator.burst import BurstPlan
from connectors.simulator.burst_kernel import CUT_OCTETS, title_of
from connectors.simulator.burst_truth import burst_fault
from pipeline.batch import FrameBatch
from pipeline.columns import Array, unpack
from pipeline.errors import ContractError, Fatal, Transient
from pipeline.topology.plan import TopicPlan
from pipeline.wire import Contracts

MESSAGES, WAIT_SECS, READ_SECS = 512, 0.05, 60.0
COPY = "COUNTER_DUPLICATE"
"""What a copy of a push meets that could be read the first time."""


class Arrivals:
    """Counts by push, (interval, meter); `numbers` are the intervals that can be met. Reads from the end on."""

    def __init__(self, bootstrap: str, topic: TopicPlan, contracts: Contracts, plan: BurstPlan, numbers: range) -> None:
        self._contracts, self._plan, self._numbers = contracts, plan, numbers
        self._first_title = np.uint64(title_of(np.zeros(1))[0])
        self.counts = np.zeros((len(numbers), plan.meters), np.uint16)
        """How often each push stands in the topic."""
        self.wanted = np.zeros_like(self.counts)
        """How often it was meant to."""
        self.over_tcp = self.over_mqtt = 0
        """Frames read so far, of the burst or not."""
        self._consumer = Consumer(
            {"bootstrap.servers": bootstrap, "group.id": "arrivals", "enable.auto.commit": False, "log_level": 0}
        )
        places = [TopicPartition(topic.name, number) for number in range(topic.partitions)]
        for place in places:
            place.offset = self._consumer.get_watermark_offsets(place, timeout=30)[1]
        self._begins = {place.partition: place.offset for place in places}
        self._consumer.assign(places)

    def want(self, pushes: Pushes) -> None:
        """These are sent, once more each."""
        np.add.at(self.wanted.reshape(-1), self._places(pushes.device, pushes.counter), 1)

    def missing(self, pushes: Pushes) -> Array:
        """Of the pushes those that have not arrived as often as wanted: bool (n,); of two copies it may be one."""
        wanted, counts = self.wanted.reshape(-1), self.counts.reshape(-1)
        places = self._places(pushes.device, pushes.counter)
        found: Array = counts[places] < wanted[places]
        # Of a push that was meant to come twice and came once, one row is missing.
        half = found & (counts[places] > 0)
        rows = np.flatnonzero(half)
        found[rows] = False
        found[rows[np.unique(places[rows], return_index=True)[1]]] = True
        return found

    def read(self) -> int:
        """Take in what has come; returns how many records."""
        messages: Sequence[Any] = self._consumer.consume(MESSAGES, timeout=WAIT_SECS)
        for message in messages:
            if message.error() is not None:
                raise KafkaException(message.error())
            self._take(message.value() or b"")
        return len(messages)

    def read_all(self) -> None:
        """To the end, as it is now."""
        places = self._consumer.assignment()
        ends = {place.partition: self._consumer.get_watermark_offsets(place, timeout=30)[1] for place in places}
        deadline = time.monotonic() + READ_SECS
        while any(max(place.offset, self._begins[place.partition]) < ends[place.partition]
                  for place in self._consumer.position(places)):  # fmt: skip
            self.read()
            if time.monotonic() > deadline:
                raise Transient("ARRIVALS_SLOW", where="frames", what="the end was not reached", do="check the broker")

    def _take(self, raw: bytes) -> None:
        try:
            batch = unpack(FrameBatch, self._contracts.view(raw, "FrameBatch"))
        except (ContractError, EOFError):
            return  # garbage that a disturbance has written: it holds no push
        long = batch.length >= CUT_OCTETS
        starts = (np.cumsum(batch.length, dtype=np.int64) - batch.length)[long]
        device = batch.device[long]
        # Frames that came in WRAPPER framing are kept in it.
        wrapped = batch.payload[starts] == 0
        self.over_tcp += int(wrapped.sum())
        self.over_mqtt += int((~wrapped).sum())
        starts = starts + WRAPPER_OCTETS * wrapped
        counter = counters(batch.payload, starts)
        mine = (device >= self._first_title) & (device < self._first_title + np.uint64(self._plan.meters))
        mine &= (counter >= self._numbers.start) & (counter < self._numbers.stop)
        np.add.at(self.counts.reshape(-1), self._places(device[mine], counter[mine]), 1)

    def _places(self, device: Array, counter: Array) -> Array:
        places: Array = (counter - self._numbers.start) * self._plan.meters + (device - self._first_title).astype(
            np.int64
        )
        return places

    def copies(self) -> Counter[str]:
        """Code that they meet -> pushes that stand in the topic more often than they were meant to.

        Raises Fatal when one stands there less often.
        """
        short = int(np.maximum(self.wanted.astype(np.int64) - self.counts, 0).sum())
        if short:
            raise Fatal("PUSH_LOST", where="frames", what=f"{short} pushes are not in the topic", do="look for them")
        found: Counter[str] = Counter()
        meters = np.arange(self._plan.meters)
        for row, number in enumerate(self._numbers):
            more = self.counts[row].astype(np.int64) - self.wanted[row]
            if not more.any():
                continue
            fault = burst_fault(self._plan, meters, number)
            for kind, code in REJECTS.items():
                if kind != Fault.DUPLICATE:
                    found[code] += int(more[fault == kind].sum())
                    more[fault == kind] = 0
            found[COPY] += int(more.sum())
        return +found

    def close(self) -> None:
        """Give the connection back."""
        self._consumer.close()
