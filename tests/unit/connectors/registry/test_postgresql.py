"""Tables by query: rows of a database are read as those of files; the driver stands behind a double."""

import datetime
import sys
from decimal import Decimal

import pytest

from cli.registry import importing
from connectors.registry import postgresql_source
from connectors.registry.config import Mapping
from connectors.registry.findings import Findings
from connectors.registry.postgresql_source import PostgresqlSource, psycopg_connect
from connectors.registry.tables import METERS, SERVICE_POINTS
from pipeline.errors import ConfigError
from tests.builders_registry import FILES, FakeConnection, FakeCursor, clean, found, queries_of, read, title

MAPPING = Mapping.model_validate({"source": "postgresql", "tables": {name: {"query": name} for name in FILES}})


@pytest.fixture
def connection(monkeypatch):
    fake = FakeConnection({})
    monkeypatch.setenv("KVARN_REGISTRY_DSN", "postgresql://user:secret@host/db")
    monkeypatch.setattr(importing, "psycopg_connect", lambda dsn: lambda: fake)
    return fake


def test_queries_give_the_version_that_files_give(connection, tmp_path):
    files = clean(20)
    connection.results = queries_of(files)
    imported = importing.read_import(MAPPING)
    assert found(imported) == set()
    assert imported.version == read(files.write(tmp_path)).version
    assert connection.closed


def test_a_dirty_row_is_named_by_its_place_in_the_result(connection):
    files = clean(3)
    files.meter(9, template=99)
    connection.results = queries_of(files)
    assert found(importing.read_import(MAPPING)) == {("meters", 4, "template", "TEMPLATE_UNKNOWN")}


def test_a_column_that_a_query_does_not_give_is_missed(connection):
    connection.results = queries_of(clean())
    header, rows = connection.results["network"]
    connection.results["network"] = (header[:1], [row[:1] for row in rows])
    assert ("network", 0, "level", "HEADER_MISSING") in found(importing.read_import(MAPPING))


def test_values_of_the_driver_are_texts_of_a_file(monkeypatch):
    monkeypatch.setattr(postgresql_source, "BLOCK_ROWS", 2)
    moment = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    rows = [(7, moment, True, None), (8, datetime.date(2026, 1, 2), False, 5), (9, moment, None, 6)]
    header = ["service_point", "valid_from", "net_meter", "account"]
    mapping = Mapping.model_validate({"source": "postgresql", "tables": {"service_points": {"query": "q", "constants": {
        "role": "CONSUMER"}}}})  # fmt: skip
    source = PostgresqlSource(mapping, lambda: FakeConnection({"q": (header, rows)}))
    blocks = list(source.blocks(SERVICE_POINTS, Findings()))
    assert [block.lines for block in blocks] == [[1, 2], [3]]
    assert blocks[0].cells == {
        "service_point": ["7", "8"], "valid_from": ["2026-01-01T00:00:00+00:00", "2026-01-02"],
        "net_meter": ["yes", "no"], "account": ["", "5"],
    }  # fmt: skip
    meters = Mapping.model_validate({"source": "postgresql", "tables": {"meters": {"query": "m", "constants": {
        "template": "1", "interval_secs": "900", "limit_wh": "5"}}}})  # fmt: skip
    octets = PostgresqlSource(meters, lambda: FakeConnection({"m": (["system_title"], [(bytes.fromhex(title(1)),)])}))
    (block,) = octets.blocks(METERS, Findings())
    assert block.cells["system_title"][0].upper() == title(1)


def test_a_driver_that_is_not_installed_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ConfigError, match="DRIVER_MISSING"):
        psycopg_connect("postgresql://user:secret@host/db")


def test_without_a_dsn_nothing_is_connected_to(monkeypatch):
    monkeypatch.delenv("KVARN_REGISTRY_DSN", raising=False)
    with pytest.raises(ConfigError, match="DSN_MISSING"):
        importing.read_import(MAPPING)


@pytest.mark.parametrize(("table", "said"), [("network", "near value ABC"), ("keys", "Broken")])
def test_a_query_that_fails_is_named_and_of_keys_not_even_the_message_is_shown(table, said, connection, monkeypatch):
    broken = type("Broken", (Exception,), {"__module__": "psycopg.errors"})

    class Cursor(FakeCursor):
        def execute(self, query):
            if query == table:
                raise broken("near value ABC\nLINE 1")
            super().execute(query)

    connection.results = queries_of(clean())
    monkeypatch.setattr(connection, "cursor", lambda name: Cursor(connection.results))
    with pytest.raises(ConfigError, match="QUERY_FAILED") as raised:
        importing.read_import(MAPPING)
    assert raised.value.what == said


def test_decimals_of_the_driver_are_written_with_the_declared_comma():
    mapping = Mapping.model_validate({"source": "postgresql", "decimal": ",", "tables": {"meters": {"query": "q"}}})
    header = ["system_title", "template", "interval_secs", "limit_wh"]
    rows = [(title(1), 1, 1800, Decimal("7.5")), (title(2), 1, 1800, 7.25)]
    source = PostgresqlSource(mapping, lambda: FakeConnection({"q": (header, rows)}))
    (block,) = source.blocks(METERS, Findings())
    assert block.cells["limit_wh"] == ["7,5", "7,25"]
