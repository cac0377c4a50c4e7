"""Registering the shipped schemas, against a registry in memory."""

from __future__ import annotations

import pytest

from pipeline.errors import ConfigError
from schemas.compatibility import breaks
from schemas.load import schema_text
from schemas.registry import register


class MemoryRegistry:
    """Subjects and ids as a registry keeps them: one id a text."""

    def __init__(self) -> None:
        self.latest: dict[str, str] = {}
        self.ids: dict[str, int] = {}

    def incompatible(self, subject: str, text: str) -> list[str]:
        return breaks(reader=text, writer=self.latest[subject]) if subject in self.latest else []

    def register(self, subject: str, text: str) -> int:
        self.latest[subject] = text
        return self.ids.setdefault(text, len(self.ids) + 1)


def test_topics_with_one_schema_get_one_id() -> None:
    client = MemoryRegistry()
    ids = register(client, {"frames": "FrameBatch", "rejects": "Reject", "parked": "Reject"})
    assert ids == {"FrameBatch": 1, "Reject": 2}
    assert set(client.latest) == {"frames-value", "rejects-value", "parked-value"}


def test_registering_again_gives_the_same_ids() -> None:
    client = MemoryRegistry()
    topics = {"losses": "Loss", "determinants": "Determinant"}
    assert register(client, topics) == register(client, topics)


def test_nothing_is_registered_when_one_schema_does_not_fit() -> None:
    client = MemoryRegistry()
    client.latest["losses-value"] = schema_text("Loss").replace('"FEEDER"', '"LINE"')
    with pytest.raises(ConfigError, match="SCHEMA_INCOMPATIBLE at losses-value"):
        register(client, {"frames": "FrameBatch", "losses": "Loss"})
    assert set(client.latest) == {"losses-value"}


def test_a_registry_that_gives_one_schema_two_ids_is_refused() -> None:
    class Counting(MemoryRegistry):
        def register(self, subject: str, text: str) -> int:
            self.latest[subject] = text
            return len(self.latest)

    with pytest.raises(ConfigError, match="SCHEMA_TWO_IDS"):
        register(Counting(), {"rejects": "Reject", "parked": "Reject"})


def test_a_topic_with_an_unknown_schema_is_refused() -> None:
    with pytest.raises(ConfigError, match="SCHEMA_UNKNOWN at Nothing"):
        register(MemoryRegistry(), {"x": "Nothing"})
