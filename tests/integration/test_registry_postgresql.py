"""The registry import from a real PostgreSQL: the types that utilities have, one moment for all tables, faults."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from cli.registry.importing import read_import
from connectors.registry.config import Mapping
from connectors.registry.findings import Findings
from connectors.registry.postgresql_source import PostgresqlSource, psycopg_connect
from connectors.registry.source import BLOCK_ROWS
from connectors.registry.tables import ACCOUNTS, METERS
from pipeline.errors import ConfigError, Transient
from tests.builders_registry import FILES, Files, clean, found, read, title
from tests.postgresql import PASSWORD, Server, programs, server

DDL = {
    "network": "node bigint, level text, parent bigint, name text",
    "accounts": "account bigint",
    "meters": "system_title bytea, serial text, template int, interval_secs int, limit_wh numeric(12, 3)",
    "service_points": "service_point bigint, valid_from timestamptz, valid_to timestamptz, account bigint, tariff int, "
    "role text, net_meter boolean, sanctioned_w double precision, dt bigint, feeder bigint",
    "installations": "system_title bytea, service_point bigint, installed_at timestamptz, removed_at timestamptz",
    "keys": "system_title bytea, encryption_key bytea, authentication_key bytea",
}
OCTETS = frozenset({"system_title", "encryption_key", "authentication_key"})


@pytest.fixture(scope="module")
def running() -> Iterator[Server]:
    if programs() is None:
        message = "postgresql cannot run here: its programs are not installed"
        if os.environ.get("CI") == "true":
            pytest.fail(message, pytrace=False)
        pytest.skip(message)
    with server() as started:
        yield started


@pytest.fixture
def database(running: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[psycopg.Connection[Any]]:
    """A connection that writes; the schema is gone afterwards."""
    monkeypatch.setenv("KVARN_REGISTRY_DSN", running.dsn)
    with psycopg.connect(running.dsn, autocommit=True) as connection:
        connection.execute("SET TIME ZONE 'Asia/Kolkata'")
        for name, columns in DDL.items():
            connection.execute(f"CREATE TABLE {name} ({columns})")  # type: ignore[arg-type]
        yield connection
        connection.execute(f"DROP TABLE {', '.join(DDL)}")  # type: ignore[arg-type]


def fill(database: psycopg.Connection[Any], files: Files) -> None:
    for name, rows in files.rows.items():
        columns = [part.split()[0] for part in DDL[name].split(", ") if part.split()[0].isidentifier()]
        with database.cursor() as cursor:
            cursor.executemany(
                f"INSERT INTO {name} ({', '.join(columns)}) VALUES ({', '.join(['%s'] * len(columns))})",  # type: ignore[arg-type]
                [tuple(_typed(column, row.get(column, "")) for column in columns) for row in rows],
            )


def _typed(column: str, text: str) -> Any:
    if not text:
        return None
    return bytes.fromhex(text) if column in OCTETS else text


def mapping(**queries: str) -> Mapping:
    asked = {name: {"query": queries.get(name, f"SELECT * FROM {name}")} for name in FILES}
    return Mapping.model_validate({"source": "postgresql", "tables": asked})


def test_tables_with_types_of_their_own_give_the_version_that_files_give(
    database: psycopg.Connection[Any], tmp_path: Any
) -> None:
    files = clean(300)
    fill(database, files)
    imported = read_import(mapping())
    assert found(imported) == set()
    assert imported.version == read(files.write(tmp_path)).version
    assert imported.keys is not None
    assert len(imported.keys.device) == 300


def test_a_dirty_row_is_named_by_its_place_in_the_result(database: psycopg.Connection[Any]) -> None:
    files = clean(3)
    files.meter(9, template=99)
    fill(database, files)
    assert found(read_import(mapping(meters="SELECT * FROM meters ORDER BY template"))) == {
        ("meters", 4, "template", "TEMPLATE_UNKNOWN")
    }


def test_all_tables_are_as_of_one_moment(database: psycopg.Connection[Any]) -> None:
    fill(database, clean(3))
    source = PostgresqlSource(mapping(), psycopg_connect(os.environ["KVARN_REGISTRY_DSN"]))
    assert sum(len(block.lines) for block in source.blocks(METERS, Findings())) == 3
    database.execute("INSERT INTO accounts VALUES (99)")
    accounts = [cell for block in source.blocks(ACCOUNTS, Findings()) for cell in block.cells["account"]]
    source.close()
    assert accounts
    assert "99" not in accounts


def test_more_rows_than_a_block_come_in_several(database: psycopg.Connection[Any]) -> None:
    rows = 2 * BLOCK_ROWS + 7
    database.execute("INSERT INTO accounts SELECT generate_series(1, %s)", (rows,))
    source = PostgresqlSource(mapping(accounts="SELECT account FROM accounts ORDER BY account"),
                              psycopg_connect(os.environ["KVARN_REGISTRY_DSN"]))  # fmt: skip
    blocks = list(source.blocks(ACCOUNTS, Findings()))
    source.close()
    assert [len(block.lines) for block in blocks] == [BLOCK_ROWS, BLOCK_ROWS, 7]
    assert blocks[-1].cells["account"][-1] == str(rows)


@pytest.mark.parametrize(
    ("query", "said"),
    [("SELECT * FROM nowhere", "nowhere"), ("DELETE FROM accounts RETURNING account", "DELETE"),
     ("SELECT account / 0 AS account FROM accounts", "division by zero")],
)  # fmt: skip
def test_a_query_that_fails_or_would_write_is_named(database: psycopg.Connection[Any], query: str, said: str) -> None:
    fill(database, clean(3))
    before = database.execute("SELECT count(*) FROM accounts").fetchone()
    with pytest.raises(ConfigError, match="QUERY_FAILED") as raised:
        read_import(mapping(accounts=query))
    assert said in raised.value.what
    assert raised.value.where == "query of accounts"
    assert database.execute("SELECT count(*) FROM accounts").fetchone() == before


def test_of_keys_no_value_is_shown(database: psycopg.Connection[Any]) -> None:
    fill(database, clean(3))
    query = "SELECT system_title, encode(encryption_key, 'hex')::int AS encryption_key, authentication_key FROM keys"
    with pytest.raises(ConfigError, match="QUERY_FAILED") as raised:
        read_import(mapping(keys=query))
    assert '"' not in raised.value.what


@pytest.mark.parametrize("dsn", ["postgresql://kvarn:wrong-{0}@127.0.0.1:{1}/postgres",
                                 "postgresql://kvarn:{0}@127.0.0.1:1/postgres", "postgresql://kvarn:{0}@"])  # fmt: skip
def test_a_database_that_does_not_let_in_is_said_without_the_password(running: Server, dsn: str) -> None:
    connect = psycopg_connect(dsn.format(PASSWORD, running.port))
    with pytest.raises(Transient, match="DATABASE_UNREACHABLE") as raised:
        connect()
    assert PASSWORD not in str(raised.value)


def test_a_database_that_goes_away_meanwhile_is_worth_another_try(database: psycopg.Connection[Any]) -> None:
    database.execute("INSERT INTO accounts SELECT generate_series(1, %s)", (2 * BLOCK_ROWS,))
    source = PostgresqlSource(mapping(), psycopg_connect(os.environ["KVARN_REGISTRY_DSN"]))
    blocks = source.blocks(ACCOUNTS, Findings())
    next(blocks)
    database.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
                     " AND backend_type = 'client backend'")  # fmt: skip
    with pytest.raises(Transient, match="DATABASE_LOST"):
        list(blocks)
    source.close()


def test_titles_of_octets_are_read_as_their_hex(database: psycopg.Connection[Any]) -> None:
    fill(database, clean(1))
    source = PostgresqlSource(mapping(), psycopg_connect(os.environ["KVARN_REGISTRY_DSN"]))
    (block,) = source.blocks(METERS, Findings())
    source.close()
    assert [cell.upper() for cell in block.cells["system_title"]] == [title(1)]
