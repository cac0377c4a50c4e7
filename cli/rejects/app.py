"""The commands of `kvarn rejects`."""

from __future__ import annotations

import typer

from cli.rejects.listing import list_rejects
from cli.rejects.requeue import requeue
from cli.rejects.showing import show

app = typer.Typer(
    help="Frames that were refused: list them, look at one, offer them again.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
app.command("list")(list_rejects)
app.command("show")(show)
app.command("requeue")(requeue)
