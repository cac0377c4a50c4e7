"""Connectors of decoded readings obey the same laws: a folder, and a topic with its broker in memory."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from connectors.folder.config import FolderConfig
from connectors.folder.connector import run as run_folder
from connectors.gather.config import GatherOptions
from connectors.gather.pump import Pump
from connectors.readings_topic import intake
from connectors.readings_topic.config import ReadingsTopicConfig
from connectors.readings_topic.connector import run as run_topic
from tests.conformance.connector_laws import ConnectorLaws, Source
from tests.unit.connectors.readings_in.made import MIDNIGHT
from tests.unit.connectors.readings_log import ReadingsLog


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


class TestReadingsTopic(ConnectorLaws):
    @pytest.fixture
    def source(self, monkeypatch: pytest.MonkeyPatch) -> Source:
        log = ReadingsLog()
        monkeypatch.setattr(intake, "Consumer", log.consumer)
        monkeypatch.setattr(intake, "READ_SECS", 0.0)
        return Messages(log)
