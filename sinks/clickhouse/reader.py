"""Read the warehouse: through the process that has its folder open, through a server, or by opening it here.

One process at a time may open a folder of the embedded engine. The one that does writes where it answers questions
beside the folder (`sinks.clickhouse.server`); when that file is there and its process answers, it is asked.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clickhouse_connect.driver.exceptions import ClickHouseError, OperationalError

from pipeline.errors import ConfigError, KvarnError, Transient
from sinks.clickhouse.client import DSN_DO, brief, connect, errors_as_ours, reach
from sinks.clickhouse.config import ClickHouseConfig
from sinks.clickhouse.statement import reading

TOO_MUCH = {158, 159, 160, 161, 241, 307, 396}
"""ClickHouse's ErrorCodes of limits: rows, time, columns, memory, bytes, rows or bytes of the result."""


@dataclass(frozen=True)
class Address:
    """Where the owner of a folder answers, and who may ask: readable by its user alone."""

    url: str
    user: str
    password: str
    pid: int

    @staticmethod
    def file(folder: Path) -> Path:
        """The file beside a warehouse folder."""
        return folder.with_name(folder.name + ".query.json")

    @staticmethod
    def read(folder: Path) -> Address | None:
        """The address beside a folder, unless there is none or its process has ended."""
        try:
            address = Address(**json.loads(Address.file(folder).read_text(encoding="utf-8")))
            os.kill(address.pid, 0)
        except (OSError, ValueError, TypeError):
            return None
        return address


def limits(config: ClickHouseConfig) -> dict[str, str]:
    """Settings that bound a query of others."""
    return {
        "max_execution_time": str(config.query_secs),
        "max_result_rows": str(config.query_rows),
        "max_result_bytes": str(config.query_bytes),
        "max_memory_usage": str(config.memory_bytes),
        "result_overflow_mode": "throw",
    }


@dataclass
class Reader:
    """Answers one reading statement at a time; not to be shared by threads."""

    connect: Callable[[], Any]
    settings: Mapping[str, str]
    where: str

    def __post_init__(self) -> None:
        self.client = self.connect()

    def ask(self, statement: str, fmt: str | None) -> bytes:
        """The answer in a format of ClickHouse.

        Raises ConfigError for a statement that does not only read, is wrong, or asks for too much, and Transient when
        the warehouse does not answer.
        """
        text = reading(statement)
        try:
            answer: bytes = self.client.raw_query(text, fmt=fmt, settings=dict(self.settings))
        except ClickHouseError as error:
            # The embedded engine puts what a failed query had already said before the next answer of its connection.
            self.client.close()
            self.client = self.connect()
            raise _query_error(error, self.where) from error
        return answer

    def close(self) -> None:
        """Let go of the connection."""
        self.client.close()


def _query_error(error: ClickHouseError, where: str) -> KvarnError:
    code = getattr(error, "code", None)
    if code is None and isinstance(error, OperationalError):
        return Transient("WAREHOUSE_AWAY", where=where, what=brief(error), do=DSN_DO)
    if code in TOO_MUCH:
        return ConfigError(
            "QUERY_TOO_LARGE", where=where, what=brief(error), do="narrow it: by day, by service_point, or with LIMIT"
        )
    return ConfigError(
        "QUERY_WRONG",
        where=where,
        what=brief(error),
        do="correct it; SHOW TABLES and DESCRIBE <table> say what there is",
    )


def open_here(config: ClickHouseConfig) -> Reader:
    """A reader in this process: the engine refuses everything but reading, and keeps the limits."""

    def opened() -> Any:
        client = connect(config, limits(config))
        # Last, because no setting can be changed after it.
        client.set_client_setting("readonly", "1")
        return client

    return Reader(opened, {}, config.folder.name)


def open_reader(config: ClickHouseConfig) -> Reader:
    """A reader of the warehouse, by the way that is open; raises ConfigError when there is no warehouse."""
    if not config.embedded:
        where = config.dsn.rpartition("@")[2]
        return Reader(
            lambda: _reached(config, where, database=config.database),
            {**limits(config), "readonly": "1"},
            where,
        )
    address = Address.read(config.folder)
    if address is not None:
        return _ask_owner(config, address)
    if not config.folder.is_dir():
        raise ConfigError(
            "WAREHOUSE_MISSING",
            where=str(config.folder),
            what="there is no warehouse",
            do="run a topology first (`kvarn demo`), or name another warehouse with --dsn",
        )
    return open_here(config)


def _reached(config: ClickHouseConfig, where: str, **target: Any) -> Any:
    # An answer may take as long as the query may.
    patient = config.model_copy(update={"request_secs": max(config.request_secs, int(config.query_secs) + 10)})
    with errors_as_ours(where):
        return reach(patient, **target)


def _ask_owner(config: ClickHouseConfig, address: Address) -> Reader:
    def reached() -> Any:
        try:
            return _reached(
                config, address.url, dsn=address.url, username=address.user, password=address.password,
                database=config.database,
            )  # fmt: skip
        except Transient as error:
            raise Transient(
                "WAREHOUSE_OWNER_SILENT",
                where=str(Address.file(config.folder)),
                what=f"process {address.pid} does not answer at {address.url}",
                do="try again; when that process is no sink, remove this file",
            ) from error

    return Reader(reached, {}, address.url)
