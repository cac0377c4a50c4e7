"""The commands of `kvarn vee`."""

from __future__ import annotations

import typer

from cli.vee.lint import explain_point, lint

app = typer.Typer(
    help="Validation, estimation and editing: check rule sets, and ask what holds for a service point.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
app.command("lint")(lint)
app.command("explain")(explain_point)
