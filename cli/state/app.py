"""The commands of `kvarn state`."""

from __future__ import annotations

import typer

from cli.state.inspect import inspect

app = typer.Typer(
    help="The state of the stages: what it holds, and what memory it takes.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
app.command("inspect")(inspect)


@app.callback()
def _several() -> None:
    """There may be more commands."""
