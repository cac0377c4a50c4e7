"""The warehouse goes away, does not answer, is another one, or has no room: each block still counts once."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from bench.faults.small_disk import SmallDisk
from bench.warehouse.process import WarehouseProcess
from pipeline.errors import ConfigError, Fatal, Transient
from sinks.clickhouse.config import ClickHouseConfig
from sinks.clickhouse.sink import ClickHouseSink
from sinks.clickhouse.whole import ACTIVE, DiskPart
from sinks.records import Block
from tests.builders_readings import readings_record

ROWS = 50


def block(sink: ClickHouseSink, offset: int, rows: int = ROWS) -> Block:
    sink.accept(readings_record(offset, rows))
    (cut,) = sink.blocks.cut(sink.blocks.partitions())
    return cut


def rows_by_offset(sink: ClickHouseSink) -> dict[int, int]:
    query = "SELECT origin_offset, count() FROM readings GROUP BY origin_offset ORDER BY origin_offset"
    return dict(sink.client.query(query).result_rows)


# ---------------------------------------------------------------------------------------------- behind HTTP


@pytest.fixture
def server(tmp_path: Path) -> Iterator[WarehouseProcess]:
    process = WarehouseProcess(tmp_path / "warehouse")
    process.start()
    yield process
    process.end()


@pytest.fixture
def remote(server: WarehouseProcess) -> Iterator[ClickHouseSink]:
    sink = ClickHouseSink(ClickHouseConfig(dsn=server.dsn, request_secs=2))
    sink.open()
    yield sink
    sink.close()


def test_a_server_that_is_gone_is_away_until_it_is_back(server: WarehouseProcess, remote: ClickHouseSink) -> None:
    remote.write(block(remote, 0))
    server.kill()
    waiting = block(remote, 1)
    for _ in range(3):
        with pytest.raises(Transient, match="WAREHOUSE_AWAY"):
            remote.write(waiting)
    server.start()
    remote.write(waiting)
    assert rows_by_offset(remote) == {0: ROWS, 1: ROWS}


def test_a_server_that_is_killed_in_an_insert_has_the_block_once(
    server: WarehouseProcess, remote: ClickHouseSink
) -> None:
    large = 40_000
    for offset in range(3):
        cut = block(remote, offset, large)
        killer = threading.Timer(0.05 + 0.1 * offset, server.kill)
        killer.start()
        with suppress(Transient):
            remote.write(cut)
        killer.join()
        server.start()
        # A connection that was kept open is dead now: one try may be lost with it.
        for _ in range(2):
            try:
                remote.write(cut)
                break
            except Transient:
                continue
        assert rows_by_offset(remote) == dict.fromkeys(range(offset + 1), large)


def test_a_server_that_does_not_answer_is_away_after_the_time_out(
    server: WarehouseProcess, remote: ClickHouseSink
) -> None:
    server.signal(signal.SIGSTOP)
    waiting = block(remote, 0)
    try:
        with pytest.raises(Transient, match="WAREHOUSE_AWAY"):
            remote.write(waiting)
    finally:
        server.signal(signal.SIGCONT)
    # What the server read before may be carried out now, beside the same block under the same token.
    remote.write(waiting)
    remote.write(waiting)
    assert rows_by_offset(remote) == {0: ROWS}


def test_an_empty_warehouse_that_answers_instead_is_not_written_to(
    server: WarehouseProcess, remote: ClickHouseSink, tmp_path: Path
) -> None:
    remote.write(block(remote, 0))
    server.end()
    server.folder.rename(tmp_path / "the right one")
    server.start()
    waiting = block(remote, 1)
    with pytest.raises((Transient, ConfigError)):
        remote.write(waiting)
    with pytest.raises((Fatal, ConfigError), match=r"WAREHOUSE_(OTHER|REFUSED)"):
        remote.write(waiting)


def test_what_is_wrong_with_a_statement_is_told_from_what_passes(remote: ClickHouseSink) -> None:
    remote.client.command("DROP TABLE readings")
    with pytest.raises(ConfigError, match="WAREHOUSE_REFUSED"):
        remote.write(block(remote, 0))


# ---------------------------------------------------------------------------------------------- on a disk of our own


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    small = SmallDisk(tmp_path / "small", 64)
    try:
        small.mount()
    except ConfigError as error:
        if os.environ.get("CI") == "true" and os.geteuid() == 0:
            raise
        pytest.skip(str(error))
    yield small
    small.unmount()


def embedded(folder: Path, **options: int) -> ClickHouseSink:
    return ClickHouseSink(ClickHouseConfig(dsn=f"chdb://{folder}", answer_queries=False, **options))


@pytest.mark.parametrize("spare", [0, 1 << 20], ids=["the engine notices", "we notice before"])
def test_a_full_disk_is_waited_for_and_the_block_counts_once(disk: SmallDisk, spare: int) -> None:
    sink = embedded(disk.folder / "warehouse", spare_bytes=spare)
    sink.open()
    try:
        sink.write(block(sink, 0))
        disk.fill()
        waiting = block(sink, 1)
        for _ in range(3):
            with pytest.raises(Transient, match="WAREHOUSE_FULL"):
                sink.write(waiting)
        disk.empty()
        sink.write(waiting)
        sink.write(waiting)
        assert rows_by_offset(sink) == {0: ROWS, 1: ROWS}
    finally:
        sink.close()


def test_a_disk_that_is_full_at_the_start_is_waited_for(disk: SmallDisk) -> None:
    sink = embedded(disk.folder / "warehouse", spare_bytes=1 << 20)
    disk.fill()
    with pytest.raises(Transient, match="WAREHOUSE_FULL"):
        sink.open()
    disk.empty()
    sink.open()
    try:
        sink.write(block(sink, 0))
        assert rows_by_offset(sink) == {0: ROWS}
    finally:
        sink.close()


def parts(sink: ClickHouseSink) -> list[DiskPart]:
    return [part for row in sink.client.query(ACTIVE).result_rows if (part := DiskPart(*row)).table == "readings"]


def cut_short(part: DiskPart) -> None:
    """As a disk that becomes full while the part is written: the files are there, and nothing in them."""
    for path in Path(part.path).iterdir():
        os.truncate(path, 0)


def torn_insert(sink: ClickHouseSink, original: Callable[[Block], int]) -> Callable[[Block], int]:
    def insert(cut: Block) -> int:
        rows = original(cut)
        cut_short(max(parts(sink), key=lambda part: int(part.name.split("_")[2])))
        return rows

    return insert


@pytest.fixture
def local(tmp_path: Path) -> Iterator[ClickHouseSink]:
    sink = embedded(tmp_path / "warehouse")
    sink.open()
    yield sink
    sink.close()


def test_an_insert_that_the_disk_cut_short_is_done_again(
    local: ClickHouseSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    local.client.command("SYSTEM STOP MERGES readings")
    local.write(block(local, 0))
    waiting = block(local, 1)
    with monkeypatch.context() as torn:
        torn.setattr(local, "_insert", torn_insert(local, local._insert))
        with pytest.raises(Transient, match="WAREHOUSE_FULL"):
            local.write(waiting)
    local.write(waiting)
    local.write(waiting)
    assert rows_by_offset(local) == {0: ROWS, 1: ROWS}
    local.close()
    local.open()
    assert rows_by_offset(local) == {0: ROWS, 1: ROWS}


def test_a_merge_that_the_disk_cut_short_ends_the_sink_and_the_next_start_has_all_rows(local: ClickHouseSink) -> None:
    for offset in range(3):
        local.write(block(local, offset))
    local.client.command("OPTIMIZE TABLE readings FINAL")
    (merged,) = parts(local)
    assert merged.level > 0
    cut_short(merged)
    waiting = block(local, 3)
    with pytest.raises(Fatal, match="WAREHOUSE_TORN"):
        local.write(waiting)
    local.close()
    local.open()
    local.write(waiting)
    assert rows_by_offset(local) == dict.fromkeys(range(4), ROWS)


def test_a_part_that_is_broken_with_its_rows_nowhere_else_is_not_passed_over(local: ClickHouseSink) -> None:
    local.write(block(local, 0))
    (part,) = parts(local)
    local.close()
    cut_short(part)
    with pytest.raises(Fatal, match="WAREHOUSE_DAMAGED"):
        local.open()
