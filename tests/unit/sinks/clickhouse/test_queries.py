"""Questions of others: to the process that has the warehouse open, or by opening it; reading only, within limits."""

from __future__ import annotations

import json
import os
import stat
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.reference.warehouse import EXAMPLES
from pipeline.errors import ConfigError, Transient
from sinks.clickhouse.client import connect
from sinks.clickhouse.config import ClickHouseConfig
from sinks.clickhouse.reader import Address, Reader, open_here, open_reader
from sinks.clickhouse.sink import ClickHouseSink
from tests.builders_readings import MIDNIGHT, readings_record


@pytest.fixture
def filled(warehouse: ClickHouseSink) -> ClickHouseSink:
    for offset in range(3):
        warehouse.accept(readings_record(offset, 100, start=MIDNIGHT + 1_800 * offset))
    warehouse.flush()
    return warehouse


@pytest.fixture(params=["through the owner", "opened here"])
def reader(filled: ClickHouseSink, request: pytest.FixtureRequest) -> Iterator[Reader]:
    found = open_reader(filled.config) if request.param == "through the owner" else open_here(filled.config)
    yield found
    found.close()


def number(reader: Reader, statement: str) -> int:
    return int(reader.ask(statement, "TabSeparated"))


def test_a_question_is_answered(reader: Reader) -> None:
    assert number(reader, "SELECT count() FROM readings") == 300
    answer = json.loads(reader.ask("SELECT service_point, wh_imp_quality FROM readings LIMIT 1", "JSON"))
    assert answer["data"] == [{"service_point": 1, "wh_imp_quality": "ACTUAL"}]


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM file('/etc/hostname', 'LineAsString')",
        "SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')",
        "SELECT * FROM executable('id', TabSeparated, 'a String')",
        "SELECT 1 SETTINGS readonly = 0",
        "SELECT 1 SETTINGS max_result_rows = 0",
    ],
)
def test_the_engine_itself_refuses_more_than_reading(reader: Reader, statement: str) -> None:
    with pytest.raises(ConfigError):
        reader.ask(statement, "TabSeparated")
    assert number(reader, "SELECT count() FROM readings") == 300


def test_wrong_sql_is_the_askers_to_correct_and_does_not_spoil_the_next_answer(reader: Reader) -> None:
    with pytest.raises(ConfigError, match="QUERY_WRONG"):
        reader.ask("SELECT nothing FROM nowhere", "JSON")
    with pytest.raises(ConfigError, match="QUERY_WRONG"):
        reader.ask("SELECT throwIf(number = 90000) FROM numbers(100000)", "JSON")
    assert json.loads(reader.ask("SELECT 1 AS one", "JSON"))["data"] == [{"one": 1}]


def test_a_question_that_returns_too_much_or_takes_too_long_is_ended(config: ClickHouseConfig) -> None:
    small = config.model_copy(update={"query_rows": 10_000, "query_secs": 0.5})
    sink = ClickHouseSink(small)
    sink.open()
    reader = open_reader(small)
    try:
        with pytest.raises(ConfigError, match="QUERY_TOO_LARGE"):
            reader.ask("SELECT * FROM numbers(100000)", "TabSeparated")
        with pytest.raises(ConfigError, match="QUERY_TOO_LARGE"):
            reader.ask("SELECT sum(sipHash64(number)) FROM numbers(100000000000)", "TabSeparated")
        assert number(reader, "SELECT 1") == 1
    finally:
        reader.close()
        sink.close()


def test_the_address_is_for_its_user_alone_and_goes_with_its_process(filled: ClickHouseSink) -> None:
    file = Address.file(filled.config.folder)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    address = Address.read(filled.config.folder)
    assert address is not None
    assert address.url.startswith("http://127.0.0.1:")
    filled.close()
    assert not file.exists()


def test_an_address_that_a_dead_process_left_is_passed_over(config: ClickHouseConfig) -> None:
    made = ClickHouseSink(config.model_copy(update={"answer_queries": False}))
    made.open()
    made.close()
    dead = Address("http://127.0.0.1:9", "kvarn", "x", 2**22 + 1)
    Address.file(config.folder).write_text(json.dumps(vars(dead)))
    assert Address.read(config.folder) is None
    reader = open_reader(config)
    assert number(reader, "SELECT count() FROM readings") == 0
    reader.close()


def test_an_owner_that_does_not_answer_is_tried_again_later(config: ClickHouseConfig) -> None:
    config.folder.mkdir(parents=True)
    silent = Address("http://127.0.0.1:9", "kvarn", "x", os.getpid())
    Address.file(config.folder).write_text(json.dumps(vars(silent)))
    with pytest.raises(Transient, match="WAREHOUSE_OWNER_SILENT"):
        open_reader(config)


@pytest.mark.parametrize("headers", [{}, {"X-ClickHouse-User": "kvarn", "X-ClickHouse-Key": "guess"},
                                     {"Authorization": "Basic !!"}])  # fmt: skip
def test_nobody_is_answered_without_the_password(filled: ClickHouseSink, headers: dict[str, str]) -> None:
    address = Address.read(filled.config.folder)
    assert address is not None
    request = urllib.request.Request(f"{address.url}/?query=SELECT%201", headers=headers)
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(request, timeout=10)


def test_any_client_of_clickhouse_may_ask(filled: ClickHouseSink) -> None:
    address = Address.read(filled.config.folder)
    assert address is not None
    headers = {"X-ClickHouse-User": address.user, "X-ClickHouse-Key": address.password}
    url = f"{address.url}/?default_format=CSV&query=SELECT%20count()%20FROM%20kvarn.readings"
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=10) as answer:
        assert answer.read() == b"300\n"


def test_inserts_go_on_while_a_question_is_answered(filled: ClickHouseSink) -> None:
    reader = open_reader(filled.config)
    asked = threading.Thread(target=lambda: reader.ask("SELECT sleep(1)", "TabSeparated"))
    asked.start()
    filled.accept(readings_record(3, 50))
    filled.flush()
    assert asked.is_alive()
    assert filled.client.query("SELECT count() FROM readings").result_rows == [(350,)]
    asked.join()
    reader.close()


@pytest.mark.parametrize(("title", "query"), EXAMPLES, ids=[title for title, _ in EXAMPLES])
def test_the_questions_of_the_reference_page_are_answered(warehouse: ClickHouseSink, title: str, query: str) -> None:
    asked = open_reader(warehouse.config)
    assert "meta" in json.loads(asked.ask(query, "JSON")), title
    asked.close()


def test_a_folder_that_is_not_there_is_no_warehouse(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="WAREHOUSE_MISSING"):
        open_reader(ClickHouseConfig(dsn=f"chdb://{tmp_path}/nothing"))
    assert not (tmp_path / "nothing").exists()


def test_a_second_folder_in_one_process_is_refused_with_a_reason(filled: ClickHouseSink, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="WAREHOUSE_IN_USE"):
        connect(ClickHouseConfig(dsn=f"chdb://{tmp_path}/another"))


def test_a_server_that_is_not_there_is_tried_again() -> None:
    with pytest.raises(Transient, match="WAREHOUSE_AWAY"):
        connect(ClickHouseConfig(dsn="http://user:secret@127.0.0.1:9"))
