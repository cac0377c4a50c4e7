"""Migrations are applied once and never changed, and add up to the tables that the code writes to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import ConfigError
from sinks.clickhouse import migrate
from sinks.clickhouse.client import connect
from sinks.clickhouse.config import ClickHouseConfig
from sinks.clickhouse.render import statements
from sinks.clickhouse.sink import ClickHouseSink
from sinks.clickhouse.tables import TABLES

SHAPE = (
    "SELECT table, name, type, default_kind, default_expression, comment, compression_codec, is_in_partition_key, "
    "is_in_sorting_key FROM system.columns WHERE database = '{database}' AND table != 'migrations' "
    "ORDER BY table, position"
)
ENGINES = (
    "SELECT name, engine, engine_full, comment FROM system.tables "
    "WHERE database = '{database}' AND name != 'migrations' ORDER BY name"
)


def shape(client: Any, database: str) -> tuple[Any, Any]:
    columns = client.query(SHAPE.format(database=database)).result_rows
    engines = client.query(ENGINES.format(database=database)).result_rows
    return columns, [(name, engine, in_order(full), comment) for name, engine, full, comment in engines]


def in_order(engine_full: str) -> tuple[str, list[str]]:
    """An engine and its settings; one that was added later stands at the end."""
    engine, _, settings = engine_full.partition(" SETTINGS ")
    return engine, sorted(settings.split(", "))


def test_the_migrations_add_up_to_the_rendered_tables_and_views(warehouse: ClickHouseSink) -> None:
    rendered = connect(warehouse.config, database="rendered")
    try:
        for statement in statements():
            rendered.command(statement.replace("{timezone}", warehouse.config.timezone))
        migrated, wanted = shape(rendered, "kvarn"), shape(rendered, "rendered")
    finally:
        rendered.close()
    assert migrated[0] == wanted[0], (
        "write a migration: python -m sinks.clickhouse.render shows what the tables should be"
    )
    assert migrated[1] == wanted[1]


def test_every_column_of_a_base_table_has_a_comment(warehouse: ClickHouseSink) -> None:
    bare = "SELECT table, name FROM system.columns WHERE database = 'kvarn' AND comment = ''"
    without = warehouse.client.query(bare).result_rows
    assert [row for row in without if row[0] in {*TABLES, "migrations"}] == []


def test_migrations_are_applied_once(config: ClickHouseConfig) -> None:
    migrations = migrate.load(config.timezone)
    client = connect(config)
    try:
        assert migrate.apply(client, migrations) == migrations
        assert migrate.apply(client, migrations) == []
        recorded = client.query("SELECT number, name, checksum FROM migrations ORDER BY number").result_rows
    finally:
        client.close()
    assert recorded == [(one.number, one.name, one.checksum) for one in migrations]


def test_a_migration_that_a_crash_cut_short_is_applied_again(config: ClickHouseConfig) -> None:
    migrations = migrate.load(config.timezone)
    client = connect(config)
    try:
        client.command(migrations[0].statements[0])
        assert migrate.apply(client, migrations) == migrations
    finally:
        client.close()


def test_a_changed_migration_is_refused(tmp_path: Path) -> None:
    (tmp_path / "0001_first.sql").write_text("CREATE TABLE a (b Int8) ENGINE = Memory;\n")
    before = migrate.load("UTC", tmp_path)
    (tmp_path / "0001_first.sql").write_text("CREATE TABLE a (b Int16) ENGINE = Memory;\n")
    with pytest.raises(ConfigError, match="MIGRATION_CHANGED"):
        migrate.waiting(migrate.load("UTC", tmp_path), {1: before[0].checksum})


def test_another_timezone_is_refused_once_the_tables_are_made(config: ClickHouseConfig) -> None:
    made = ClickHouseSink(config)
    made.open()
    made.close()
    moved = ClickHouseSink(config.model_copy(update={"timezone": "Europe/Stockholm"}))
    with pytest.raises(ConfigError, match="MIGRATION_CHANGED"):
        moved.open()
    moved.close()


def test_a_database_of_a_newer_version_is_refused() -> None:
    with pytest.raises(ConfigError, match="MIGRATION_UNKNOWN"):
        migrate.waiting(migrate.load("UTC"), {99: "checksum"})


def test_a_hole_in_the_numbers_is_refused(tmp_path: Path) -> None:
    (tmp_path / "0002_second.sql").write_text("SELECT 1;\n")
    with pytest.raises(ConfigError, match="MIGRATION_NUMBER"):
        migrate.load("UTC", tmp_path)


def test_statements_end_at_the_end_of_a_line_only() -> None:
    text = "CREATE TABLE a (b String COMMENT 'one; two')\nENGINE = Memory;\n\nSELECT 1;"
    assert migrate.Migration(1, "x", text).statements == [
        "CREATE TABLE a (b String COMMENT 'one; two')\nENGINE = Memory",
        "SELECT 1",
    ]
