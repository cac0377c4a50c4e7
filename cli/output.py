"""What commands say, and how they end: JSON alone on standard output, or text for people; one table of exit codes."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from cli.services.exits import MissingRequirement
from pipeline.errors import ConfigError, ContractError, KvarnError, Transient

OK = 0
FAILED = 1
USAGE = 2
MISSING = 3
NOT_NOW = 4
CONTRACT = 5
INTERRUPTED = 130


@dataclass(frozen=True)
class ExitCode:
    """One way for a command to end."""

    number: int
    meaning: str
    next_step: str


EXIT_CODES: tuple[ExitCode, ...] = (
    ExitCode(OK, "done", "nothing"),
    ExitCode(
        FAILED, "failed: going on would have lost or doubled something, or a service does not run", "read the message"
    ),
    ExitCode(USAGE, "the command, a setting or the topology file is wrong", "correct what the message names"),
    ExitCode(MISSING, "this machine lacks something that the command needs", "install what the message names"),
    ExitCode(NOT_NOW, "something did not answer in time", "try again; check the service that the message names"),
    ExitCode(CONTRACT, "bytes that break a contract", "check the producer that the message names"),
    ExitCode(INTERRUPTED, "interrupted from the keyboard", "nothing: what was not finished is done at the next start"),
)

Json = Annotated[bool, typer.Option("--json", help="Report as JSON, alone on standard output.")]

TopologyFile = Annotated[
    Path,
    typer.Option("--file", "-f", envvar="KVARN_TOPOLOGIES", help="Topology file.", dir_okay=False, show_default=True),
]

Page = Annotated[bool, typer.Option("--page", help="Write a dated page to bench/results.")]

Keep = Annotated[
    Path | None, typer.Option(help="Leave warehouse and logs in this folder, which must be empty.", file_okay=False)
]

DEFAULT_FILE = Path("topologies.yaml")


def exit_code(error: KvarnError) -> int:
    """The exit code of a command that ends with `error`."""
    if isinstance(error, MissingRequirement):
        return MISSING
    if isinstance(error, ConfigError):
        return USAGE
    if isinstance(error, ContractError):
        return CONTRACT
    return NOT_NOW if isinstance(error, Transient) else FAILED


def emit(value: Any) -> None:
    """Write `value` as JSON to standard output; indented when a person looks on."""
    indent = 2 if sys.stdout.isatty() else None
    sys.stdout.write(json.dumps(value, indent=indent, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def console() -> Console:
    """For people, on standard output."""
    return Console(highlight=False, soft_wrap=True)


def aside() -> Console:
    """For people, on standard error: progress and faults, so that standard output can be piped."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


def report(error: KvarnError, *, as_json: bool) -> int:
    """Say what went wrong, as text on standard error and, with `as_json`, as JSON on standard output; the exit code."""
    if as_json:
        emit({"error": {"code": error.code, "where": error.where, "what": error.what, "do": error.do}})
    aside().print(str(error), markup=False, style="red")
    return exit_code(error)
