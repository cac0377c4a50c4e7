"""The page of the command line, from the commands themselves."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

from typer.main import get_command

from cli.commands import COMMANDS
from cli.main import app, loaded
from cli.output import EXIT_CODES
from cli.reference.markdown import code, page, table


def command_line() -> str:
    """docs/reference/cli.md"""
    panels = dict.fromkeys(command.panel for command in COMMANDS)
    parts: list[str] = []
    for panel in panels:
        parts.append(f"## {panel}")
        for row in COMMANDS:
            if row.panel == panel:
                parts += _command(f"kvarn {row.name}", loaded(row), 3)
    return page(
        "The command line",
        "Where something is reported, `--json` puts it alone on standard output, as one JSON value; progress, logs and "
        'errors go to standard error. An error is `{"error": {"code", "where", "what", "do"}}` then.',
        "## Exit codes",
        table(("code", "meaning", "what to do"), ((row.number, row.meaning, row.next_step) for row in EXIT_CODES)),
        "## Options of all commands",
        "They stand before the command: `kvarn --log-level debug lint`.",
        _parameters(get_command(app)),
        *parts,
    )


def _command(path: str, command: Any, level: int) -> Iterator[str]:
    yield f"{'#' * level} {path}"
    yield inspect.cleandoc(command.help or "")
    yield _parameters(command)
    for name, inner in getattr(command, "commands", {}).items():
        yield from _command(f"{path} {name}", inner, level + 1)


def _parameters(command: Any) -> str:
    rows = [
        (code(_name(item)), code(item.envvar) if item.envvar else "", _default(item), item.help or "")
        for item in command.params
        if not getattr(item, "hidden", False) and item.name not in ("install_completion", "show_completion")
    ]
    return table(("option", "variable", "default", "meaning"), rows) if rows else ""


def _name(item: Any) -> str:
    if item.param_type_name == "argument":
        return f"{item.name.upper()}{'...' if item.nargs == -1 else ''}"
    return ", ".join([*item.opts, *item.secondary_opts])


def _default(item: Any) -> str:
    value = item.default
    if item.required:
        return "must be given"
    if value is None or value is False or callable(value) or value == ():
        return ""
    return code(str(getattr(value, "value", value)).lower() if value is True else getattr(value, "value", value))
