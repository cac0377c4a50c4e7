"""Connectors that acknowledge obey the same laws: a folder, topics and MQTT with their brokers in memory."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from connectors.edits.config import EditsConfig
from connectors.edits.connector import run as run_edits
from connectors.folder.config import FolderConfig
from connectors.folder.connector import run as run_folder
from connectors.frames_topic import connector as frames_topic
from connectors.frames_topic.config import FramesTopicConfig
from connectors.gather import intake
from connectors.gather.config import GatherOptions
from connectors.gather.pump import Pump
from connectors.mqtt import connector as mqtt
from connectors.mqtt.config import MqttConfig
from connectors.readings_topic.config import ReadingsTopicConfig
from connectors.readings_topic.connector import run as run_topic
from pipeline.statement_frames import read_statement_frame
from tests.conformance.connector_laws import ConnectorLaws, Source
from tests.unit.connectors.edits_log import CONTRACTS, EditsLog, interval, record
from tests.unit.connectors.memory_broker import MemoryBroker
from tests.unit.connectors.readings_in.made import DEVICE, MIDNIGHT, known
from tests.unit.connectors.readings_log import TOPIC, ReadingsLog
from tests.unit.connectors.test_edits import with_points
from tests.unit.connectors.test_gather import glo
from tests.unit.connectors.test_push import MemoryOutlet


def message(device: int, numbers: list[int]) -> str:
    rows = [{"time": MIDNIGHT + 3600 * number, "wh_imp": number} for number in numbers]
    return json.dumps({"device": f"{device:016X}", "readings": rows})


class Files(Source):
    def __init__(self, path: Path) -> None:
        self._path = path
        self._count = 0

    def write(self, device: int, numbers: list[int]) -> None:
        self._put(message(device, numbers))

    def spoil(self) -> None:
        self._put("{")

    def _put(self, text: str) -> None:
        self._path.mkdir(exist_ok=True)
        self._count += 1
        draft = self._path / f".{self._count:05}.json"
        draft.write_text(text)
        draft.rename(self._path / f"{self._count:05}.json")

    async def run(self, gather: GatherOptions, pump: Pump, stop: asyncio.Event) -> None:
        config = FolderConfig(path=self._path, time_format="epoch", quiet_secs=0, look_secs=0.01, gather=gather)
        await run_folder(config, pump, stop)

    @property
    def left(self) -> int:
        return len(list(self._path.glob("*.json")))


class TestFolder(ConnectorLaws):
    @pytest.fixture
    def source(self, tmp_path: Path) -> Source:
        return Files(tmp_path / "in")


class Messages(Source):
    def __init__(self, log: ReadingsLog) -> None:
        self._log = log

    def write(self, device: int, numbers: list[int]) -> None:
        self._log.write(device % 2, message(device, numbers))

    def spoil(self) -> None:
        self._log.write(1, "{")

    async def run(self, gather: GatherOptions, pump: Pump, stop: asyncio.Event) -> None:
        await run_topic(ReadingsTopicConfig(time_format="epoch", gather=gather), "nowhere:1", pump, stop)

    @property
    def left(self) -> int:
        return sum(len(values) for values in self._log.records) - sum(self._log.committed)


def frames(device: int, numbers: list[int]) -> str:
    """A gateway's message: a frame a number."""
    made = [glo(device, b"\x30" + number.to_bytes(4, "big") + bytes(20)).hex() for number in numbers]
    return json.dumps({"gateway": "G1", "frames": made})


class Frames(Source):
    """Its numbers are the invocation counters of its frames."""

    decoded = False

    def numbers(self, outlet: MemoryOutlet, device: int) -> list[int]:
        title = device.to_bytes(8, "big")
        return [int.from_bytes(frame[12:16], "big") for frame in outlet.frames if frame[2:10] == title]


