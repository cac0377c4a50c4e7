"""The topic of facts of a deployment: which it is, what it holds, and writing to it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Producer

from connectors.edits.topic import QUIET, said_by
from pipeline.errors import ConfigError, Transient
from pipeline.runtime.kafka_from_start import FromStart
from pipeline.topology.plan import Plan
from pipeline.wire import ONE_AT_A_TIME, Contracts

TAKEN_SECS = 60.0


def topic_of(plan: Plan, name: str | None) -> str:
    """The topic of schema Fact, or the one of them that is named; raises ConfigError."""
    found = [topic.name for topic in plan.topics.values() if topic.schema == "Fact"]
    if name in found or (name is None and len(found) == 1):
        return name or found[0]
    raise ConfigError(
        "FACTS_TOPIC_UNKNOWN", where=f"--topic {name}" if name else "topics",
        what=f"topics of schema Fact are: {', '.join(found)}" if found else "no topic has the schema Fact",
        do="name one with --topic" if found else "add one as docs/facts.md shows",
    )  # fmt: skip


def read_facts(bootstrap: str, topic: str, contracts: Contracts) -> Iterator[dict[str, Any]]:
    """All facts from the topic's start to its present end; raises Transient."""
    log = FromStart(bootstrap, topic, "kvarn-facts-list", QUIET)
    try:
        if not log.begin():
            raise ConfigError("FACTS_NONE", where=topic, what="the topic is not there: no fact was ever handed on",
                              do="hand on a file with `kvarn facts import`, which makes it")  # fmt: skip
        while not log.at_end:
            messages, failed = log.read()
            yield from (contracts.decode(message.value() or b"", "Fact") for message in messages)
            if failed is not None:
                raise KafkaException(failed)
    except KafkaException as error:
        raise Transient(
            "FACTS_UNREADABLE", where=f"{topic} on {bootstrap}", what=said_by(error),
            do="check the broker, and `bootstrap` of the topology file",
        ) from error  # fmt: skip
    finally:
        log.close()


class FactWriter:
    """Writes facts; `close` waits until the brokers have all of them."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        self._topic, self._failed = topic, ""
        self._producer = Producer(
            {"bootstrap.servers": bootstrap, "enable.idempotence": True, "acks": "all", "linger.ms": 5,
             "message.timeout.ms": round(TAKEN_SECS * 1000), **ONE_AT_A_TIME}
        )  # fmt: skip

    def write(self, key: bytes, value: bytes) -> None:
        """The next fact."""
        while True:
            try:
                self._producer.produce(self._topic, key=key, value=value, on_delivery=self._delivered)
                self._producer.poll(0)
                return
            except BufferError:
                self._producer.poll(0.1)

    def close(self) -> None:
        """Raises Transient when the brokers have not taken all."""
        left = self._producer.flush(TAKEN_SECS)
        if left or self._failed:
            raise Transient(
                "FACTS_NOT_WRITTEN", where=self._topic, what=self._failed or f"{left} facts wait for the broker",
                do="check the broker and import the file again: what is there twice does no harm",
            )  # fmt: skip

    def _delivered(self, error: KafkaError | None, _message: Any) -> None:
        if error is not None:
            self._failed = self._failed or str(error)
