"""`kvarn edits list`."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.table import Table

from bench.replay.times import ZONE, iso, zone_of
from cli.edits import options
from cli.edits.ledger import STATES, Entry
from cli.edits.opened import opened
from cli.output import DEFAULT_FILE, Json, TopologyFile, console, emit
from cli.topology import read_plan
from connectors.edits.event import rows_of

TIMES = ("from", "to", "proposed_at")


def list_edits(
    ids: options.Ids = None,
    id_file: options.IdFile = None,
    state: options.States = None,
    service_point: options.Points = None,
    batch: options.Batch = None,
    by: options.By = None,
    of_reason: options.Reasons = None,
    history: Annotated[bool, typer.Option("--history", help="Intervals and all events of each.")] = False,
    rows: Annotated[int, typer.Option(min=1, help="Edits that are listed; all are counted.")] = 100,
    zone: Annotated[str, typer.Option(help="Time zone of what is shown.")] = ZONE,
    file: TopologyFile = DEFAULT_FILE,
    as_json: Json = False,
) -> None:
    """List edits, those that are open first, the newest of a state first."""
    chosen = options.choice(ids, id_file, state, service_point, batch, by, of_reason)
    where = zone_of(zone)
    with opened(read_plan(file)) as edits:
        found = [entry for entry in edits.ledger.entries.values() if chosen.takes(entry)]
        unreadable = edits.ledger.unreadable
    found.sort(key=lambda entry: (STATES.index(entry.state), -entry.proposal.at, entry.id))
    states = Counter(entry.state for entry in found)
    listed = [_row(entry, where, history) for entry in found[:rows]]
    if as_json:
        emit({"count": len(found), "states": {name: states[name] for name in STATES if states[name]},
              "unreadable": unreadable, "zone": where.key, "edits": listed})  # fmt: skip
    else:
        _show(listed, states, history)


def _row(entry: Entry, zone: ZoneInfo, history: bool) -> dict[str, Any]:
    row = entry.row()
    row |= {name: iso(1000 * row[name], zone) for name in TIMES}
    if history:
        row["values"] = rows_of(entry.proposal.intervals)
        row["events"] = [
            {"event": one.event.name, "at": iso(1000 * one.at, zone), "author": one.author, "reason": one.reason,
             "why": one.why, "answers": one.answers, "code": one.code, "detail": one.detail}
            for one in entry.events
        ]  # fmt: skip
    return row


def _show(listed: list[dict[str, Any]], states: Counter[str], history: bool) -> None:
    out = console()
    table = Table(box=None)
    for name in ("id", "state", "service point", "what", "from", "intervals", "reason", "author"):
        table.add_column(name, justify="right" if name == "intervals" else "left", overflow="fold")
    for row in listed:
        table.add_row(
            row["id"], row["code"] or row["state"], str(row["service_point"]), row["what"].lower(), row["from"][:16],
            f"{row['intervals']:,}", row["reason"], row["author"],
        )  # fmt: skip
        for one in row["events"] if history else ():
            table.add_row("", one["event"], "", "", one["at"][:16], "", one["code"] or one["reason"], one["author"])
    out.print(table, markup=False)
    for state in STATES:
        if states[state]:
            out.print(f"{states[state]:>9,}  {state}")
    out.print(f"{states.total():>9,}  in all")