class FrameTopic(Frames):
    def __init__(self, log: ReadingsLog) -> None:
        self._log = log

    def write(self, device: int, numbers: list[int]) -> None:
        self._log.write(device % 2, frames(device, numbers))

    def spoil(self) -> None:
        self._log.write(1, "{")

    async def run(self, gather: GatherOptions, pump: Pump, stop: asyncio.Event) -> None:
        config = FramesTopicConfig(topic=TOPIC, payload="json", gather=gather)
        await frames_topic.run(config, "nowhere:1", pump, stop)

    @property
    def left(self) -> int:
        return sum(len(values) for values in self._log.records) - sum(self._log.committed)


class Subscription(Frames):
    def __init__(self, broker: MemoryBroker) -> None:
        self._broker = broker

    def write(self, device: int, numbers: list[int]) -> None:
        self._broker.publish(f"meters/{device:016X}/push", frames(device, numbers).encode())

    def spoil(self) -> None:
        self._broker.publish("meters/x/push", b"{")

    async def run(self, gather: GatherOptions, pump: Pump, stop: asyncio.Event) -> None:
        await mqtt.run(MqttConfig(payload="json", gather=gather), pump, stop)

    @property
    def left(self) -> int:
        return len(self._broker.unacknowledged)


class TestFramesTopic(ConnectorLaws):
    @pytest.fixture
    def source(self, monkeypatch: pytest.MonkeyPatch) -> Source:
        log = ReadingsLog()
        monkeypatch.setattr(intake, "Consumer", log.consumer)
        monkeypatch.setattr(intake, "READ_SECS", 0.0)
        monkeypatch.setattr(frames_topic, "check_topic", lambda _source: None)
        return FrameTopic(log)


class TestMqtt(ConnectorLaws):
    @pytest.fixture
    def source(self, monkeypatch: pytest.MonkeyPatch) -> Source:
        broker = MemoryBroker()
        monkeypatch.setattr(mqtt, "client_of", broker.client)
        return Subscription(broker)


class TestReadingsTopic(ConnectorLaws):
    @pytest.fixture
    def source(self, monkeypatch: pytest.MonkeyPatch) -> Source:
        log = ReadingsLog()
        monkeypatch.setattr(intake, "Consumer", log.consumer)
        monkeypatch.setattr(intake, "READ_SECS", 0.0)
        return Messages(log)


class Edits(Source):
    """Its numbers are values of edits; answers of the connector are read by it too."""

    decoded = False
    stated = True

    def __init__(self, log: EditsLog) -> None:
        self._log = log
        self._count = 0

    def write(self, device: int, numbers: list[int]) -> None:
        self._count += 1
        rows = [interval(MIDNIGHT + 3600 * number, 3600, wh_imp=number) for number in numbers]
        said = record(id=f"e{self._count}", service_point=self._point(device), intervals=rows)
        self._log.write(self._point(device) % 2, said)

    def numbers(self, outlet: MemoryOutlet, device: int) -> list[int]:
        frames = [read_statement_frame(frame) for frame in outlet.frames]
        mine = [frame for frame in frames if frame.service_point == self._point(device)]
        return [int(number) for frame in mine for number in frame.rows["energy"][:, 0]]

    def _point(self, device: int) -> int:
        return 7 if device == DEVICE else 8

    def spoil(self) -> None:
        self._log.write(1, b"{")

    async def run(self, gather: GatherOptions, pump: Pump, stop: asyncio.Event) -> None:
        pump.adopt(with_points(known(interval=3600)), "v1")
        await run_edits(EditsConfig(gather=gather), "people", ("nowhere:1", CONTRACTS), pump, stop)

    @property
    def left(self) -> int:
        return sum(len(values) for values in self._log.records) - sum(self._log.committed)


class TestEdits(ConnectorLaws):
    @pytest.fixture
    def source(self, monkeypatch: pytest.MonkeyPatch) -> Source:
        return Edits(EditsLog().install(monkeypatch))
