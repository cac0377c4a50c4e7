"""`kvarn sql` on an embedded warehouse."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.main import main
from sinks.clickhouse.config import ClickHouseConfig
from sinks.clickhouse.sink import ClickHouseSink
from tests.builders_readings import readings_record


@pytest.fixture
def dsn(tmp_path: Path) -> Iterator[str]:
    config = ClickHouseConfig(dsn=f"chdb://{tmp_path}/warehouse")
    sink = ClickHouseSink(config)
    sink.open()
    sink.accept(readings_record(0, 150))
    sink.flush()
    yield config.dsn
    sink.close()


def run(capfd: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    try:
        main(["sql", *arguments])
        code = 0
    except SystemExit as end:
        code = int(end.code or 0)
    out, err = capfd.readouterr()
    return code, out, err


def test_json_stands_alone_on_standard_output(capfd: pytest.CaptureFixture[str], dsn: str) -> None:
    code, out, _ = run(capfd, "SELECT service_point, wh_imp_quality FROM readings LIMIT 1", "--dsn", dsn, "--json")
    assert code == 0
    assert json.loads(out) == {
        "columns": [
            {"name": "service_point", "type": "UInt64"},
            {"name": "wh_imp_quality", "type": json.loads(out)["columns"][1]["type"]},
        ],
        "rows": [{"service_point": 1, "wh_imp_quality": "ACTUAL"}],
        "count": 1,
    }


def test_csv_has_a_header_and_all_rows(capfd: pytest.CaptureFixture[str], dsn: str) -> None:
    code, out, _ = run(capfd, "SELECT service_point, wh_imp FROM readings", "--dsn", dsn, "--csv")
    rows = list(csv.reader(io.StringIO(out)))
    assert (code, rows[0], len(rows)) == (0, ["service_point", "wh_imp"], 151)


def test_a_table_for_people_says_how_many_rows_it_leaves_out(capfd: pytest.CaptureFixture[str], dsn: str) -> None:
    code, out, _ = run(capfd, "SELECT service_point FROM readings", "--dsn", dsn, "--rows", "10")
    assert code == 0
    assert "150 rows, 140 more with --rows" in out


def test_a_statement_that_names_a_format_is_answered_in_it(capfd: pytest.CaptureFixture[str], dsn: str) -> None:
    assert run(capfd, "SELECT 1 AS one FORMAT TSKV", "--dsn", dsn)[:2] == (0, "one=1\n")
    assert run(capfd, "SELECT 1 FORMAT TSKV", "--dsn", dsn, "--csv")[0] == 2


def test_a_statement_may_come_from_standard_input(
    capfd: pytest.CaptureFixture[str], dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("SELECT count() FROM readings;\n"))
    code, out, _ = run(capfd, "-", "--dsn", dsn, "--csv")
    assert (code, out) == (0, '"count()"\n150\n')


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["DROP TABLE readings"], "SQL_NOT_READING"),
        (["SELECT * FROM nowhere"], "QUERY_WRONG"),
        (["SELECT 1", "--json", "--csv"], "OUTPUT_TWICE"),
        (["SELECT 1", "--dsn", "postgres://x"], "DSN_WRONG"),
    ],
)
def test_what_the_asker_can_correct_ends_with_2(
    capfd: pytest.CaptureFixture[str], dsn: str, arguments: list[str], said: str
) -> None:
    given = arguments if "--dsn" in arguments else [*arguments, "--dsn", dsn]
    code, _, err = run(capfd, *given)
    assert code == 2
    assert said in err


def test_a_server_that_does_not_answer_ends_with_4_and_json_says_so(capfd: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capfd, "SELECT 1", "--dsn", "http://127.0.0.1:9", "--json")
    assert code == 4
    assert json.loads(out)["error"]["code"] == "WAREHOUSE_AWAY"


@pytest.mark.parametrize(
    "arguments",
    [
        ["exceptions", "list"], ["vee", "scores"], ["hygiene"], ["rejects", "list", "--warehouse"],
        ["rejects", "show", "a/0/1", "--warehouse"],
        ["facts", "from-events", "out.csv", "--from", "2026-01-01", "--to", "2026-01-02"],
    ],
    ids=lambda words: " ".join(words[:2]),
)  # fmt: skip
def test_a_warehouse_that_can_be_none_is_told_by_each_command(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*arguments, "--dsn", "nowhere"])
    assert ended.value.code == 2
    assert "DSN_WRONG at --dsn, --database" in capsys.readouterr().err
