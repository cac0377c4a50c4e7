"""Tables of a PostgreSQL database, by the queries of the mapping; read by a cursor of the server, block by block.

The driver (`psycopg`) is an optional part: `pip install 'kvarn[postgresql]'`.
"""

from __future__ import annotations

import datetime
import importlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

from connectors.registry.config import Mapping
from connectors.registry.findings import Findings
from connectors.registry.source import BLOCK_ROWS, Block, match_header
from connectors.registry.tables import Table
from pipeline.errors import ConfigError, Transient

Connect = Callable[[], Any]
"""Gives a DB-API connection whose `cursor(name=...)` is one of the server, as psycopg's."""


def psycopg_connect(dsn: str) -> Connect:
    """A connection to `dsn`, read only; raises ConfigError when the driver is missing."""
    try:
        driver = importlib.import_module("psycopg")
    except ModuleNotFoundError as error:
        raise ConfigError("DRIVER_MISSING", where="postgresql", what="the Python package psycopg is not installed",
                          do="install it: pip install 'kvarn[postgresql]'") from error  # fmt: skip

    def connect() -> Any:
        try:
            connection = driver.connect(dsn)
            connection.read_only = True
            # All tables as of one moment, though they are read one after the other.
            connection.isolation_level = driver.IsolationLevel.REPEATABLE_READ
        except driver.Error as error:
            # The message may repeat the DSN, and the DSN has the password.
            raise Transient("DATABASE_UNREACHABLE", where="postgresql", what=type(error).__name__,
                            do="check the DSN, and whether the database answers") from None  # fmt: skip
        return connection

    return connect


class PostgresqlSource:
    """See Source. One transaction for all tables; `close` ends it."""

    def __init__(self, mapping: Mapping, connect: Connect) -> None:
        self._mapping = mapping
        self._connection = connect()

    def close(self) -> None:
        """Give the connection back."""
        self._connection.close()

    def label(self, table: Table) -> str:
        """See Source."""
        return table.name

    def has(self, table: Table) -> bool:
        """See Source."""
        return table.name in self._mapping.tables

    def blocks(self, table: Table, findings: Findings) -> Iterator[Block]:
        """See Source; a row's line is its place in the result, from 1."""
        with _faults(table), self._connection.cursor(name=f"kvarn_{table.name}") as cursor:
            cursor.execute(self._mapping.of(table.name).query)
            rows = cursor.fetchmany(BLOCK_ROWS)
            header = [str(column[0]) for column in cursor.description]
            places = match_header(table, self._mapping, header, 0, findings)
            line = 1
            while places is not None and rows:
                cells = {
                    name: [_text(row[place], self._mapping.decimal) for row in rows] for name, place in places.items()
                }
                yield Block(list(range(line, line + len(rows))), cells)
                line += len(rows)
                rows = cursor.fetchmany(BLOCK_ROWS)


@contextmanager
def _faults(table: Table) -> Iterator[None]:
    """What the driver raises while a table is read: the database went away, or the query is not right."""
    try:
        yield
    except Exception as error:
        if not type(error).__module__.startswith("psycopg"):
            raise
        # By name: the driver is optional. Of these the driver's own hierarchy says that the operation failed, not
        # the query: a connection lost, a server that shuts down, a statement that took too long.
        if any(kind.__name__ == "OperationalError" for kind in type(error).__mro__):
            raise Transient("DATABASE_LOST", where=f"query of {table.name}", what=type(error).__name__,
                            do="run it again when the database answers; nothing was changed") from None  # fmt: skip
        raise _failed(table, error) from None


def _failed(table: Table, error: Exception) -> ConfigError:
    """A message may repeat the value that it is about: of keys only the kind of the error is said."""
    lines = [] if table.secret else str(error).splitlines()
    return ConfigError("QUERY_FAILED", where=f"query of {table.name}", what=lines[0] if lines else type(error).__name__,
                       do="correct the query in the mapping")  # fmt: skip


def _text(value: Any, decimal: str) -> str:
    """A value of the driver as a file would have it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).hex()
    if isinstance(value, Decimal | float):
        return str(value).replace(".", decimal)
    return str(value)
