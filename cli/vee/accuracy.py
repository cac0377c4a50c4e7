"""`kvarn vee accuracy`: how well gaps in files of interval data are estimated."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.box import SIMPLE
from rich.table import Table

from agents.vee.estimate.errors import LENGTH_NAMES
from agents.vee.estimate.masks import TRIED
from cli.output import Json, aside, console, emit
from cli.vee.accuracy_input import read_series
from cli.vee.accuracy_report import Settings, measure, report

Inputs = Annotated[
    list[Path],
    typer.Option("--input", help="File of interval data; may be given several times.", exists=True, dir_okay=False),
]
Seed = Annotated[int, typer.Option(help="Decides which intervals are taken away.")]
Gaps = Annotated[
    int,
    typer.Option(
        help="Gaps of 1 d and of 3 d, a series, in each of its two parts; four times as many of 1 h, twice of 6 h.",
        min=1,
    ),
]
MostBias = Annotated[
    float | None,
    typer.Option(help="Rank only methods whose sum is off by no more than this many percent.", min=0, max=100),
]


def accuracy(
    inputs: Inputs, seed: Seed = 1, gaps: Gaps = 300, most_bias: MostBias = None, as_json: Json = False
) -> None:
    """Take known-good intervals away and estimate them: WAPE and bias by method and length of gap.

    Gaps of 1 h, 6 h, 1 d and 3 d, taken by the seed. The order of methods is learned on the first 60 % of each series
    and scored on the rest; "expected" is the error that was published for it, before.
    """
    notes, series = aside(), []
    for path in inputs:
        found = read_series(path)
        notes.print(f"{path.name}: {len(found)} series")
        series += found
    card, scored = measure(series, Settings(seed, gaps, None if most_bias is None else _share(most_bias)))
    rows = report(scored)
    if as_json:
        emit({"seed": seed, "gaps": gaps, "results": rows, "scorecard": list(card.rows())})
        return
    for name in dict.fromkeys(row["input"] for row in rows):
        console().print(_table(name, [row for row in rows if row["input"] == name]))
    silent = {one.file for one in series} - {row["input"] for row in rows}
    for name in sorted(silent):
        notes.print(f"{name}: too short for a row")


def _share(percent: float) -> Fraction:
    return Fraction(str(percent)) / 100


def _table(name: str, rows: list[dict[str, Any]]) -> Table:
    by_gap = {row["gap"]: row for row in rows}
    gaps = [gap for gap in LENGTH_NAMES if gap in by_gap]
    table = Table(title=f"{name}: WAPE (bias)", title_justify="left", box=SIMPLE)
    table.add_column("method", no_wrap=True)
    for gap in gaps:
        table.add_column(gap, justify="right", no_wrap=True)
    table.add_row("gaps", *(str(by_gap[gap]["gaps"]) for gap in gaps))
    for method in TRIED:
        table.add_row(method.name, *(_pair(by_gap[gap]["methods"][method.name]) for gap in gaps))
    table.add_row("chosen order", *(_pair(by_gap[gap]["chosen"]) for gap in gaps), style="bold")
    table.add_row("to best single", *(f"{by_gap[gap]['chosen_to_best']:.3f}" for gap in gaps))
    table.add_row("expected error", *(f"{by_gap[gap]['expected']:.1%}" for gap in gaps))
    table.add_row("to realised", *(f"{by_gap[gap]['expected_to_realised']:.2f}" for gap in gaps))
    return table


def _pair(figures: dict[str, float]) -> str:
    return f"{figures['wape']:.1%} ({figures['bias']:+.0%})"
