"""`kvarn`: the command line. Commands stand in `cli.commands.COMMANDS`; errors become a sentence and an exit code."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from cli.commands import BY_NAME, COMMANDS, Command
from cli.logs import LogFormat, LogLevel, set_up
from cli.output import EXIT_CODES, report
from cli.services.exits import MissingRequirement
from pipeline.errors import KvarnError

EPILOG = "Exit codes: " + "; ".join(f"{row.number} {row.meaning}" for row in EXIT_CODES) + "."


class Table(TyperGroup):
    """The commands of the table; one is imported when it is run, so that `--help` stays quick."""

    def __init__(self, **attributes: Any) -> None:
        """Stand-ins with a summary, for help, completion and suggestions."""
        super().__init__(**attributes)
        for row in COMMANDS:
            self.add_command(TyperCommand(name=row.name, help=row.summary, rich_help_panel=row.panel))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command itself."""
        name, found, rest = super().resolve_command(ctx, args)
        return name, found if name is None else loaded(BY_NAME[name]), rest


def loaded(row: Command) -> Any:
    """The command of a row; raises MissingRequirement when a part that it needs is not installed."""
    module, _, attribute = row.target.partition(":")
    try:
        target = getattr(importlib.import_module(module), attribute)
    except ModuleNotFoundError as error:
        raise MissingRequirement([f"`kvarn {row.name}` needs the Python package `{error.name}`"]) from error
    if isinstance(target, typer.Typer):
        return get_command(target)
    single = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode="markdown")
    single.command(row.name, epilog="`kvarn --help` lists the exit codes.")(target)
    return get_command(single)


def _version(asked: bool) -> None:
    if asked:
        try:
            typer.echo(f"kvarn {version('kvarn')}")
        except PackageNotFoundError:
            typer.echo("kvarn, not installed")
        raise typer.Exit


app = typer.Typer(
    name="kvarn",
    cls=Table,
    epilog=EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)


@app.callback()
def options(
    log_format: Annotated[
        LogFormat, typer.Option(envvar="KVARN_LOG_FORMAT", help="Form of logs on standard error; auto: by terminal.")
    ] = LogFormat.AUTO,
    log_level: Annotated[LogLevel, typer.Option(envvar="KVARN_LOG_LEVEL", help="What is logged.")] = LogLevel.INFO,
    _show: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version and end.")
    ] = False,
) -> None:
    """Kvarn turns smart-meter frames into numbers a utility can bill on.

    Start with `kvarn demo`, or with `kvarn lint` and `kvarn graph` on a topology file of your own. Each command
    explains itself with `--help`; where something is reported, `--json` puts it alone on standard output.
    """
    set_up(log_format, log_level)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and end the process with its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        get_command(app).main(args=given, prog_name="kvarn")
    except KvarnError as error:
        sys.exit(report(error, as_json="--json" in given))


if __name__ == "__main__":
    main()
