"""An embedded warehouse for a test. One process may have one folder open at a time, so each test closes its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sinks.clickhouse.config import ClickHouseConfig
from sinks.clickhouse.sink import ClickHouseSink


@pytest.fixture
def config(tmp_path: Path) -> ClickHouseConfig:
    return ClickHouseConfig(dsn=f"chdb://{tmp_path}/warehouse")


@pytest.fixture
def warehouse(config: ClickHouseConfig) -> Iterator[ClickHouseSink]:
    sink = ClickHouseSink(config)
    sink.open()
    yield sink
    sink.close()
