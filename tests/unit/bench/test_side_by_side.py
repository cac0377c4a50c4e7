"""The truth compared by several processes: the same verdict as by one, of warehouses of their own."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from bench.case import Load
from bench.truth import check as checking
from bench.truth import side_by_side
from bench.truth.check import check
from bench.truth.side_by_side import LINKED_OCTETS, check_dsn, linked
from bench.truth.warehouse import Warehouse
from sinks.clickhouse.config import ClickHouseConfig
from sinks.clickhouse.sink import ClickHouseSink

LOAD = Load(meters=400, frames=400, batch_frames=100)


def nothing(_done: int, _total: int) -> None:
    """Nobody looks on."""


@pytest.fixture
def warehouse(tmp_path: Path) -> str:
    """One with all tables, and no row."""
    config = ClickHouseConfig(dsn=f"chdb://{tmp_path}/warehouse")
    with closing(ClickHouseSink(config)) as sink:
        sink.open()
    return config.dsn


def test_several_processes_say_what_one_says(warehouse: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checking, "SLICE_ROWS", 100 * len(LOAD.numbers))
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {0, 1})
    plan, seen = LOAD.plan(1), []
    assert len(list(checking.slices(plan, LOAD.numbers))) >= side_by_side.LEAST_SLICES
    with closing(Warehouse(warehouse)) as open_one:
        alone = check(open_one, plan, LOAD.numbers, nothing)
    together = check_dsn(warehouse, plan, LOAD.numbers, lambda done, total: seen.append((done, total)))
    assert together == alone
    # An empty warehouse lacks what was sent: were it not looked at, nothing would be missing.
    assert together["readings"].missing >= 700
    assert together["losses"].missing > 0
    assert together["rejects"].missing > 0
    assert seen[-1] == (400, 400)


def test_shares_are_of_all_slices_each_once() -> None:
    every = list(checking.slices(LOAD.plan(1), range(1, 100_001)))
    for processes in (1, 2, 3):
        shares = side_by_side._shares(every, processes)
        assert [one for share in shares for one in share] == every
        assert len(shares) == processes
    assert len(side_by_side._shares(every[:3], 2)) == 1


def test_large_files_are_shared_and_small_ones_are_not(tmp_path: Path) -> None:
    (tmp_path / "of" / "store").mkdir(parents=True)
    large, small = tmp_path / "of" / "store" / "data.bin", tmp_path / "of" / "status"
    large.write_bytes(np.zeros(LINKED_OCTETS, np.uint8).tobytes())
    small.write_bytes(b"some lock")
    copy = linked(tmp_path / "of", tmp_path / "copy")
    assert (copy / "store" / "data.bin").stat().st_ino == large.stat().st_ino
    assert (copy / "status").read_bytes() == b"some lock"
    assert (copy / "status").stat().st_ino != small.stat().st_ino
