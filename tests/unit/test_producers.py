"""Settings of the producers without which records are lost."""

from __future__ import annotations

from typing import Any

import pytest

from agents.worker import outlet as of_workers
from agents.worker.settings import WorkerSettings
from bench.case import Load
from bench.throughput import feed as of_the_bench
from connectors.gather import outlet as of_connectors
from schemas.load import load_contracts


def made(module: Any, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    seen: dict[str, Any] = {}
    monkeypatch.setattr(module, "Producer", seen.update)
    if module is of_workers:
        module.Outlet(WorkerSettings())
    elif module is of_connectors:
        module.KafkaOutlet("nowhere:1", load_contracts(), module.Targets(), "push")
    else:
        topic: Any = type("Topic", (), {"partitions": 12, "name": "frames"})
        module.Feed("nowhere:1", topic, load_contracts(), Load(meters=10, frames=10))
    return seen


@pytest.mark.parametrize("module", [of_workers, of_connectors, of_the_bench], ids=lambda module: module.__name__)
def test_one_request_is_on_its_way_at_a_time(module: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    # With more, a first request that is refused is lost when a later one is taken (pipeline.wire.ONE_AT_A_TIME).
    settings = made(module, monkeypatch)
    assert settings["enable.idempotence"] is True
    assert settings["acks"] == "all"
    assert settings["max.in.flight.requests.per.connection"] == 1
