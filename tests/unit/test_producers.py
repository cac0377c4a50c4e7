"""Settings of the producers without which records are lost."""

from __future__ import annotations

from typing import Any

import pytest

from agents.worker import outlet as of_workers
from agents.worker.settings import WorkerSettings
from bench.case import Load
from bench.throughput import feed as of_the_bench
from connectors.gather import outlet as of_connectors
from connectors.ticker import connector as of_ticks
from pipeline.runtime import kafka_references as of_versions
from pipeline.step import Tick
from schemas.load import load_contracts


class Taking:
    """A producer that has everything at once."""

    def produce(self, *_place: Any, **_more: Any) -> None:
        return None

    def poll(self, _secs: float) -> int:
        return 0

    def flush(self, _secs: float) -> int:
        return 0


def made(module: Any, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    seen: dict[str, Any] = {}

    def producer(settings: dict[str, Any]) -> Taking:
        seen.update(settings)
        return Taking()

    monkeypatch.setattr(module, "Producer", producer)
    if module is of_workers:
        module.Outlet(WorkerSettings())
    elif module is of_connectors:
        module.KafkaOutlet("nowhere:1", load_contracts(), module.Targets(), "push")
    elif module is of_ticks:
        module.write_to_all("nowhere:1", load_contracts(), "frames", 4, Tick(0, 0))
    elif module is of_versions:
        module.publish("nowhere:1", "documents", b"{}")
    else:
        topic: Any = type("Topic", (), {"partitions": 12, "name": "frames"})
        module.Feed("nowhere:1", topic, load_contracts(), Load(meters=10, frames=10))
    return seen


@pytest.mark.parametrize(
    "module", [of_workers, of_connectors, of_ticks, of_versions, of_the_bench], ids=lambda module: module.__name__
)
def test_one_request_is_on_its_way_at_a_time(module: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    # With more, a first request that is refused is lost when a later one is taken (pipeline.wire.ONE_AT_A_TIME).
    settings = made(module, monkeypatch)
    assert settings["enable.idempotence"] is True
    assert settings["acks"] == "all"
    assert settings["max.in.flight.requests.per.connection"] == 1


def test_octets_bound_what_waits_in_a_connector_not_the_number_of_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    # A fleet that the registry does not know: hundreds of thousands of small records, and nobody waits for room.
    assert made(of_connectors, monkeypatch)["queue.buffering.max.messages"] >= 10_000_000


def test_a_worker_bounds_the_records_that_wait_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    # A tick at midnight gives a hundred thousand small ones, each with some 200 octets of the client's beside its own;
    # the worker waits for room.
    assert 10_000 <= made(of_workers, monkeypatch)["queue.buffering.max.messages"] <= 100_000


def test_the_client_takes_the_settings_of_a_connector() -> None:
    of_connectors.KafkaOutlet("127.0.0.1:1", load_contracts(), of_connectors.Targets(), "push").poll()
