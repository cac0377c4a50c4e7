"""Versions of the registry are looked up beside the sink's work, and a look that fails is heard of."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.errors import Fatal, Transient
from sinks import process
from sinks.process import NewRegistry


class Broken:
    """References that cannot be read: first in passing, then for good."""

    def __init__(self, *_: Any) -> None:
        self.errors: list[Exception] = [Transient("BROKER_ABSENT", where="here", what="silence", do="wait")]

    def newer(self, _: str) -> None:
        raise self.errors.pop() if self.errors else KeyError("registry")

    def close(self) -> None:
        """Nothing is open."""


def test_a_look_that_fails_for_good_ends_the_sink_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "KafkaReferences", Broken)
    registry = NewRegistry("127.0.0.1:1", "registry", 0.01)
    assert registry() is None
    registry.start()
    registry._thread.join(20)
    with pytest.raises(Fatal, match=r"REGISTRY_WATCH.*KeyError"):
        registry()
    registry.close()
