"""The commands of `kvarn vee`: itself a command on a file, and others beside it."""

from __future__ import annotations

import typer

from cli.vee.accuracy import accuracy
from cli.vee.apply import apply
from cli.vee.command import vee
from cli.vee.detection import detection
from cli.vee.lint import explain_point, lint
from cli.vee.scores import scores

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
app.callback(invoke_without_command=True)(vee)
app.command("accuracy")(accuracy)
app.command("detection")(detection)
app.command("scores")(scores)
app.command("lint")(lint)
app.command("explain")(explain_point)
app.command("apply")(apply)
