"""`kvarn lint`: everything that is wrong with topology files, at once, before anything starts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from cli.output import DEFAULT_FILE, OK, USAGE, Json, console, emit
from cli.topology import check
from pipeline.topology.findings import Finding, Level

Files = Annotated[
    list[Path] | None,
    typer.Argument(help=f"Topology files. [{DEFAULT_FILE}]", envvar="KVARN_TOPOLOGIES", dir_okay=False),
]
Strict = Annotated[bool, typer.Option("--strict", help="Warnings fail too.")]

COLOURS = {Level.ERROR: "red", Level.WARNING: "yellow"}


def lint(files: Files = None, strict: Strict = False, as_json: Json = False) -> None:
    """Check topology files: names, options, schemas, partitions, cycles and variables, all findings at once.

    Nothing is connected to and nothing is started. Each finding has a code, a place and a hint; docs/reference/lint.md
    lists the codes. Ends with 2 when there is an error.
    """
    named = files or [DEFAULT_FILE]
    findings = [finding for file in named for finding in check(file).findings]
    errors = sum(finding.level is Level.ERROR for finding in findings)
    warnings = len(findings) - errors
    if as_json:
        emit(
            {
                "files": [str(file) for file in named],
                "errors": errors,
                "warnings": warnings,
                "findings": [finding.as_json() for finding in findings],
            }
        )
    else:
        _print(console(), named, findings, errors, warnings)
    raise typer.Exit(USAGE if errors or (strict and warnings) else OK)


def _print(out: Console, files: list[Path], findings: list[Finding], errors: int, warnings: int) -> None:
    for finding in findings:
        head = f"[{COLOURS[finding.level]}]{finding.level.value} {finding.code}[/]"
        out.print(f"{escape(str(finding.place))}: {head}: {escape(finding.message)}")
        out.print(f"    {escape(finding.hint)}", style="dim")
    names = escape(", ".join(str(file) for file in files))
    if findings:
        out.print(f"{names}: {_count(errors, 'error')}, {_count(warnings, 'warning')}")
    else:
        out.print(f"{names}: nothing to complain about")


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
