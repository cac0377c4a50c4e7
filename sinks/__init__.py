"""Sinks write topics to where they end; one folder each, same rooms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic import BaseModel

from sinks.base import Sink
from sinks.clickhouse.config import ClickHouseConfig

SINKS: dict[str, type[BaseModel]] = {
    "clickhouse": ClickHouseConfig,
}
"""`type` in topologies.yaml -> options. Configurations import no client library, so `lint` needs none."""


def _clickhouse(config: Any) -> Sink:
    from sinks.clickhouse.sink import ClickHouseSink

    return ClickHouseSink(config)


BUILDERS: dict[str, Callable[[Any], Sink]] = {
    "clickhouse": _clickhouse,
}
"""`type` -> the sink of a configuration; here the client library is imported."""
