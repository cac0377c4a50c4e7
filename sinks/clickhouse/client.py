"""Connections to the warehouse, and its errors as ours."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import clickhouse_connect
from clickhouse_connect import common
from clickhouse_connect.driver.exceptions import ClickHouseError, OperationalError, ProgrammingError

from pipeline.errors import ConfigError, Fatal, KvarnError, Transient
from sinks.clickhouse.config import ClickHouseConfig

# Codes of ClickHouse's ErrorCodes that pass by themselves: time and memory limits, too many queries or parts, network,
# a table that is read only for the moment, a keeper that does not answer.
PASSING = {159, 164, 202, 203, 209, 210, 236, 241, 242, 243, 252, 279, 319, 394, 425, 999, 1000}

WRONG_SETTINGS = {60, 62, 81, 192, 193, 194, 497, 516}
"""Codes that a person must put right: unknown table or database, syntax, who may do what, password."""

NO_SPACE = re.compile(r"errno: (28|122)\b|No space left on device|Disk quota exceeded|\(NOT_ENOUGH_SPACE\)")
"""What the engine says of a full disk, under many codes: 243 when it looks ahead, 76, 586, 1001 when a file fails."""

HTTP_STATUS = re.compile(r"HTTP driver received HTTP status (\d{3})")
"""An answer that does not come from ClickHouse itself, but from what stands before it."""

CONNECT_SECS = 10

DSN_DO = "check the dsn, and that ClickHouse runs there"


@contextmanager
def errors_as_ours(where: str) -> Iterator[None]:
    """Turn the client's errors into errors by reaction; never with the values of a statement."""
    try:
        yield
    except OperationalError as error:
        if error.code in WRONG_SETTINGS:
            raise ConfigError("WAREHOUSE_REFUSED", where=where, what=brief(error), do=DSN_DO) from error
        if NO_SPACE.search(str(error)):
            raise _by_code(error, where) from error
        raise Transient("WAREHOUSE_AWAY", where=where, what=brief(error), do=DSN_DO) from error
    except ClickHouseError as error:
        raise _by_code(error, where) from error
    except OSError as error:
        raise Transient("WAREHOUSE_AWAY", where=where, what=str(error), do=DSN_DO) from error


def _by_code(error: ClickHouseError, where: str) -> KvarnError:
    code = getattr(error, "code", None)
    if NO_SPACE.search(str(error)):
        return Transient("WAREHOUSE_FULL", where=where, what=brief(error), do="give its disk more room, or free some")
    if code is None and (status := HTTP_STATUS.search(str(error))):
        passing = status[1].startswith("5") or status[1] in ("408", "429")
        kind, name = (Transient, "WAREHOUSE_AWAY") if passing else (ConfigError, "WAREHOUSE_REFUSED")
        return kind(name, where=where, what=brief(error), do=DSN_DO)
    if code in PASSING:
        return Transient("WAREHOUSE_BUSY", where=where, what=brief(error), do="look at the load of the warehouse")
    if code in WRONG_SETTINGS:
        return ConfigError("WAREHOUSE_REFUSED", where=where, what=brief(error), do=DSN_DO)
    return Fatal("WAREHOUSE_FAILED", where=where, what=brief(error), do="report it with this message")


def brief(error: ClickHouseError) -> str:
    """What the warehouse said, without what the client says around it."""
    said = str(error).split("\n", 1)[0]
    said = re.sub(r" with url: \S+", "", said)
    said = said.removeprefix("Received ClickHouse exception, ").rpartition(" (for url ")[0] or said
    return said.strip()[:500]


def connect(
    config: ClickHouseConfig,
    settings: Mapping[str, Any] | None = None,
    *,
    database: str | None = None,
    make: bool = True,
) -> Any:
    """A client of the warehouse, in `database` or the configured one (made when it is not there, unless `make` is not).

    Raises ConfigError when another process has an embedded warehouse open, Transient when a server does not answer.
    """
    # A session id would make the client's statements wait for each other.
    common.set_setting("autogenerate_session_id", False)
    where = config.dsn.rpartition("@")[2] or config.dsn
    with errors_as_ours(where):
        client = _open_folder(config, settings) if config.embedded else reach(config, settings=dict(settings or {}))
        name = database or config.database
        if make:
            client.command(f"CREATE DATABASE IF NOT EXISTS {name}")
        client.database = name
    return client


def reach(config: ClickHouseConfig, **target: Any) -> Any:
    """A client of a server, which answers in time or is taken for away."""
    return clickhouse_connect.get_client(
        **{"dsn": config.dsn, **target}, connect_timeout=CONNECT_SECS, send_receive_timeout=config.request_secs
    )


def identity(client: Any) -> str:
    """What tells this database from any other, also from one of the same name; empty when it has no tables of ours."""
    question = "SELECT toString(uuid) FROM system.tables WHERE database = currentDatabase() AND name = 'migrations'"
    rows = client.query(question).result_rows
    return str(rows[0][0]) if rows else ""


def _open_folder(config: ClickHouseConfig, settings: Mapping[str, Any] | None) -> Any:
    config.folder.mkdir(parents=True, exist_ok=True)
    try:
        return clickhouse_connect.get_client(interface="chdb", path=str(config.folder), settings=dict(settings or {}))
    except ProgrammingError as error:
        if NO_SPACE.search(str(error)):
            raise
        raise ConfigError(
            "WAREHOUSE_IN_USE",
            where=str(config.folder),
            what=brief(error),
            do="one process at a time may open a warehouse folder: end the other, or ask it with `kvarn sql`",
        ) from error
