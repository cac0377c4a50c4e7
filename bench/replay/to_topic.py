"""Records as they are, each into its partition of another topic, in order."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from confluent_kafka import KafkaError, Producer

from bench.replay.files import FileLoad
from bench.replay.spacing import Spacing
from bench.replay.tally import Tally
from bench.replay.topic import TopicLoad, partitions_of, place_of
from bench.throughput.drain import Progress
from connectors.simulator.kvf import Logged
from connectors.simulator.senders.base import Address
from pipeline.errors import ConfigError, Fatal
from pipeline.wire import MOST_RECORD_BYTES, ONE_AT_A_TIME

FLUSH_SECS = 120.0
POLL_SECS = 0.05


class TopicTarget:
    """Writes to the topic of `address`; counts in `tally` what is acknowledged."""

    def __init__(self, address: Address, speed: float) -> None:
        self.bootstrap, self.topic = place_of(address)
        self.tally = Tally()
        self._spacing = Spacing(speed, self._poll)
        self._failed: KafkaError | None = None
        # As connectors/gather/outlet.py: frames are encrypted and do not shrink.
        self._producer = Producer(
            {
                "bootstrap.servers": self.bootstrap, "enable.idempotence": True, "acks": "all", **ONE_AT_A_TIME,
                "linger.ms": 2, "compression.type": "none", "message.max.bytes": MOST_RECORD_BYTES,
                "queue.buffering.max.kbytes": 262_144, "log_level": 0,
            }
        )  # fmt: skip

    def play(self, load: TopicLoad | FileLoad, progress: Progress, limit: int = 0) -> Tally:
        """Write all records, each when its time has come, until `limit` frames are written (0: all).

        Raises ConfigError when the topic is not there, is what is read, or has another number of partitions; Fatal
        when a record could not be written.
        """
        self._check(load)
        frames, began = 0, time.monotonic()
        try:
            for done, record in load.records():
                self._write(record, self._spacing.wait(record.time_ms))
                progress(f"records into {self.topic} ({load.unit} read)", done, load.total)
                frames += record.frames
                if limit and frames >= limit:
                    break
        except KeyboardInterrupt:
            self.tally.stopped = True
        finally:
            # Also where a file turns out to be damaged: what stands before it is in the topic.
            left = self._producer.flush(FLUSH_SECS)
        self._look()
        if left:
            raise self._lost(f"{left} records are not acknowledged after {FLUSH_SECS:.0f} s")
        self.tally.seconds, self.tally.behind_s = time.monotonic() - began, self._spacing.behind
        return self.tally

    def _check(self, load: TopicLoad | FileLoad) -> None:
        if isinstance(load, TopicLoad) and (load.bootstrap, load.topic) == (self.bootstrap, self.topic):
            raise ConfigError("SAME_TOPIC", where=load.name, what="it would be written to while it is read",
                              do="make a topic of another name")  # fmt: skip
        there = len(partitions_of(self._producer, self.bootstrap, self.topic))
        if there != load.partitions:
            raise ConfigError("PARTITIONS_OTHER", where=self.topic, what=f"{there} partitions, but what is played has "
                              f"{load.partitions}", do="make a topic with as many")  # fmt: skip

    def _write(self, record: Logged, due: float | None) -> None:
        while True:
            try:
                self._producer.produce(self.topic, key=record.key, value=record.value, partition=record.partition,
                                       on_delivery=self._delivered(record, due))  # fmt: skip
                break
            except BufferError:
                self._producer.poll(POLL_SECS)
        self._producer.poll(0)
        self._look()

    def _delivered(self, record: Logged, due: float | None) -> Callable[[KafkaError | None, Any], None]:
        def delivered(error: KafkaError | None, _message: Any) -> None:
            if error is not None:
                self._failed = self._failed or error
                return
            self._spacing.done(due)
            self.tally.count(record)

        return delivered

    def _poll(self, secs: float) -> None:
        """Wait, and hear of what is acknowledged meanwhile."""
        end = time.monotonic() + secs
        while (left := end - time.monotonic()) > 0:
            self._producer.poll(min(left, POLL_SECS))
            self._look()

    def _look(self) -> None:
        if self._failed is not None:
            raise self._lost(str(self._failed))

    def _lost(self, what: str) -> Fatal:
        return Fatal("RECORDS_NOT_WRITTEN", where=f"kafka://{self.bootstrap}/{self.topic}",
                     what=f"{what}; {self.tally.records:,} records are in it", do="check the broker, and begin again "
                     "with an empty topic")  # fmt: skip
