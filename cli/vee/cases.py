"""`kvarn test`: the tests of rule sets, each with what is not as it should be."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.console import Console

from agents.vee.rulesets import Facts, RuleSet, calendar_of, load, resolve_span
from agents.vee.rulesets.case_files import read_tests
from agents.vee.rulesets.cases import Case, Judge, differences
from agents.vee.rulesets.judging import judge_series
from agents.vee.series.calendar import local_day
from cli.output import FAILED, OK, Json, console, emit
from cli.vee.lint import texts_of

Files = Annotated[list[Path], typer.Argument(help="Files of tests, `*.test.yaml`.")]


def run_tests(
    files: Files,
    only: Annotated[str, typer.Option("--only", help="Run tests whose name contains this text.")] = "",
    as_json: Json = False,
) -> None:
    """Run the tests of rule sets: readings in, flags and estimates out; says what differs, line by line.

    A file names its rule sets and what must come of the readings it gives (docs/rule-sets.md). Ends with 1 when a test
    fails, with 2 when a file is wrong.

    Example:

        kvarn test examples/rules/*.test.yaml
    """
    results = [result for file in files for result in run_file(file, only, judge_series)]
    failed = sum(bool(result["differences"]) for result in results)
    if as_json:
        emit({"tests": len(results), "failed": failed, "results": results})
    else:
        _show(console(), results, failed)
    raise typer.Exit(FAILED if failed else OK)


def run_file(file: Path, only: str, judge: Judge) -> list[dict[str, Any]]:
    """One row a test of a file: where it stands, its name, and the lines of what differs."""
    tests = read_tests(texts_of([file])[str(file)], str(file))
    rules = [file.parent / name for name in tests.rules]
    rule_sets = load(texts_of(rules))
    calendar = None
    if tests.calendar is not None:
        own = file.parent / tests.calendar
        calendar = calendar_of(texts_of([own])[str(own)], str(own))
    return [
        {"file": str(file), "line": case.line, "name": case.name,
         "differences": run_case(replace(case, calendar=calendar), rule_sets, judge)}
        for case in tests.cases
        if only in case.name
    ]  # fmt: skip


def run_case(case: Case, rule_sets: list[RuleSet], judge: Judge) -> list[str]:
    """What differs from what a case expects."""
    zone = ZoneInfo(case.zone)
    facts: Facts = case.point.facts
    spans = resolve_span(rule_sets, facts, local_day(case.first, zone), local_day(case.last, zone))
    return differences(case, judge(case, spans))


def _show(out: Console, results: list[dict[str, Any]], failed: int) -> None:
    for result in results:
        mark = "[red]FAILED[/]" if result["differences"] else "[green]ok[/]    "
        out.print(mark, end=" ")
        out.print(f"{result['file']}:{result['line']}: {result['name']}", markup=False)
        for line in result["differences"]:
            out.print(f"       {line}", markup=False)
    out.print(f"{len(results)} test{'' if len(results) == 1 else 's'}, {failed} failed")
