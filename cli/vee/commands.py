"""The commands of `kvarn vee`."""

from __future__ import annotations

import typer

from cli.vee.accuracy import accuracy

app = typer.Typer(
    help="Validation and estimation of files of interval data.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)


@app.callback()
def _vee() -> None:
    """Validation and estimation of files of interval data."""


app.command("accuracy")(accuracy)
