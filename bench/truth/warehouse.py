"""Columns out of the warehouse as numpy arrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from bench.truth.rows import Rows
from sinks.clickhouse.client import connect, errors_as_ours
from sinks.clickhouse.config import ClickHouseConfig

MEMORY_BYTES = 4 << 30


class Warehouse:
    """An open warehouse; nothing else may have its folder open."""

    def __init__(self, dsn: str) -> None:
        self._config = ClickHouseConfig(dsn=dsn)
        self._client: Any = connect(self._config, {"max_memory_usage": str(MEMORY_BYTES)})

    def rows(self, columns: Mapping[str, str], table: str, where: str = "1", order: str = "", group: str = "") -> Rows:
        """`columns` (name -> expression) of a table as i64 arrays; times as epoch seconds."""
        chosen = ", ".join(f"toInt64({expression}) AS `{name}`" for name, expression in columns.items())
        # The names of the columns must not hide those of the table from the condition.
        grouped, ordered = f"GROUP BY {group}" if group else "", f"ORDER BY {order}" if order else ""
        statement = f"SELECT {chosen} FROM {table} WHERE {where} {grouped} {ordered}"
        settings = {"prefer_column_name_to_alias": "1"}
        with errors_as_ours(table):
            raw: bytes = self._client.raw_query(statement, fmt="ArrowStream", settings=settings)
        read = pa.ipc.open_stream(raw).read_all()
        return {name: np.asarray(read.column(name).to_numpy(), np.int64) for name in columns}

    def count(self, table: str, where: str = "1") -> int:
        """Rows of a table."""
        return int(self.rows({"n": "count()"}, table, where)["n"][0])

    def close(self) -> None:
        """Let go of it."""
        self._client.close()
