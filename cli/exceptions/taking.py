"""`kvarn exceptions take`, `assign`, `release` and `close`: who works on what, without a change of readings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from cli.edits.options import Author, DryRun, author_of
from cli.exceptions import options
from cli.exceptions.queue import open_exceptions, warehouse
from cli.exceptions.work import write_work
from cli.output import DEFAULT_FILE, Json, TopologyFile, console, emit
from cli.sql import DEFAULT_DSN, Database, Dsn
from cli.topology import read_plan
from pipeline.errors import ConfigError


def take(
    rule: options.Rules = None, node: options.Nodes = None, service_point: options.Points = None,
    older_than: options.OlderThan = None, owner: options.Owner = None, severity: options.Severity = None,
    rupees: options.Rupees = None, day: options.Day = None, limit: options.Limit = 1000, note: options.Note = "",
    author: Author = "", dry_run: DryRun = False, dsn: Dsn = DEFAULT_DSN, database: Database = "kvarn",
    file: TopologyFile = DEFAULT_FILE, as_json: Json = False,
) -> None:  # fmt: skip
    """Take exceptions: they are yours from now on."""
    chosen = options.filter_of(rule, node, service_point, older_than, owner, severity, rupees, day)
    who = author_of(author)
    _step("TAKEN", who, chosen, limit, note, who, dry_run, dsn, database, file, as_json)


def assign(
    to: Annotated[str, typer.Option(help="Who has them from now on.")],
    rule: options.Rules = None, node: options.Nodes = None, service_point: options.Points = None,
    older_than: options.OlderThan = None, owner: options.Owner = None, severity: options.Severity = None,
    rupees: options.Rupees = None, day: options.Day = None, limit: options.Limit = 1000, note: options.Note = "",
    author: Author = "", dry_run: DryRun = False, dsn: Dsn = DEFAULT_DSN, database: Database = "kvarn",
    file: TopologyFile = DEFAULT_FILE, as_json: Json = False,
) -> None:  # fmt: skip
    """Give exceptions to somebody."""
    chosen = options.filter_of(rule, node, service_point, older_than, owner, severity, rupees, day)
    _step("TAKEN", author_of(to), chosen, limit, note, author_of(author), dry_run, dsn, database, file, as_json)


def release(
    rule: options.Rules = None, node: options.Nodes = None, service_point: options.Points = None,
    older_than: options.OlderThan = None, owner: options.Owner = None, severity: options.Severity = None,
    rupees: options.Rupees = None, day: options.Day = None, limit: options.Limit = 1000, note: options.Note = "",
    author: Author = "", dry_run: DryRun = False, dsn: Dsn = DEFAULT_DSN, database: Database = "kvarn",
    file: TopologyFile = DEFAULT_FILE, as_json: Json = False,
) -> None:  # fmt: skip
    """Give exceptions back: nobody has them."""
    chosen = options.filter_of(rule, node, service_point, older_than, owner, severity, rupees, day)
    _step("OPEN", "", chosen, limit, note, author_of(author), dry_run, dsn, database, file, as_json)


def close(
    rule: options.Rules = None, node: options.Nodes = None, service_point: options.Points = None,
    older_than: options.OlderThan = None, owner: options.Owner = None, severity: options.Severity = None,
    rupees: options.Rupees = None, day: options.Day = None, limit: options.Limit = 1000, note: options.Note = "",
    author: Author = "", dry_run: DryRun = False, dsn: Dsn = DEFAULT_DSN, database: Database = "kvarn",
    file: TopologyFile = DEFAULT_FILE, as_json: Json = False,
) -> None:  # fmt: skip
    """Close exceptions that somebody has looked at and that need nothing; --note says why."""
    chosen = options.filter_of(rule, node, service_point, older_than, owner, severity, rupees, day)
    if not note.strip():
        raise ConfigError("NOTE_MISSING", where="--note", what="it is not said why nothing is to be done",
                          do="say it in a few words")  # fmt: skip
    who = author_of(author)
    _step("CLOSED", who, chosen, limit, note, who, dry_run, dsn, database, file, as_json)


def _step(
    work: str, owner: str, chosen: options.Filter, limit: int, note: str, author: str, dry_run: bool, dsn: str,
    database: str, file: Path, as_json: bool,
) -> None:  # fmt: skip
    said_of_which(chosen)
    plan = read_plan(file)
    with warehouse(dsn, database) as reader:
        found = open_exceptions(reader, chosen, limit)
    if not dry_run:
        write_work(plan, ((one, work, owner, str(one.row["edit"])) for one in found), author, note.strip())
    said: dict[str, Any] = {"work": work, "owner": owner, "exceptions": len(found), "dry_run": dry_run}
    if as_json:
        emit(said)
    else:
        console().print(f"{len(found):,} exceptions are {work}" + (f", {owner}" if owner else "")
                        + (": nothing was written" if dry_run else ""), markup=False)  # fmt: skip


def said_of_which(chosen: options.Filter) -> None:
    """Raises ConfigError when no option says which exceptions are meant: never all by accident."""
    if chosen.anything:
        raise ConfigError("EXCEPTIONS_UNSAID", where="options", what="it is not said which exceptions are meant",
                          do="give --rule, --node, --service-point, --older-than, --owner, --severity, --rupees or "
                          "--day")  # fmt: skip
