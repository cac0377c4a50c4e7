"""The folder connector over real files, with an outlet in memory: taken when complete, put away when acknowledged."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connectors.folder.config import FolderConfig
from connectors.folder.connector import run
from connectors.folder.inbox import Inbox
from connectors.gather.aside import reject_record
from connectors.gather.config import GatherOptions
from connectors.gather.pump import Pump
from pipeline.errors import ConfigError, Fatal
from pipeline.reading_frames import read_reading_frame
from tests.unit.connectors.readings_in.made import DEVICE, MIDNIGHT, TITLE, UNKNOWN, known
from tests.unit.connectors.readings_in.written import Told, as_parquet, nem12
from tests.unit.connectors.test_push import MemoryOutlet, until

HEAD = "device,time,kwh_imp,quality\n"
GOOD = HEAD + "".join(f"{TITLE},2025-07-01T0{hour}:00,{hour},A\n" for hour in range(1, 6))


@asynccontextmanager
async def watching(folder: Path, *, held: bool = False, **options: Any) -> AsyncIterator[tuple[Pump, MemoryOutlet]]:
    """A folder connector that runs; `held`: Kafka takes nothing more before it has stopped."""
    config = FolderConfig(
        path=folder, quiet_secs=0, look_secs=0.01, gather=GatherOptions(batch_age_ms=5), **{"format": "csv"} | options
    )
    outlet = MemoryOutlet()
    pump = Pump(known(), 4, outlet, config.gather, lambda: 1_000, decoded=True)
    pump.registry_version = "v1"
    stop, pumping_stop, ready = asyncio.Event(), asyncio.Event(), asyncio.Event()
    pumping = asyncio.ensure_future(pump.run(pumping_stop))
    running = asyncio.ensure_future(run(config, pump, stop, ready))
    try:
        await asyncio.wait({running, asyncio.ensure_future(ready.wait())}, return_when=asyncio.FIRST_COMPLETED)
        yield pump, outlet
    finally:
        outlet.hold = outlet.hold and held
        stop.set()
        await running
        outlet.hold = False
        pumping_stop.set()
        await pumping


def put(folder: Path, name: str, text: str | bytes) -> None:
    """A file as a good sender writes it: under another name, then renamed."""
    folder.mkdir(exist_ok=True)
    (folder / f".{name}").write_bytes(text if isinstance(text, bytes) else text.encode())
    (folder / f".{name}").rename(folder / name)


def report(path: Path) -> Any:
    return json.loads(path.with_name(path.name + ".report.json").read_text())


async def test_a_file_is_put_away_with_its_report_once_kafka_has_it(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    async with watching(folder) as (_pump, outlet):
        outlet.hold = True
        put(folder, "a.csv", GOOD)
        await until(lambda: bool(outlet.frames))
        await asyncio.sleep(0.1)
        assert (folder / "a.csv").exists()
        outlet.hold = False
        await until(lambda: (folder / "done" / "a.csv").exists())
    assert not (folder / "a.csv").exists()
    (frame,) = map(read_reading_frame, outlet.frames)
    assert [reading.values[0] for reading in frame.readings] == [1000, 2000, 3000, 4000, 5000]
    assert report(folder / "done" / "a.csv") == {
        "file": "a.csv", "head_end": "head-end", "format": "csv", "octets": len(GOOD), "rows": 5, "frames": 1,
        "missing": 0, "refused": 0, "read_to_the_end": True, "registry_version": "v1", "faults": [],
    }  # fmt: skip


async def test_rows_that_were_refused_are_in_the_report_and_in_rejects(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    async with watching(folder) as (_pump, outlet):
        put(folder, "a.csv", GOOD + f"{TITLE},2025-07-01T07:00,x,A\n{UNKNOWN},2025-07-01T07:00,1,A\n")
        await until(lambda: (folder / "done" / "a.csv").exists())
    assert report(folder / "done" / "a.csv")["faults"] == [
        {"row": "line 7", "column": "kwh_imp", "code": "READING_UNREADABLE", "reason": "'x' is no number"}
    ]
    parked, refused = sorted(outlet.aside, key=lambda aside: aside.number)
    assert (parked.parked, parked.device) == (True, UNKNOWN)
    assert read_reading_frame(parked.raw).readings[0].values == {0: 1000}
    assert (refused.device, refused.detail, refused.source) == (
        DEVICE, "line 7, kwh_imp: 'x' is no number", ("a.csv", -1, -1),
    )  # fmt: skip
    assert refused.raw == f"{TITLE},2025-07-01T07:00,x,A".encode()


async def test_the_end_of_a_name_may_say_the_format(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    told = [Told(TITLE, MIDNIGHT + 1800 * hour, {"wh_imp": Decimal(hour)}) for hour in (1, 2)]
    async with watching(folder, format="suffix") as (_pump, outlet):
        put(folder, "a.csv", GOOD)
        put(folder, "b.nem12", nem12(told))
        put(folder, "c.parquet", as_parquet(told))
        put(folder, "d.xml", "<a/>")
        await until(lambda: (folder / "failed" / "d.xml").exists() and (folder / "done" / "c.parquet").exists())
    assert sorted(len(read_reading_frame(frame).readings) for frame in outlet.frames) == [2, 2, 5]
    done = {name: report(folder / "done" / name) for name in ("a.csv", "b.nem12", "c.parquet")}
    assert [(one["format"], one["rows"]) for one in done.values()] == [("csv", 5), ("nem12", 2), ("parquet", 2)]
    assert "tells no format" in report(folder / "failed" / "d.xml")["faults"][0]["reason"]


async def test_a_parquet_file_that_is_broken_goes_to_failed(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    whole = as_parquet([Told(TITLE, MIDNIGHT + 1800, {"wh_imp": Decimal(1)})])
    async with watching(folder, format="parquet") as (_pump, outlet):
        put(folder, "a.parquet", whole[:200] + bytes(50) + whole[250:])
        put(folder, "b.parquet", whole[:-100])
        await until(lambda: (folder / "failed" / "b.parquet").exists())
    assert outlet.frames == []
    assert report(folder / "failed" / "b.parquet")["faults"][0]["code"] == "MESSAGE_UNREADABLE"


@pytest.mark.parametrize("text", ["what is this\n", "", HEAD + f"{TITLE},never,1,A\n"])
async def test_a_file_of_which_nothing_can_be_used_goes_to_failed(tmp_path: Path, text: str) -> None:
    folder = tmp_path / "in"
    async with watching(folder) as (_pump, outlet):
        put(folder, "a.csv", text)
        await until(lambda: (folder / "failed" / "a.csv").exists())
    assert report(folder / "failed" / "a.csv")["refused"] == len(outlet.aside) == 1
    assert outlet.frames == []


async def test_kafka_is_waited_for_as_long_as_it_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "in"
    monkeypatch.setattr("connectors.folder.connector.HAND_ON_SECS", 0.05)
    async with watching(folder) as (_pump, outlet):
        outlet.hold = True
        put(folder, "a.csv", GOOD)
        await until(lambda: bool(outlet.frames))
        await asyncio.sleep(0.5)
        assert (folder / "a.csv").exists()
        outlet.hold = False
        await until(lambda: (folder / "done" / "a.csv").exists())
    assert len(outlet.frames) == 1


async def test_a_file_is_left_and_read_again_when_kafka_has_not_taken_it_at_a_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "in"
    monkeypatch.setattr("connectors.folder.connector.HAND_ON_SECS", 0.05)
    async with watching(folder, held=True) as (_pump, first):
        first.hold = True
        put(folder, "a.csv", GOOD)
        await until(lambda: bool(first.frames))
    assert (folder / "a.csv").exists()
    async with watching(folder) as (_pump, second):
        await until(lambda: (folder / "done" / "a.csv").exists())
    assert first.frames == second.frames, "the same file gives the same frames"


async def test_a_file_that_grew_while_it_was_read_is_left_and_read_again(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    async with watching(folder) as (_pump, outlet):
        outlet.hold = True
        put(folder, "a.csv", GOOD)
        await until(lambda: bool(outlet.frames))
        with (folder / "a.csv").open("a") as stream:
            stream.write(f"{TITLE},2025-07-01T06:00,6,A\n")
        outlet.hold = False
        await until(lambda: (folder / "done" / "a.csv").exists())
        assert not (folder / "done" / "a.2.csv").exists()
    assert report(folder / "done" / "a.csv")["rows"] == 6
    times = {reading.time for frame in map(read_reading_frame, outlet.frames) for reading in frame.readings}
    assert len(times) == 6
    assert sorted(path.name for path in (folder / "done").iterdir()) == ["a.csv", "a.csv.report.json"]


async def test_a_name_that_is_no_utf_8_is_made_printable(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    name = os.fsdecode(b"a\xff.csv")
    async with watching(folder) as (_pump, outlet):
        put(folder, name, GOOD + f"{TITLE},2025-07-01T07:00,x,A\n")
        await until(lambda: (folder / "done" / name).exists())
    assert report(folder / "done" / name)["file"] == "a\\xff.csv"
    (refused,) = outlet.aside
    assert refused.source == ("a\\xff.csv", -1, -1)
    assert reject_record(refused, "folder")["topic"].encode()


async def test_a_second_file_of_the_same_name_replaces_none(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    async with watching(folder) as (_pump, _outlet):
        put(folder, "a.csv", GOOD)
        await until(lambda: (folder / "done" / "a.csv").exists())
        put(folder, "a.csv", GOOD)
        await until(lambda: (folder / "done" / "a.2.csv").exists())
    assert sorted(path.name for path in (folder / "done").iterdir()) == [
        "a.2.csv", "a.2.csv.report.json", "a.csv", "a.csv.report.json",
    ]  # fmt: skip


def test_only_files_that_have_been_quiet_are_complete(tmp_path: Path) -> None:
    inbox = Inbox(FolderConfig(path=tmp_path, pattern="*.csv", quiet_secs=5))
    inbox.open()
    for name in ("a.csv", "b.csv.tmp", ".c.csv", "d.txt", "e.part"):
        (tmp_path / name).write_text("x")
    (tmp_path / "folder.csv").mkdir()
    assert inbox.complete(100.0) == []
    assert inbox.complete(104.0) == []
    (tmp_path / "a.csv").write_text("xy")
    assert inbox.complete(106.0) == []
    assert inbox.complete(110.0) == []
    assert inbox.complete(111.0) == [tmp_path / "a.csv"]


def test_folders_that_cannot_be_made_are_a_fault_of_the_topology(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="FOLDER_ABSENT"):
        Inbox(FolderConfig(path=tmp_path / "file" / "in")).open()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_file_that_cannot_be_moved_ends_the_connector(tmp_path: Path) -> None:
    inbox = Inbox(FolderConfig(path=tmp_path))
    inbox.open()
    (tmp_path / "done").chmod(0o500)
    (tmp_path / "a").write_text("")
    with pytest.raises(Fatal, match="FILE_NOT_MOVED"):
        inbox.put_away(tmp_path / "a", {}, failed=False)


def test_a_file_that_is_gone_ends_the_connector_rather_than_being_lost_from_sight(tmp_path: Path) -> None:
    inbox = Inbox(FolderConfig(path=tmp_path))
    inbox.open()
    with pytest.raises(Fatal, match="FILE_NOT_MOVED"):
        inbox.put_away(tmp_path / "a", {}, failed=False)
