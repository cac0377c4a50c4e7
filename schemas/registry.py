"""The shipped schemas in a schema registry: one subject a topic, checked for compatibility before it is registered.

The client is handed in (`cli.registry` makes one of confluent-kafka's), so that contracts know no broker.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from pipeline.errors import ConfigError
from schemas.load import schema_text


class RegistryClient(Protocol):
    """What is needed of a schema registry; errors of the connection are pipeline.errors.Transient."""

    def incompatible(self, subject: str, text: str) -> list[str]:
        """Why `text` does not fit the latest version of `subject`; empty when it fits or the subject is new."""

    def register(self, subject: str, text: str) -> int:
        """Id of `text` under `subject`; the one it already has when it is there."""


def subject_of(topic: str) -> str:
    """The subject of a topic's value (TopicNameStrategy)."""
    return f"{topic}-value"


def register(client: RegistryClient, topics: Mapping[str, str]) -> dict[str, int]:
    """Register the schema of each topic (topic -> schema name); returns schema name -> id for `load_contracts`.

    All subjects are checked first, so that nothing is registered when one does not fit. Raises ConfigError when a
    schema is not backward compatible, or when a registry gives one schema different ids in different subjects.
    """
    faults = []
    for topic, schema in topics.items():
        found = client.incompatible(subject_of(topic), schema_text(schema))
        faults += [f"{subject_of(topic)}: {fault}" for fault in found]
    if faults:
        raise ConfigError(
            "SCHEMA_INCOMPATIBLE",
            where=faults[0].partition(":")[0],
            what="; ".join(faults),
            do="use the Kvarn version that wrote the topic, or a topic of another name",
        )
    ids: dict[str, int] = {}
    for topic, schema in topics.items():
        number = client.register(subject_of(topic), schema_text(schema))
        if ids.setdefault(schema, number) != number:
            raise ConfigError(
                "SCHEMA_TWO_IDS",
                where=subject_of(topic),
                what=f"{schema} has the ids {ids[schema]} and {number}",
                do="use a registry that knows equal schemas by one id",
            )
    return ids
