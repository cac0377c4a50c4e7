"""The page of a case's runs: the question, all runs, gate and goal, plots, machine; its JSON object beside it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.case import Case
from bench.experiments.figures import number
from bench.experiments.plots import plots, title
from bench.page import RESULTS, dated, machine_text, today

TEXT = """\
# {name}, {date}

**{value} {unit}**, the median of {count}; {correct}.

{question}

## Gate and goal

| | {unit} | met |
| --- | ---: | --- |
| median | {value} | |
| least | {least} | |
| most | {most} | |
| gate | {better} {gate} | {gate_met} |
| goal | {better} {goal} | {goal_met} |
{also}
The spread, most less least, is {share:.1%} of the median.

## Runs

| run | {unit} | rows compared | rows that differ | CPU time used by others |
| --- | ---: | ---: | ---: | ---: |
{runs}

Load: {load}.
{plots}
## Correct

Outside the measured span rows were compared with what the generator's formulas say:

{tables}

## Machine

{machine}

## What the numbers do not say

{unsaid}
"""

UNSAID = "The case says nothing of it."


def write(said: dict[str, Any], case: Case, folder: Path = RESULTS) -> Path:
    """Write the page of what `figures` has said, its plots, and the object itself as JSON; returns where the page is.

    Raises ConfigError when plots cannot be drawn.
    """
    drawn = plots(said["runs"], _median(said))
    folder.mkdir(parents=True, exist_ok=True)
    stem = dated(said["case"])
    for name, svg in drawn.items():
        (folder / f"{stem}-{name}.svg").write_bytes(svg)
    (folder / f"{stem}.json").write_text(json.dumps(said, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    page = folder / f"{stem}.md"
    page.write_text(_text(said, case, [(title(name), f"{stem}-{name}.svg") for name in drawn]), encoding="utf-8")
    return page


def met(said: bool | None) -> str:
    """Whether a gate or goal is met, in a word."""
    return "says nothing of this load" if said is None else "yes" if said else "no"


def _text(said: dict[str, Any], case: Case, files: Sequence[tuple[str, str]]) -> str:
    spread, different, count = said["spread"], said["correct"]["different"], len(said["runs"])
    return TEXT.format(
        name=f"{said['case'][:1].upper()}{said['case'][1:]}", date=today(), question=case.question, unit=said["unit"],
        value=number(said["value"]), count="1 run" if count == 1 else f"{count} runs",
        correct="no row differs from the truth" if not different else
        f"{different:,} rows differ from the truth, so it counts for nothing",
        least=number(spread["least"]), most=number(spread["most"]), share=spread["share"],
        better="at least" if said["better"] == "more" else "at most",
        gate=number(said["gate"]), gate_met=met(said["gate_met"]),
        goal=number(said["goal"]), goal_met=met(said["goal_met"]),
        also="".join(_also(name, row) for name, row in said["also"].items()),
        runs="\n".join(_run(run, correct) for run, correct in zip(said["runs"], said["correct"]["runs"], strict=True)),
        load=", ".join(f"{name} {value}" for name, value in said["load"].items()),
        plots="".join(f"\n## {what}\n\n![{what}]({file})\n" for what, file in files) + _legend(count, files),
        tables=_tables(said["correct"]["runs"]), machine=machine_text(said["machine"]),
        unsaid=case.unsaid.strip() or UNSAID,
    )  # fmt: skip


def _median(said: dict[str, Any]) -> int:
    """Place of the run that is nearest to the median."""
    return min(range(len(said["runs"])), key=lambda place: abs(said["runs"][place]["value"] - said["value"]))


def _also(name: str, row: dict[str, float]) -> str:
    reached = "yes" if row["value"] <= row["goal"] else "no"
    return f"| {name}, for the goal at most {number(row['goal'])} | {number(row['value'])} | {reached} |\n"


def _run(run: dict[str, Any], correct: dict[str, Any]) -> str:
    cells = (str(run["run"]), number(run["value"]), f"{sum(_rows(correct).values()):,}", f"{correct['different']:,}",
             f"{run['cpu_used_by_others']:.0%}")  # fmt: skip
    return f"| {' | '.join(cells)} |"


def _rows(correct: dict[str, Any]) -> dict[str, int]:
    """Table -> rows compared."""
    return {name: count for name, count in correct.items() if name != "different" and isinstance(count, int)}


def _tables(runs: Sequence[dict[str, Any]]) -> str:
    names = list(dict.fromkeys(name for correct in runs for name in _rows(correct)))
    head = ["| table | rows compared, all runs | rows that differ |", "| --- | ---: | ---: |"]
    return "\n".join([*head, *(_table(name, runs) for name in names)])


def _table(name: str, runs: Sequence[dict[str, Any]]) -> str:
    # `rows` are those of readings: see bench.throughput.figures.ROWS.
    table = "readings" if name == "rows" else name
    wrong = [correct.get("wrong", {}).get(table, {}) for correct in runs]
    different = sum(found.get(kind, 0) for found in wrong for kind in ("missing", "unexpected", "other"))
    return f"| {table} | {sum(_rows(correct).get(name, 0) for correct in runs):,} | {different:,} |"


def _legend(count: int, files: Sequence[tuple[str, str]]) -> str:
    return "\nIn colour: the run of the median. Pale: the others.\n" if count > 1 and files else ""
