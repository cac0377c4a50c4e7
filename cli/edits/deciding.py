"""`kvarn edits approve`, `refuse` and `undo`: of single edits, of lists, of all that the options mean."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

from cli.edits import options
from cli.edits.ledger import Entry
from cli.edits.opened import Opened, opened
from cli.output import DEFAULT_FILE, Json, TopologyFile, console, emit
from cli.topology import read_plan
from connectors.edits.event import Event, intervals_of
from pipeline.edits import EditEvent
from pipeline.errors import ConfigError

STATE_OF = {EditEvent.APPROVED: "WAITING", EditEvent.REFUSED: "WAITING", EditEvent.UNDONE: "IN_FORCE"}


def approve(
    ids: options.Ids = None,
    id_file: options.IdFile = None,
    batch: options.Batch = None,
    service_point: options.Points = None,
    by: options.By = None,
    of_reason: options.Reasons = None,
    why: options.Why = "",
    author: options.Author = "",
    dry_run: options.DryRun = False,
    wait: options.Wait = 10.0,
    file: TopologyFile = DEFAULT_FILE,
    as_json: Json = False,
) -> None:
    """Approve edits that wait, as a second person: ids, a file of them, or all that the options mean."""
    chosen = options.choice(ids, id_file, None, service_point, batch, by, of_reason)
    decide(EditEvent.APPROVED, chosen, None, why, author, dry_run, wait, file, as_json)


def refuse(
    ids: options.Ids = None,
    id_file: options.IdFile = None,
    batch: options.Batch = None,
    service_point: options.Points = None,
    by: options.By = None,
    of_reason: options.Reasons = None,
    why: options.Why = "",
    author: options.Author = "",
    dry_run: options.DryRun = False,
    wait: options.Wait = 10.0,
    file: TopologyFile = DEFAULT_FILE,
    as_json: Json = False,
) -> None:
    """Refuse edits that wait; who proposed one gives it up with this."""
    chosen = options.choice(ids, id_file, None, service_point, batch, by, of_reason)
    decide(EditEvent.REFUSED, chosen, None, why, author, dry_run, wait, file, as_json)


def undo(
    ids: options.Ids = None,
    id_file: options.IdFile = None,
    batch: options.Batch = None,
    service_point: options.Points = None,
    by: options.By = None,
    of_reason: options.Reasons = None,
    reason: options.Reason = "MISTAKE",
    why: options.Why = "",
    author: options.Author = "",
    dry_run: options.DryRun = False,
    wait: options.Wait = 10.0,
    file: TopologyFile = DEFAULT_FILE,
    as_json: Json = False,
) -> None:
    """Take edits back that are in force: what older edits said of the intervals holds again, else what the meter sent.

    An edit that was undone stays in the list and in the warehouse.
    """
    chosen = options.choice(ids, id_file, None, service_point, batch, by, of_reason)
    decide(EditEvent.UNDONE, chosen, reason, why, author, dry_run, wait, file, as_json)


def decide(
    event: EditEvent, chosen: options.Choice, reason: str | None, why: str, author: str, dry_run: bool, wait: float,
    file: Any, as_json: bool,
) -> None:  # fmt: skip
    """Write `event` for every edit that is meant and can have it."""
    who = options.author_of(author)
    code = None if reason is None else options.reason_of(reason)
    if chosen.anything:
        raise ConfigError("EDITS_UNSAID", where="ids, options", what="it is not said which edits are meant",
                          do="give ids, --ids, --batch, --service-point, --by or --of-reason")  # fmt: skip
    with opened(read_plan(file)) as edits:
        meant, left = due(edits, event, chosen)
        now = int(time.time())
        events = [_event(entry, event, code, why.strip(), who, now) for entry in meant]
        answers = [None] * len(events) if dry_run else edits.write(events, wait)
        states = [entry.state if dry_run else edits.ledger.entries[entry.id].state for entry in meant]
    said = {
        "event": event.name, "dry_run": dry_run, "meant": len(meant), "left": dict(sorted(left.items())),
        "edits": [
            {"id": entry.id, "service_point": entry.proposal.service_point, "state": state,
             "code": "" if answer is None else answer.code, "detail": "" if answer is None else answer.detail,
             "answered": answer is not None}
            for entry, state, answer in zip(meant, states, answers, strict=True)
        ],
    }  # fmt: skip
    if as_json:
        emit(said)
    else:
        _show(said)


def due(edits: Opened, event: EditEvent, chosen: options.Choice) -> tuple[list[Entry], Counter[str]]:
    """(edits that are meant and in the state for it, the others' states); raises ConfigError for unknown ids."""
    entries = edits.ledger.entries
    strange = sorted(chosen.ids - set(entries))
    if strange:
        raise ConfigError("EDIT_UNKNOWN", where=", ".join(strange[:10]), what=f"{len(strange)} ids that no edit has",
                          do="look for them with `kvarn edits list`; nothing was written")  # fmt: skip
    meant, left = [], Counter[str]()
    for entry in entries.values():
        if chosen.takes(entry):
            if entry.state == STATE_OF[event]:
                meant.append(entry)
            else:
                left[entry.state] += 1
    return meant, left


def _event(entry: Entry, event: EditEvent, reason: str | None, why: str, author: str, now: int) -> Event:
    proposal = entry.proposal
    return Event(
        -1, entry.id, event, proposal.service_point, proposal.what, intervals_of([]), proposal.override,
        reason or proposal.reason, why, author, proposal.batch, now, 0,
    )  # fmt: skip


def _show(said: dict[str, Any]) -> None:
    out = console()
    for row in said["edits"][:50]:
        code = f"  {row['code']}: {row['detail']}" if row["code"] else ""
        out.print(f"{row['id']}  {row['state']:10} {row['service_point']}{code}", markup=False)
    states = Counter(row["code"] or row["state"] for row in said["edits"])
    out.print(f"{said['meant']:,} edits {said['event']}" + (", nothing was written" if said["dry_run"] else "") + ": "
              + (", ".join(f"{count:,} {state}" for state, count in sorted(states.items())) or "none"))  # fmt: skip
    for state, count in said["left"].items():
        out.print(f"{count:>9,}  left: {state}")
    if not said["dry_run"] and not all(row["answered"] for row in said["edits"]):
        out.print("Some have no answer yet: is the connector of edits running?")
