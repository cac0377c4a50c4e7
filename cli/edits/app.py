"""The commands of `kvarn edits`."""

from __future__ import annotations

import typer

from cli.edits.deciding import approve, refuse, undo
from cli.edits.listing import list_edits
from cli.edits.propose import propose

app = typer.Typer(
    help="Edits of readings: propose, approve, refuse, undo, list.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
app.command("propose")(propose)
app.command("approve")(approve)
app.command("refuse")(refuse)
app.command("undo")(undo)
app.command("list")(list_edits)
