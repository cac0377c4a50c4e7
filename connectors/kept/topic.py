"""A topic of rejects or parked frames, read from its start, and on as it grows."""

from __future__ import annotations

from collections.abc import Generator
from threading import Lock
from typing import Any

from confluent_kafka import KafkaException

from connectors.kept.rejected import Rejected
from pipeline.errors import Transient
from pipeline.runtime.kafka_from_start import FromStart
from pipeline.wire import Contracts

MOST_WAIT_MS = 86_400_000
"""Between two reads, while there is no room for what was read; the most that the client allows."""
READ_RECORDS = 1000
QUEUED_KBYTES = 16_384
"""What the client may have read ahead."""


class KeptTopic:
    """The topic from its start, and on as it grows. Blocks: call it in a thread, one call at a time."""

    def __init__(self, bootstrap: str, topic: str, contracts: Contracts) -> None:
        self._topic, self._contracts = topic, contracts
        self._begun = False
        self._reading = Lock()
        self._log = FromStart(
            bootstrap, topic, "kvarn-parked",
            {"max.poll.interval.ms": MOST_WAIT_MS, "queued.max.messages.kbytes": QUEUED_KBYTES},
        )  # fmt: skip

    @property
    def ends(self) -> dict[int, int]:
        """Of each partition the offset behind what was read."""
        return self._log.ends

    @property
    def at_end(self) -> bool:
        """True once each partition has been read to what was its end then."""
        return self._begun and self._log.at_end

    def read(self) -> list[Rejected]:
        """Up to READ_RECORDS further records; raises Transient, after which it goes on where it was."""
        with self._reading:
            if not self._begun:
                self._begin()
            messages, failed = self._log.read(READ_RECORDS)
            # What was read beside an error is not read again, so it counts; behind it the next read begins anew.
            self._begun = failed is None
            if failed is not None and not messages:
                raise self._unreadable(failed)
            return [self._rejected(message) for message in messages]

    def close(self) -> None:
        """Give the connection back; a read that is under way is waited for."""
        with self._reading:
            self._log.close()

    def _begin(self) -> None:
        try:
            found = self._log.begin()
        except KafkaException as error:
            raise self._unreadable(error) from error
        if not found:
            raise self._unreadable("it has no partitions")
        self._begun = True

    def _rejected(self, message: Any) -> Rejected:
        record = self._contracts.decode(message.value(), "Reject")
        return Rejected(self._topic, message.partition(), message.offset(), record)

    def _unreadable(self, error: object) -> Transient:
        return Transient("PARKED_UNREADABLE", where=self._topic, what=str(error), do="check the broker")


def read_all(bootstrap: str, topic: str, contracts: Contracts) -> Generator[list[Rejected]]:
    """The topic from its start to its present end, in lists of at most READ_RECORDS."""
    kept = KeptTopic(bootstrap, topic, contracts)
    try:
        while not kept.at_end:
            yield kept.read()
    finally:
        kept.close()
