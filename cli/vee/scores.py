"""`kvarn vee scores`: how far estimates are off, as the running scorecard measures it; asked of the warehouse."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.box import SIMPLE
from rich.table import Table

from agents.vee.estimate.document import load
from agents.vee.estimate.document_file import document_text
from agents.vee.estimate.errors import LENGTH_NAMES, LENGTHS
from agents.vee.estimate.order_file import ALL, card_of, class_name, orders_of, written
from cli.hygiene import plain
from cli.output import Json, console, emit
from cli.sql import DEFAULT_DSN, Database, Dsn, Seconds, warehouse_of
from pipeline.errors import ConfigError
from sinks.clickhouse.reader import open_reader

QUESTION = (
    "SELECT toString(role) AS role, tariff_number, toString(load_class) AS load_class, toString(lane) AS lane, "
    "toString(method) AS method, gap_secs, toString(day) AS day, gaps, energy_wh, wrong_wh, over_wh, spread_wh, "
    "wape_permille, bias_permille FROM estimate_scores_latest "
    "ORDER BY role, tariff_number, load_class, lane, gap_secs, method"
)

LANES = {"HOT": "in the stream", "COLD": "with the days around"}

Rows = list[dict[str, Any]]


def scores(
    by_class: Annotated[
        bool, typer.Option("--by-class", help="A table of each class, and not of all together.")
    ] = False,
    order: Annotated[
        bool, typer.Option("--order", help="Print the order of methods that follows, for kvarn vee --order (YAML).")
    ] = False,
    document: Annotated[
        Path | None,
        typer.Option(
            "--document",
            help="Write the order of the stream's methods and their expected errors to this file, for "
            "kvarn vee apply --estimates (YAML).",
        ),
    ] = None,
    most_bias: Annotated[
        float | None,
        typer.Option(
            help="--order, --document: rank only methods whose sum is off by no more than this many percent.",
            min=0,
            max=100,
        ),
    ] = None,
    as_json: Json = False,
    dsn: Dsn = DEFAULT_DSN,
    database: Database = "kvarn",
    timezone: Annotated[str, typer.Option(help="Zone of local days.")] = "Asia/Kolkata",
    seconds: Seconds = 60.0,
) -> None:
    """Show how far estimates are off: WAPE and bias by method and length of gap, measured on sampled service points.

    Asks the warehouse, also while a pipeline is running. What is expected of each estimate: view readings_estimates.

    Examples:

        kvarn vee scores --by-class

        kvarn vee scores --order --most-bias 5 > order.yaml

        kvarn vee scores --document estimates.yaml
    """
    reader = open_reader(warehouse_of(dsn, database, timezone=timezone, query_secs=seconds))
    try:
        found = json.loads(reader.ask(QUESTION, "JSON") or "{}").get("data", [])
    finally:
        reader.close()
    rows = [{name: plain(value) for name, value in row.items()} for row in found]
    if not rows and not as_json:
        raise ConfigError("NO_SCORES", where="estimate_scores", what="nothing is measured yet",
                          do="put the stage scorecard behind vee, and wait for some days")  # fmt: skip
    if document is not None:
        _write(document, rows, most_bias)
    elif order:
        typer.echo(written(orders_of(card_of(rows), most_bias)), nl=False)
    elif as_json:
        emit({"scores": rows})
    else:
        show(rows, by_class)


def _write(path: Path, rows: Rows, most_bias: float | None) -> None:
    """The document of the lane HOT to a file; raises ConfigError."""
    card = card_of(rows, "HOT")
    if not card.sums:
        raise ConfigError("NO_SCORES", where="estimate_scores", what="nothing is measured of the stream yet",
                          do="put the stage scorecard behind vee, and wait for some days")  # fmt: skip
    text = document_text(card, most_bias)
    document = load(text, str(path))
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError("FILE_UNWRITABLE", where=str(path), what=str(error), do="name another file") from error
    console().print(f"{path}: an order for all, {len(document.classes)} classes with their own", markup=False)


def show(rows: Rows, by_class: bool) -> None:
    """Print tables for people."""
    names = sorted({class_name(row) for row in rows}) if by_class else [ALL]
    for name in names:
        for lane, where in LANES.items():
            card = card_of((row for row in rows if name in (ALL, class_name(row))), lane)
            table = Table(title=f"{name}, {where}: WAPE (bias), gaps", title_justify="left", box=SIMPLE)
            table.add_column("method", no_wrap=True)
            for gap in LENGTH_NAMES:
                table.add_column(gap, justify="right", no_wrap=True)
            for method in sorted({method for _, method, _ in card.sums}):
                cells = [card.of(ALL, length).get(method) for length in range(len(LENGTHS))]
                table.add_row(method.name, *("" if one is None else _cell(one) for one in cells))
            if table.row_count:
                console().print(table)


def _cell(sums: Any) -> str:
    if sums.wape is None:
        return f"- {sums.gaps:,}"
    return f"{float(sums.wape):.1%} ({float(sums.bias):+.0%}) {sums.gaps:,}"
