"""A connector as a whole, its broker in memory: outages it lives through, and its end."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import structlog

from connectors import runner
from connectors.dlms.config import DlmsConfig
from connectors.gather import pump as pump_module
from connectors.gather.brake import Brake, Written
from connectors.gather.config import GatherOptions
from connectors.gather.pump import Pump
from connectors.parked.config import ParkedConfig
from connectors.runner import Environment, run_connector
from pipeline.errors import Transient
from pipeline.reference import FOREVER, version_of
from pipeline.reference_codec import registry_to_bytes
from pipeline.runtime import kafka_from_start
from schemas.load import load_contracts
from tests.unit.connectors.parked_log import ParkedLog
from tests.unit.connectors.test_gather import TITLE, glo, registry, wrapped
from tests.unit.connectors.test_push import MemoryOutlet, free_port, until

FAST = GatherOptions(batch_age_ms=5)


class Outlet(MemoryOutlet):
    """As the runner wants it."""

    written = Written()

    def flush(self) -> int:
        return 0


class Versions:
    """The topic of versions; `away`: its broker does not answer."""

    def __init__(self) -> None:
        self.raw = b""
        self.away = False
        self.looks = 0
        self._told = b""

    def know(self, *devices: int) -> None:
        links = [(device, place, 0, int(FOREVER)) for place, device in enumerate(devices, 1)]
        self.raw = registry_to_bytes(registry(links))

    def newer(self, _kind: str) -> tuple[str, bytes] | None:
        self.looks += 1
        if self.away:
            raise Transient("REGISTRY_UNREADABLE", where="registry", what="no answer", do="check the broker")
        if self.raw == self._told:
            return None
        self._told = self.raw
        return version_of(self.raw), self.raw

    def close(self) -> None:
        return None

    async def looked(self, times: int = 5) -> None:
        before = self.looks
        await until(lambda: self.looks >= before + times)


@pytest.fixture
def outlet(monkeypatch: pytest.MonkeyPatch) -> Outlet:
    made = Outlet()
    monkeypatch.setattr(runner, "KafkaOutlet", lambda *_more: made)
    return made


@pytest.fixture
def versions(monkeypatch: pytest.MonkeyPatch) -> Versions:
    made = Versions()
    monkeypatch.setattr(runner, "KafkaReferences", lambda *_more: made)
    monkeypatch.setattr(runner, "REGISTRY_POLL_SECS", 0.01)
    return made


@pytest.fixture
def parked(monkeypatch: pytest.MonkeyPatch) -> ParkedLog:
    made = ParkedLog()
    monkeypatch.setattr(kafka_from_start, "Consumer", made.consumer)
    return made


def running(name: str, config: Any, stop: asyncio.Event) -> asyncio.Future[None]:
    return asyncio.ensure_future(run_connector(name, config, Environment("nowhere:1", load_contracts(), 4), stop))


async def connect(port: int) -> asyncio.StreamWriter:
    for _ in range(400):
        try:
            return (await asyncio.open_connection("127.0.0.1", port))[1]
        except OSError:
            await asyncio.sleep(0.01)
    raise AssertionError("nobody listens")


async def test_a_broker_that_is_away_ends_no_connector_and_what_was_taken_arrives(
    outlet: Outlet, versions: Versions
) -> None:
    versions.know(TITLE)
    outlet.hold = True
    port, stop = free_port(), asyncio.Event()
    push = running("push", DlmsConfig(listen=f"127.0.0.1:{port}", gather=FAST), stop)
    writer = await connect(port)
    writer.write(wrapped(glo(TITLE)))
    await until(lambda: outlet.waiting_octets > 0)
    with structlog.testing.capture_logs() as logs:
        versions.away = True
        await versions.looked()
        assert not push.done()
        writer.write(wrapped(glo(TITLE)))
        await until(lambda: len(outlet.frames) == 2)
        versions.away = outlet.hold = False
        await versions.looked()
        versions.away = True
        await versions.looked()
    assert [row["code"] for row in logs if row["log_level"] == "warning"] == ["REGISTRY_UNREADABLE"] * 2
    versions.away = False
    versions.know(TITLE, TITLE + 1)
    await versions.looked()
    writer.write(wrapped(glo(TITLE + 1)))
    await until(lambda: len(outlet.frames) == 3)
    assert outlet.aside == []
    writer.close()
    stop.set()
    await push
    assert outlet.waiting_octets == 0


async def test_without_a_first_version_a_silent_broker_is_a_reason_to_end(outlet: Outlet, versions: Versions) -> None:
    versions.away = True
    with pytest.raises(Transient, match="REGISTRY_UNREADABLE"):
        await running("push", DlmsConfig(listen=f"127.0.0.1:{free_port()}", gather=FAST), asyncio.Event())


async def test_a_stop_that_kafka_does_not_let_end_ends_and_says_what_is_lost(
    outlet: Outlet, versions: Versions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pump_module, "HAND_ON_SECS", 0.2)
    versions.know(TITLE)
    outlet.hold = True
    port, stop = free_port(), asyncio.Event()
    push = running("push", DlmsConfig(listen=f"127.0.0.1:{port}", gather=FAST), stop)
    frame = wrapped(glo(TITLE))
    writer = await connect(port)
    writer.write(3 * frame)
    await until(lambda: len(outlet.frames) == 3)
    stop.set()
    with pytest.raises(Transient, match=f"NOT_HANDED_ON.* {3 * len(frame)} octets of 3 accepted frames"):
        await asyncio.wait_for(push, 5)
    writer.close()


async def test_a_frame_parked_behind_the_end_of_the_last_look_flows_on_once(
    outlet: Outlet, versions: Versions, parked: ParkedLog
) -> None:
    """As a push parks it that takes a version over later than this connector."""
    device = TITLE + 1
    frames = [wrapped(glo(device, number.to_bytes(4, "big") + bytes(20))) for number in range(3)]
    parked.write(0, device, frames[0])
    versions.know(TITLE)
    stop = asyncio.Event()
    waiting = running("waiting", ParkedConfig(gather=FAST), stop)
    await versions.looked()
    assert outlet.frames == []
    versions.know(TITLE, device)
    await until(lambda: outlet.frames == frames[:1])
    await versions.looked()
    parked.write(0, device, frames[1])
    parked.write(1, device, frames[2])
    parked.write(1, TITLE + 2, wrapped(glo(TITLE + 2)))
    await until(lambda: sorted(outlet.frames) == frames)
    versions.know(TITLE, device, TITLE + 2)
    await until(lambda: len(outlet.frames) == 4)
    await versions.looked()
    stop.set()
    await waiting
    assert sorted(outlet.frames) == sorted([*frames, wrapped(glo(TITLE + 2))])
    assert outlet.aside == []


def test_status_has_what_was_dropped() -> None:
    outlet: Any = Outlet()
    pump = Pump(registry([]), 4, outlet, FAST, lambda: 1_000)
    pump.counts.dropped = 3
    assert runner.status("push", DlmsConfig(), pump, outlet, Brake(0, lambda: 0.0))["dropped"] == 3
