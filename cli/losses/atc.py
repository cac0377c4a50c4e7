"""`kvarn losses atc`: AT&C loss of nodes and periods from a file of inputs."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from agents.losses.indices.atc import account
from agents.losses.indices.formulas import BY_CODE, FORMULAS, Formula
from agents.losses.indices.ranking import Placed, rankings
from cli.losses.inputs import Book, Entry, read_book
from cli.losses.show import Report, report_json, show_report
from cli.output import OK, USAGE, Json, aside, console, emit
from pipeline.errors import ConfigError


class By(StrEnum):
    """What nodes are ranked by."""

    PERCENT = "percent"
    UNITS = "units"


File = Annotated[Path, typer.Argument(help="CSV or YAML file of inputs; docs/atc.md has its columns.", dir_okay=False)]
Formulas = Annotated[
    list[str] | None,
    typer.Option("--formula", help=f"One of {', '.join(BY_CODE)}; repeat to compare. Left out: {FORMULAS[0].code}."),
]
Nothing = Annotated[
    list[str] | None,
    typer.Option(
        "--none", help="A quantity that no node has (written_off, say): where it is empty it is zero; repeat."
    ),
]
Nodes = Annotated[list[str] | None, typer.Option("--node", help="This node only; repeat.")]
Periods = Annotated[list[str] | None, typer.Option("--period", help="This period only; repeat.")]
Top = Annotated[int, typer.Option("--top", min=0, help="Nodes from each end of a ranking.")]
Ranked = Annotated[By, typer.Option("--by", help="Rank by per cent, or by units unrealised.")]
Lines = Annotated[bool, typer.Option("--rows", help="Show all rows, A to L, of every account.")]
Strict = Annotated[bool, typer.Option("--strict", help="End with 2 when the loss of an account is unknown.")]


def atc(
    file: File, formula: Formulas = None, none: Nothing = None, node: Nodes = None, period: Periods = None,
    top: Top = 5, by: Ranked = By.PERCENT, rows: Lines = False, strict: Strict = False, as_json: Json = False,
) -> None:  # fmt: skip
    """AT&C loss by node and period, with every row of the methodology, and the nodes that lose most and least.

    A quantity that is not given is named, and what needs it is unknown: nothing is filled with zero.
    """
    formulas = [_formula(code) for code in dict.fromkeys(formula or [FORMULAS[0].code])]
    book = read_book(file, none or [])
    entries = _chosen(file, book, node or [], period or [])
    reports = [_report(entries, of, top, by) for of in formulas]
    if as_json:
        emit({"file": str(file), "none": list(book.none), "formulas": [report_json(report) for report in reports]})
    else:
        for report in reports:
            show_report(console(), report, every_row=rows)
    _say_missing(reports)
    unknown = any(item.account.loss is None for report in reports for item in report.placed)
    raise typer.Exit(USAGE if strict and unknown else OK)


def _formula(code: str) -> Formula:
    if code not in BY_CODE:
        raise ConfigError(
            "OPTION_VALUE", where="--formula", what=f"{code!r} is not a formula", do=f"use {', '.join(BY_CODE)}"
        )
    return BY_CODE[code]


def _chosen(file: Path, book: Book, nodes: list[str], periods: list[str]) -> list[Entry]:
    for option, asked, held in (
        ("--node", nodes, {entry.node for entry in book.entries}),
        ("--period", periods, {entry.period for entry in book.entries}),
    ):
        for name in asked:
            if name not in held:
                what = f"{name!r} does not stand in {file}"
                raise ConfigError("OPTION_VALUE", where=option, what=what, do=f"name one of its {option[2:]}s")
    return [
        entry
        for entry in book.entries
        if (not nodes or entry.node in nodes) and (not periods or entry.period in periods)
    ]


def _report(entries: list[Entry], formula: Formula, top: int, by: By) -> Report:
    placed = [Placed(entry.node, entry.level, entry.period, account(entry.inputs, formula)) for entry in entries]
    return Report(formula, placed, rankings(placed, top, by.value), by.value)


def _say_missing(reports: list[Report]) -> None:
    """Which quantities lack, once for all accounts."""
    for report in reports:
        lacking = Counter(name for item in report.placed for name in item.account.missing)
        for name, count in lacking.items():
            aside().print(
                f"{report.formula.code}: {name} is not given for {count} of {len(report.placed)} accounts, and rows "
                f"that need it are unknown. If there was none, write 0 or give --none {name}",
                style="yellow",
            )
