"""The commands of `kvarn exceptions`."""

from __future__ import annotations

import typer

from cli.exceptions.listing import list_exceptions
from cli.exceptions.settling import accept, edit, re_estimate, undo
from cli.exceptions.taking import assign, close, release, take

app = typer.Typer(
    help="The queue of exceptions: list, take, assign, accept, estimate anew, edit, undo; many at once by filter.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
app.command("list")(list_exceptions)
app.command("take")(take)
app.command("assign")(assign)
app.command("release")(release)
app.command("close")(close)
app.command("accept")(accept)
app.command("re-estimate")(re_estimate)
app.command("edit")(edit)
app.command("undo")(undo)
