"""The topic of edits as people's commands use it: read to its present end and on, and written to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from confluent_kafka import KafkaError, KafkaException, Producer

from pipeline.errors import Transient
from pipeline.runtime.kafka_from_start import FromStart
from pipeline.wire import ONE_AT_A_TIME

WRITE_SECS = 60.0
QUIET = {"log_level": 0}
"""The client would say each failed connection on standard error; the command says the last one itself."""


class Placed(NamedTuple):
    """A value of the topic, and where it stands."""

    partition: int
    offset: int
    value: bytes


class EditTopic:
    """The topic from its start, and on as it grows; raises Transient when the broker does not answer."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        self._bootstrap, self._topic = bootstrap, topic
        self._log = FromStart(bootstrap, topic, "kvarn-edits-commands", QUIET)
        try:
            found = self._log.begin()
        except KafkaException as error:
            raise self._silent(said_by(error)) from error
        if not found:
            raise self._silent("it is not there: the connector of edits makes it when it starts")

    @property
    def at_end(self) -> bool:
        """True once each partition has been read to what was its end then."""
        return self._log.at_end

    def read(self) -> list[Placed]:
        """Some further values."""
        messages, failed = self._log.read()
        if failed is not None:
            raise self._silent(failed.str())
        return [Placed(message.partition(), message.offset(), message.value() or b"") for message in messages]

    def write(self, values: Sequence[tuple[bytes, bytes]], told: Callable[[int], None]) -> list[tuple[int, int]]:
        """Write (key, value) each and wait for all; (partition, offset) of each. `told` how many there are so far."""
        return write_values(self._bootstrap, self._topic, values, told)

    def close(self) -> None:
        """Give the connection back."""
        self._log.close()

    def _silent(self, error: object) -> Transient:
        return Transient(
            "EDITS_UNREADABLE", where=f"{self._topic} on {self._bootstrap}", what=str(error),
            do="check the broker, and `bootstrap` of the topology file",
        )  # fmt: skip


def said_by(error: KafkaException) -> str:
    """What the client says of a failure, in words."""
    found = error.args[0] if error.args else error
    return str(found.str()) if isinstance(found, KafkaError) else str(found)


def write_values(
    bootstrap: str, topic: str, values: Sequence[tuple[bytes, bytes]], told: Callable[[int], None]
) -> list[tuple[int, int]]:
    """Write (key, value) each to a topic and wait for all; raises Transient when Kafka does not have them in time."""
    places: dict[int, tuple[int, int]] = {}
    failed: list[KafkaError] = []
    # The partition that any other client of Kafka chooses for the key too: a service point has one.
    producer = Producer(
        {"bootstrap.servers": bootstrap, "enable.idempotence": True, "acks": "all", **ONE_AT_A_TIME,
         "partitioner": "murmur2", "message.timeout.ms": int(1000 * WRITE_SECS), **QUIET}
    )  # fmt: skip

    def of(number: int) -> Callable[[KafkaError | None, Any], None]:
        def delivered(error: KafkaError | None, message: Any) -> None:
            if error is None:
                places[number] = (message.partition(), message.offset())
                told(len(places))
            else:
                failed.append(error)

        return delivered

    for number, (key, value) in enumerate(values):
        while True:
            try:
                producer.produce(topic, key=key, value=value, on_delivery=of(number))
                break
            except BufferError:
                producer.poll(0.1)
        producer.poll(0)
    producer.flush(WRITE_SECS)
    if failed or len(places) < len(values):
        what = str(failed[0]) if failed else "no answer"
        raise Transient(
            "RECORDS_UNWRITTEN", where=topic, what=f"{len(values) - len(places)} of {len(values)}: {what}",
            do="check the broker, and run it again: what is there already is not done twice",
        )  # fmt: skip
    return [places[number] for number in range(len(values))]
