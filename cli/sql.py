"""`kvarn sql`: a question to the warehouse, also while a pipeline is running; it only reads."""

from __future__ import annotations

import json
import sys
from typing import Annotated, Any

import typer
from rich.table import Table

from cli.output import Json, console, emit
from pipeline.errors import ConfigError
from sinks.clickhouse.config import ClickHouseConfig
from sinks.clickhouse.reader import Reader, open_reader
from sinks.clickhouse.statement import has_format

DSN_DO = "write chdb://FOLDER, or http(s)://USER:PASSWORD@HOST:PORT"
DEFAULT_DSN = "chdb://./data/warehouse"

Statement = Annotated[str, typer.Argument(help="One statement that reads; - takes it from standard input.")]
Csv = Annotated[bool, typer.Option("--csv", help="Print CSV with a header line, all rows.")]
Dsn = Annotated[
    str,
    typer.Option(envvar="CLICKHOUSE_DSN", help="Warehouse: chdb://folder, or http(s)://user:password@host:port."),
]
Database = Annotated[str, typer.Option(help="Database of the tables.")]
Rows = Annotated[int, typer.Option(min=1, help="Most rows of the table that is shown; --json and --csv print all.")]
Seconds = Annotated[float, typer.Option(min=0.1, help="Give up after this time.")]


def sql(
    statement: Statement,
    as_json: Json = False,
    as_csv: Csv = False,
    dsn: Dsn = DEFAULT_DSN,
    database: Database = "kvarn",
    rows: Rows = 100,
    seconds: Seconds = 60.0,
) -> None:
    """Ask the warehouse: SELECT, SHOW, DESCRIBE or EXPLAIN.

    While a pipeline has an embedded warehouse open, the question goes to that process; else the warehouse is opened
    here, reading only. Times are shown in UTC; `day` is the local day. `readings_latest`, `days_latest`,
    `determinants_latest` and `losses_latest` show the newest revision of each row.

    Examples:

        kvarn sql "SHOW TABLES"

        kvarn sql "SELECT day, sum(wh_imp) / 1000 AS kwh FROM readings_latest GROUP BY day ORDER BY day"

        kvarn sql "SELECT code, count() FROM rejects GROUP BY code" --json
    """
    if as_json and as_csv:
        raise ConfigError("OUTPUT_TWICE", where="--json --csv", what="two outputs are asked for", do="choose one")
    text = sys.stdin.read() if statement == "-" else statement
    reader = open_reader(warehouse_of(dsn, database, query_secs=seconds))
    try:
        _print(reader, text, as_json=as_json, as_csv=as_csv, rows=rows)
    finally:
        reader.close()


def warehouse_of(dsn: str, database: str, **more: Any) -> ClickHouseConfig:
    """The warehouse that options name; `more`: of ClickHouseConfig. Raises ConfigError for what is none."""
    try:
        return ClickHouseConfig(dsn=dsn, database=database, **more)
    except ValueError as error:
        where = ", ".join(["--dsn", "--database", *(["--timezone"] if "timezone" in more else [])])
        raise ConfigError("DSN_WRONG", where=where, what=_first_fault(error), do=DSN_DO) from error


def _print(reader: Reader, text: str, *, as_json: bool, as_csv: bool, rows: int) -> None:
    if has_format(text):
        if as_json or as_csv:
            raise ConfigError(
                "OUTPUT_TWICE", where="FORMAT", what="the statement names a format too", do="leave out one of them"
            )
        _raw(reader.ask(text, None))
    elif as_csv:
        _raw(reader.ask(text, "CSVWithNames"))
    elif as_json:
        answer = json.loads(reader.ask(text, "JSON") or "{}")
        emit({"columns": answer.get("meta", []), "rows": answer.get("data", []), "count": answer.get("rows", 0)})
    else:
        _table(json.loads(reader.ask(text, "JSONCompactStrings") or "{}"), rows)


def _table(answer: dict[str, Any], shown: int) -> None:
    table = Table()
    for column in answer.get("meta", []):
        number = column["type"].startswith(("Int", "UInt", "Float", "Decimal"))
        table.add_column(column["name"], justify="right" if number else "left", overflow="fold")
    data = answer.get("data", [])
    for row in data[:shown]:
        table.add_row(*row)
    out = console()
    out.print(table, markup=False)
    more = f", {len(data) - shown} more with --rows, --csv or --json" if len(data) > shown else ""
    out.print(f"{len(data)} row{'' if len(data) == 1 else 's'}{more}", style="dim")


def _raw(answer: bytes) -> None:
    sys.stdout.buffer.write(answer)
    sys.stdout.buffer.flush()


def _first_fault(error: ValueError) -> str:
    faults: list[Any] = getattr(error, "errors", list)()
    return str(faults[0]["msg"]) if faults else str(error)
