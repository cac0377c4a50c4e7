"""Which log `kvarn explain` reads the frames of a bill from."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from cli.explain import app
from schemas.load import load_contracts


def test_frames_are_looked_for_in_the_log_that_the_bill_was_made_from(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    plan = SimpleNamespace(kafka=SimpleNamespace(schema_registry=""), subjects=lambda: [])
    monkeypatch.setattr(app, "read_plan", lambda file: plan)
    monkeypatch.setattr(app, "contracts_of", lambda registry, subjects: load_contracts())
    monkeypatch.setattr(app, "kafka_log", lambda plan, topic: asked.append(topic))
    monkeypatch.setattr(app, "keys_for", lambda *given: None)
    found = app._sources({"service_point": 7, "source_topic_id": "frames-2"}, None, None, Path("topologies.yaml"))
    assert (asked, found.log) == (["frames-2"], None)
    assert "none of the topology's" in found.no_log
