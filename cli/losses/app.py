"""The commands of `kvarn losses`."""

from __future__ import annotations

import typer

from cli.losses.atc import atc

app = typer.Typer(
    help="Losses of network nodes and periods. docs/atc.md says how they are computed.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
app.command("atc")(atc)


@app.callback()
def _several() -> None:
    """There may be more commands."""
