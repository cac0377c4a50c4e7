"""The connector of a topic of frames, its broker in memory: offsets, names beside the frames, and its own cluster."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.frames_topic import cluster
from connectors.frames_topic import connector as frames_topic
from connectors.frames_topic.config import FramesTopicConfig
from connectors.gather import intake
from connectors.gather.config import GatherOptions
from connectors.gather.intake import Source
from connectors.gather.pump import Pump
from pipeline.codes import REJECT_NUMBER
from pipeline.errors import ConfigError
from tests.unit.connectors.certificates import Authority
from tests.unit.connectors.readings_in.made import DEVICE, OTHER, TITLE, known
from tests.unit.connectors.readings_log import TOPIC, ReadingsLog
from tests.unit.connectors.test_gather import glo, wrapped
from tests.unit.connectors.test_push import MemoryOutlet, until

NAMELESS = b"\x0f\x00\x00\x00\x01" + bytes(12)
"""A frame that does not say whose it is."""


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> ReadingsLog:
    made = ReadingsLog()
    monkeypatch.setattr(intake, "Consumer", made.consumer)
    monkeypatch.setattr(intake, "READ_SECS", 0.0)
    monkeypatch.setattr(frames_topic, "check_topic", lambda _source: None)
    return made


@asynccontextmanager
async def reading(outlet: MemoryOutlet, told: list[Any] | None = None, **options: Any) -> AsyncIterator[Pump]:
    """A connector that runs."""
    config = FramesTopicConfig(topic=TOPIC, **{"gather": GatherOptions(batch_age_ms=5), **options})
    pump = Pump(known(), 4, outlet, config.gather, lambda: 1_000)
    stop, pumping_stop = asyncio.Event(), asyncio.Event()
    pumping = asyncio.ensure_future(pump.run(pumping_stop))
    tell = told.append if told is not None else None
    running = asyncio.ensure_future(frames_topic.run(config, "nowhere:1", pump, stop, None, tell))
    try:
        yield pump
    finally:
        stop.set()
        await running
        pumping_stop.set()
        await pumping


async def test_offsets_are_committed_only_when_kafka_has_the_frames(log: ReadingsLog) -> None:
    outlet = MemoryOutlet()
    outlet.hold = True
    frames = [wrapped(glo(DEVICE, number.to_bytes(4, "big") + bytes(20))) for number in range(20)]
    log.write(0, *frames[:10])  # type: ignore[arg-type]
    log.write(1, *frames[10:], None)  # type: ignore[arg-type]
    async with reading(outlet):
        await until(lambda: len(outlet.frames) == 20)
        await asyncio.sleep(0.4)
        assert log.committed == [0, 0]
        outlet.hold = False
        await until(lambda: log.committed == [10, 11])
    assert outlet.frames == frames
    assert log.open == 0


async def test_a_meter_is_named_by_key_or_header_where_its_frame_does_not(log: ReadingsLog, tmp_path: Path) -> None:
    names = tmp_path / "names.csv"
    names.write_text(f"name,device\nGW-7,{TITLE}\n")
    log.write_one(NAMELESS, b"GW-7", meter=b"4711")
    log.write_one(NAMELESS, TITLE.encode(), meter=b"4711")
    log.write_one(NAMELESS, DEVICE.to_bytes(8, "big"), meter=b"4711")
    log.write_one(NAMELESS, b"nobody", meter=b"4711")
    log.write_one(NAMELESS, None, meter=b"\xff\xfe")
    by_key, by_header, told = MemoryOutlet(), MemoryOutlet(), []  # type: ignore[var-annotated]
    async with reading(by_key, told, named_by="key", names=names):
        await until(lambda: log.committed == [5, 0])
    assert (len(by_key.frames), len(by_key.aside)) == (3, 2)
    assert {aside.number for aside in by_key.aside} == {REJECT_NUMBER["FRAME_UNREADABLE"]}
    assert told[0]() == {"names_unknown": 1}
    log.committed[0] = 0
    async with reading(by_header, named_by="header", header="meter"):
        await until(lambda: log.committed == [5, 0])
    assert len(by_header.frames) == 4


async def test_what_is_not_of_its_form_is_refused_with_its_place_and_commits_with_the_others(log: ReadingsLog) -> None:
    outlet = MemoryOutlet()
    good = glo(OTHER)
    log.write(0, good.hex(), "none", good.hex())
    async with reading(outlet, payload="hex"):
        await until(lambda: log.committed == [3, 0])
    assert outlet.frames == [good, good]
    (aside,) = outlet.aside
    assert (aside.raw, aside.source) == (b"none", (TOPIC, 0, 1))


async def test_a_stop_while_nothing_is_taken_commits_nothing_that_is_not_there(
    log: ReadingsLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    outlet = MemoryOutlet()
    outlet.hold = True
    monkeypatch.setattr(frames_topic, "HAND_ON_SECS", 0.2)
    log.write(0, *([glo(DEVICE).hex()] * 9000))
    gather = GatherOptions(batch_age_ms=5, buffer_bytes=100_000, batch_bytes=10_000)
    async with reading(outlet, payload="hex", gather=gather) as pump:
        await until(lambda: pump.stopped)
        asyncio.get_running_loop().call_later(0.5, setattr, outlet, "hold", False)
    assert len(outlet.frames) < 9000
    assert log.committed[0] <= len(outlet.frames)


# ------------------------------------------------------------------------------------------------ its cluster


def settings(**options: Any) -> Source:
    return cluster.source_of(FramesTopicConfig(topic="t", **options), "own:9092")


def test_without_a_cluster_of_its_own_the_deployments_is_read() -> None:
    source = settings()
    assert (source.bootstrap, source.settings) == ("own:9092", {"security.protocol": "plaintext"})
    assert (settings(bootstrap="b:1").bootstrap, settings(start="latest").start) == ("b:1", "latest")


def test_a_cluster_that_asks_who_we_are_is_told(tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text("secret\n")
    password.chmod(0o600)
    authority = Authority(tmp_path)
    security = {"protocol": "sasl_ssl", "user": "kvarn", "password_file": str(password)}
    source = settings(bootstrap="b:1", security=security, tls={"ca": str(authority.file)})
    assert source.settings == {
        "security.protocol": "sasl_ssl", "sasl.mechanism": "SCRAM-SHA-512", "sasl.username": "kvarn",
        "sasl.password": "secret", "ssl.ca.location": str(authority.file),
    }  # fmt: skip
    assert "secret" not in repr(source)
    with pytest.raises(ConfigError, match=r"TLS_FILE at .*absent.pem"):
        settings(bootstrap="b:1", security={"protocol": "ssl"}, tls={"ca": str(tmp_path / "absent.pem")})


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"security": {"protocol": "ssl"}}, "name that"),
        ({"bootstrap": "b:1", "tls": {"ca": "ca.pem"}}, "must be ssl or sasl_ssl"),
        ({"bootstrap": "b:1", "security": {"protocol": "sasl_ssl"}}, "give both"),
        ({"bootstrap": "b:1", "security": {"user": "u", "password_file": "p"}}, "none without"),
        (
            {"bootstrap": "b:1", "security": {"protocol": "sasl_plaintext", "mechanism": "PLAIN", "user": "u",
                                              "password_file": "p"}},
            "would send the password readable",
        ),
    ],
)  # fmt: skip
def test_options_that_do_not_fit_are_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        FramesTopicConfig(topic="t", **options)
