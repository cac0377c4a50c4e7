"""What a command needs of a deployment: the topic of edits, how the connector judges, the registry in force."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from cli.deployment import REGISTRY_TOPIC
from cli.edits.ledger import Ledger
from cli.output import aside
from connectors.edits.config import EditsConfig
from connectors.edits.event import Event
from connectors.edits.topic import EditTopic
from pipeline.errors import ConfigError
from pipeline.reference import Registry
from pipeline.reference_codec import registry_from_bytes
from pipeline.runtime.kafka_references import KafkaReferences
from pipeline.runtime.references import REGISTRY
from pipeline.topology.plan import Plan
from pipeline.wire import Contracts
from schemas.registry import contracts_of


@dataclass
class Opened:
    """The edits as they stand, and the topic to write on."""

    config: EditsConfig
    contracts: Contracts
    topic: EditTopic
    ledger: Ledger

    def write(self, events: Sequence[Event], wait_secs: float) -> list[Event | None]:
        """Write people's events, and wait a while for their answers; None for one that has none yet."""
        values = [
            (event.service_point.to_bytes(8, "big"), self.contracts.encode("Edit", event.said())) for event in events
        ]
        places = self.topic.write(values, Progress(len(values), "written"))
        deadline = time.monotonic() + wait_secs
        told = Progress(len(values), "answered")
        while time.monotonic() < deadline:
            self.ledger.take(self.topic.read())
            answered = sum(place in self.ledger.answers for place in places)
            told(answered)
            if answered == len(places):
                break
        return [self.ledger.answers.get(place) for place in places]


class Progress:
    """A line on standard error at each tenth of many."""

    def __init__(self, whole: int, word: str) -> None:
        self._whole, self._word, self._told = whole, word, 0

    def __call__(self, done: int) -> None:
        """So many are done."""
        share = 10 * done // max(1, self._whole)
        if share > self._told and self._whole >= 100:
            self._told = share
            aside().print(f"{done:,} of {self._whole:,} edits {self._word}", markup=False)


@contextmanager
def opened(plan: Plan) -> Iterator[Opened]:
    """Read the topic of edits to its present end."""
    config = config_of(plan)
    contracts = contracts_of(plan.kafka.schema_registry, plan.subjects())
    topic = EditTopic(plan.kafka.bootstrap, config.source)
    try:
        ledger = Ledger(contracts)
        while not topic.at_end:
            ledger.take(topic.read())
        yield Opened(config, contracts, topic, ledger)
    finally:
        topic.close()


def config_of(plan: Plan) -> EditsConfig:
    """Options of the connector of edits; raises ConfigError when the topology has none."""
    for connector in plan.connectors.values():
        if isinstance(connector.options, EditsConfig):
            return connector.options
    raise ConfigError("EDITS_NOWHERE", where=plan.file, what="no connector of type edits",
                      do="add one, and its topic: examples/edits.yaml shows how")  # fmt: skip


def registry_of(plan: Plan) -> Registry:
    """The newest registry; raises ConfigError when none is published."""
    versions = KafkaReferences(plan.kafka.bootstrap, REGISTRY_TOPIC)
    try:
        found = versions.latest(REGISTRY)
    finally:
        versions.close()
    if found is None:
        raise ConfigError("REGISTRY_MISSING", where=REGISTRY_TOPIC, what="no registry version is published",
                          do="publish one: without it nobody knows a meter's intervals")  # fmt: skip
    return registry_from_bytes(found[1])
