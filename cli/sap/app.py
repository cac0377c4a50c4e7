"""The commands of `kvarn sap`: they read the sink's journal, also while the sink runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from cli.output import Json, console, emit
from pipeline.errors import ConfigError
from schemas.mdus.check import Checker
from schemas.mdus.names import NAMESPACES
from schemas.mdus.xml import UnreadableError, body_of, name_of, parsed
from sinks.sap_mdus.journal import Journal

app = typer.Typer(
    help="Messages to SAP: how many have which outcome, what was refused and why, bills to be made anew.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)

JournalFile = Annotated[Path, typer.Argument(help="The sink's journal (its option `journal`).", dir_okay=False)]


def _opened(path: Path) -> Journal:
    if not path.is_file():
        raise ConfigError("JOURNAL_ABSENT", where=str(path), what="there is no such file", do="name the sink's journal")
    journal = Journal(path)
    journal.look()
    return journal


def _told(rows: list[dict[str, Any]], as_json: bool, nothing: str) -> None:
    if as_json:
        emit(rows)
        return
    for row in rows:
        console().print("  ".join(f"{name} {value}" for name, value in row.items()), markup=False)
    if not rows:
        console().print(nothing)


@app.command()
def status(journal: JournalFile, as_json: Json = False) -> None:
    """Count messages and orders by state, and cases for a new bill."""
    found = _opened(journal)
    counts = found.counts()
    found.close()
    _told([dict(sorted(counts.items()))], as_json, "")


@app.command()
def refused(journal: JournalFile, as_json: Json = False) -> None:
    """List messages that were refused, each with its UUID, order and the receiver's reason."""
    found = _opened(journal)
    rows = found.refused()
    found.close()
    _told(rows, as_json, "nothing was refused")


@app.command()
def cases(journal: JournalFile, as_json: Json = False) -> None:
    """List readings that have changed after they were billed: somebody must decide on a new bill."""
    found = _opened(journal)
    rows = found.cases()
    found.close()
    _told(rows, as_json, "no billed reading has changed")


@app.command()
def show(journal: JournalFile, uuid: Annotated[str, typer.Argument(help="UUID of the message.")]) -> None:
    """Print a message that waits or was refused, as XML."""
    found = _opened(journal)
    body = found.body(uuid)
    found.close()
    if body is None:
        raise ConfigError("MESSAGE_UNKNOWN", where=uuid, what="the journal has no such message", do="see `refused`")
    typer.echo(body.decode())


@app.command()
def resend(
    journal: JournalFile, uuids: Annotated[list[str], typer.Argument(help="UUIDs of refused messages.")],
    as_json: Json = False,
) -> None:  # fmt: skip
    """Send refused messages again, under their UUIDs, with the sink's next block.

    One that a newer reading has overtaken stays refused.
    """
    found = _opened(journal)
    with found.transaction():
        done = {uuid: found.resend(uuid) for uuid in uuids}
    found.close()
    _told([{"uuid": uuid, "sent_again": again} for uuid, again in done.items()], as_json, "")


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="A message as XML, in an envelope or not.", dir_okay=False)],
    wsdl: Annotated[Path | None, typer.Option(help="WSDL or XSD to check it against instead of ours.")] = None,
    namespace: Annotated[str, typer.Option(help="Namespace of the root element.")] = NAMESPACES[0],
    as_json: Json = False,
) -> None:
    """Check a message against the schemas."""
    name, fault = "", ""
    checker = Checker(wsdl, namespace)
    try:
        message = body_of(parsed(file.read_bytes()))
        name, fault = name_of(message), checker.fault(message)
    except OSError as error:
        fault = error.strerror or str(error)
    except UnreadableError as error:
        fault = str(error)
    if fault:
        raise ConfigError("MESSAGE_INVALID", where=str(file), what=fault, do="correct it, or give the right --wsdl")
    _told([{"message": name, "valid": True}], as_json, "")
