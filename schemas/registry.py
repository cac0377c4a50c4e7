"""The shipped schemas in a schema registry: one subject a topic, checked for compatibility before it is registered.

`connect` is the only place that imports the registry's client.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, Protocol

from fastavro.schema import to_parsing_canonical_form

from pipeline.errors import ConfigError, Transient
from pipeline.wire import Contracts
from schemas.compatibility import breaks
from schemas.load import load_contracts, released, schema_text, shipped_ids


class RegistryClient(Protocol):
    """What is needed of a schema registry; errors of the connection are pipeline.errors.Transient."""

    def incompatible(self, subject: str, text: str) -> list[str]:
        """Why `text` does not fit the latest version of `subject`; empty when it fits or the subject is new."""

    def register(self, subject: str, text: str) -> int:
        """Id of `text` under `subject`; the one it already has when it is there."""

    def versions(self, subject: str) -> list[tuple[int, str]]:
        """Id and text of every version of `subject`; empty when the subject is new."""


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


def former_ids(client: RegistryClient, topics: Mapping[str, str]) -> dict[int, int]:
    """What the registry calls released schemas, today's with other docs among them: its id -> the shipped one, for
    `load_contracts`.

    A topic has records of before for as long as it keeps them, and an upgrade has writers of before for a while.
    """
    known = {(name, _form(text)): shipped for name, shipped, text in released()}
    ids = {}
    for topic, schema in topics.items():
        versions = ((number, (schema, _form(text))) for number, text in client.versions(subject_of(topic)))
        ids.update({number: known[version] for number, version in versions if version in known})
    return ids


def _form(text: str) -> str:
    """What decides how records are written: a registry knows schemas by their whole text, with every word of a doc."""
    return to_parsing_canonical_form(json.loads(text))


SUBJECT_UNKNOWN = (40401, 40402)
"""Error codes of the registry's API: no such subject, no such version."""


class _Confluent:
    """confluent-kafka's client as a RegistryClient."""

    def __init__(self, url: str, timeout_secs: float) -> None:
        from confluent_kafka.schema_registry import Schema, SchemaRegistryClient, SchemaRegistryError

        # The client lets errors of the HTTP library below it through; which one that is, only it knows.
        from confluent_kafka.schema_registry.common._httpx_compat import httpx

        self._url = url
        self._schema = Schema
        self._refused = SchemaRegistryError
        self._silent = httpx.HTTPError
        self._client = SchemaRegistryClient({"url": url, "timeout": timeout_secs})

    def incompatible(self, subject: str, text: str) -> list[str]:
        """See RegistryClient. Judged here, for a registry may be set to let everything pass."""
        latest: Any = self._ask(lambda: self._client.get_latest_version(subject))
        return [] if latest is None else breaks(reader=text, writer=latest.schema.schema_str)

    def register(self, subject: str, text: str) -> int:
        """See RegistryClient."""
        return int(self._ask(lambda: self._client.register_schema(subject, self._schema(text, "AVRO"))))

    def versions(self, subject: str) -> list[tuple[int, str]]:
        """See RegistryClient."""
        numbers: list[int] = self._ask(lambda: self._client.get_versions(subject)) or []
        found: list[Any] = [self._ask(partial(self._client.get_version, subject, number)) for number in numbers]
        return [(int(version.schema_id), version.schema.schema_str) for version in found if version is not None]

    def close(self) -> None:
        """Give the connection back."""
        self._client.close()

    def _ask(self, question: Callable[[], Any]) -> Any:
        """The answer, or None for a subject that is not there."""
        try:
            return question()
        except self._refused as error:
            if error.error_code in SUBJECT_UNKNOWN:
                return None
            raise Transient(
                "REGISTRY_REFUSED", where=self._url, what=str(error), do="read the registry's log and try again"
            ) from error
        except self._silent as error:
            raise Transient(
                "REGISTRY_SILENT",
                where=self._url,
                what=str(error) or "no answer",
                do="start the schema registry (`kvarn up`), or correct its address",
            ) from error


@contextmanager
def connect(url: str, timeout_secs: float = 10.0) -> Iterator[RegistryClient]:
    """A client of the registry at `url` (the base of Confluent's API), closed at the end; asks nothing yet."""
    client = _Confluent(url, timeout_secs)
    try:
        yield client
    finally:
        client.close()


def contracts_of(url: str, topics: Mapping[str, str]) -> Contracts:
    """The contracts to write and read `topics` (topic -> schema) with.

    Registered at `url`; the shipped ids when it is empty. Schemas of no topic are registered under their own name, so
    that every id is the registry's.
    """
    if not url:
        return load_contracts()
    others = {name: name for name in shipped_ids() if name not in topics.values()}
    with connect(url) as client:
        every = {**topics, **others}
        return load_contracts(register(client, every), former_ids(client, every))
