"""The commands of `kvarn facts`."""

from __future__ import annotations

import typer

from cli.facts.from_events import from_events
from cli.facts.importing import import_facts
from cli.facts.listing import list_facts

app = typer.Typer(
    help="Outages, temperatures, check meters and neighbours: hand them on from files, and list them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
app.command("import")(import_facts)
app.command("list")(list_facts)
app.command("from-events")(from_events)
