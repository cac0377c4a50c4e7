"""`kvarn exceptions accept`, `re-estimate`, `edit` and `undo`: all change readings through edits, so that approval and
audit hold for them."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from bench.replay.times import ZONE, zone_of
from cli.edits.asking import Asked, Wanted, from_csv, proposals
from cli.edits.opened import Opened, opened, registry_of
from cli.edits.options import Author, DryRun, Reason, Wait, Why, author_of, reason_of
from cli.exceptions import options
from cli.exceptions.queue import Exceptional, open_exceptions, sent, warehouse, worked_on
from cli.exceptions.taking import said_of_which
from cli.exceptions.work import Step, work_topic, write_work
from cli.output import DEFAULT_FILE, Json, TopologyFile, console, emit
from cli.sql import DEFAULT_DSN, Database, Dsn
from cli.topology import read_plan
from connectors.edits.event import Event, intervals_of
from connectors.edits.judge import judged
from pipeline.edits import EditEvent, EditWhat
from pipeline.reference import Registry
from sinks.clickhouse.reader import Reader

ENDED = frozenset({EditEvent.TAKEN_BACK, EditEvent.CLOSED})


def accept(
    rule: options.Rules = None, node: options.Nodes = None, service_point: options.Points = None,
    older_than: options.OlderThan = None, owner: options.Owner = None, severity: options.Severity = None,
    rupees: options.Rupees = None, day: options.Day = None, limit: options.Limit = 1000, note: options.Note = "",
    reason: Reason = "GENUINE", why: Why = "", author: Author = "", dry_run: DryRun = False, wait: Wait = 10.0,
    dsn: Dsn = DEFAULT_DSN, database: Database = "kvarn", file: TopologyFile = DEFAULT_FILE, as_json: Json = False,
) -> None:  # fmt: skip
    """What the meter sent stands: an edit says so of the suspect intervals, with the values as sent.

    Where no interval is suspect, as when intervals are missing, no edit is needed: the exception is accepted alone.
    """
    chosen = options.filter_of(rule, node, service_point, older_than, owner, severity, rupees, day)
    asked = Asked(EditWhat.VALUES, reason_of(reason), why.strip(), author_of(author), int(time.time()), override=True)
    _settle("ACCEPTED", asked, chosen, limit, note, dry_run, wait, dsn, database, file, as_json)


def re_estimate(
    rule: options.Rules = None, node: options.Nodes = None, service_point: options.Points = None,
    older_than: options.OlderThan = None, owner: options.Owner = None, severity: options.Severity = None,
    rupees: options.Rupees = None, day: options.Day = None, limit: options.Limit = 1000, note: options.Note = "",
    reason: Reason = "METER_FAULT", why: Why = "", author: Author = "", dry_run: DryRun = False, wait: Wait = 10.0,
    dsn: Dsn = DEFAULT_DSN, database: Database = "kvarn", file: TopologyFile = DEFAULT_FILE, as_json: Json = False,
) -> None:  # fmt: skip
    """What the meter sent is not used: the intervals at which the rule failed are estimated; of a rule of days all."""
    chosen = options.filter_of(rule, node, service_point, older_than, owner, severity, rupees, day)
    asked = Asked(EditWhat.DISCARD, reason_of(reason), why.strip(), author_of(author), int(time.time()))
    _settle("RE_ESTIMATED", asked, chosen, limit, note, dry_run, wait, dsn, database, file, as_json)


def edit(
    csv: Annotated[Path, typer.Argument(help="CSV file: service_point, start, channel, value.", dir_okay=False)],
    rule: options.Rules = None, node: options.Nodes = None, service_point: options.Points = None,
    older_than: options.OlderThan = None, owner: options.Owner = None, severity: options.Severity = None,
    rupees: options.Rupees = None, day: options.Day = None, limit: options.Limit = 1000, note: options.Note = "",
    reason: Reason = "", why: Why = "", author: Author = "", dry_run: DryRun = False, wait: Wait = 10.0,
    zone: Annotated[str, typer.Option(help="Time zone of times given without one.")] = ZONE,
    dsn: Dsn = DEFAULT_DSN, database: Database = "kvarn", file: TopologyFile = DEFAULT_FILE, as_json: Json = False,
) -> None:  # fmt: skip
    """Other values hold: of a file's intervals those that lie in an exception that is meant; the others are left."""
    chosen = options.filter_of(rule, node, service_point, older_than, owner, severity, rupees, day)
    asked = Asked(EditWhat.VALUES, reason_of(reason), why.strip(), author_of(author), int(time.time()), csv.name)
    given = {one.service_point: one for one in from_csv(csv, zone_of(zone), EditWhat.VALUES)}
    _settle("EDITED", asked, chosen, limit, note, dry_run, wait, dsn, database, file, as_json, given)


def undo(
    rule: options.Rules = None, service_point: options.Points = None, owner: options.Owner = None,
    limit: options.Limit = 1000, note: options.Note = "", why: Why = "", author: Author = "", dry_run: DryRun = False,
    wait: Wait = 10.0, dsn: Dsn = DEFAULT_DSN, database: Database = "kvarn", file: TopologyFile = DEFAULT_FILE,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Take back what was accepted, edited or estimated anew: edits are undone, and the exceptions are open again."""
    chosen = options.filter_of(rule, None, service_point, None, owner, None, None, None)
    said_of_which(chosen)
    who, plan = author_of(author), read_plan(file)
    work_topic(plan)
    with warehouse(dsn, database) as reader:
        found = worked_on(reader, chosen, limit)
    left: Counter[str] = Counter()
    with opened(plan) as edits:
        events, steps = [], []
        for one in found:
            entry = edits.ledger.entries.get(str(one.row["edit"]))
            kind = {"IN_FORCE": EditEvent.UNDONE, "WAITING": EditEvent.REFUSED}.get(entry.state if entry else "")
            if entry is None or kind is None:
                left["no edit in force" if entry is None else entry.state] += 1
                continue
            proposal = entry.proposal
            events.append(
                replace(proposal, event=kind, intervals=intervals_of([]), reason="MISTAKE", why=why.strip(), author=who,
                        at=int(time.time()), answers=0)
            )  # fmt: skip
            steps.append((one, "TAKEN" if one.owner else "OPEN", one.owner, ""))
        answers = [] if dry_run else edits.write(events, wait)
    if not dry_run:
        write_work(plan, steps, who, note.strip())
    _tell({"work": "OPEN", "exceptions": len(steps), "edits": len(events), "intervals": 0, "left": dict(left),
           "states": _states(answers), "dry_run": dry_run}, as_json)  # fmt: skip


def _settle(
    work: str, asked: Asked, chosen: options.Filter, limit: int, note: str, dry_run: bool, wait: float, dsn: str,
    database: str, file: Path, as_json: bool, given: dict[int, Wanted] | None = None,
) -> None:  # fmt: skip
    said_of_which(chosen)
    plan = read_plan(file)
    work_topic(plan)
    registry = registry_of(plan)
    with warehouse(dsn, database) as reader:
        found = open_exceptions(reader, chosen, limit)
        wanted = [(one, _wanted(reader, one, asked, given)) for one in found]
    with opened(plan) as edits:
        events, steps, left = _asked(edits, wanted, asked, registry, work, needs_values=given is not None)
        answers = [] if dry_run else edits.write(list(events.values()), wait)
    if not dry_run:
        write_work(plan, steps, asked.author, note.strip())
    _tell({"work": work, "exceptions": len(steps), "edits": len(events), "left": dict(sorted(left.items())),
           "intervals": sum(len(event.intervals) for event in events.values()), "states": _states(answers),
           "dry_run": dry_run}, as_json)  # fmt: skip


def _wanted(reader: Reader, one: Exceptional, asked: Asked, given: dict[int, Wanted] | None) -> Wanted:
    """The intervals of an exception that are to be changed, with the values that shall hold."""
    made = Wanted(one.service_point)
    if given is not None:
        mine = given.get(one.service_point, made)
        made.values = {start: values for start, values in mine.values.items() if one.start <= start < one.end}
        return made
    for interval in sent(reader, one):
        if asked.what is EditWhat.DISCARD:
            made.values[interval.start] = {}
        elif interval.suspect:
            made.values[interval.start] = interval.values
    return made


def _asked(
    edits: Opened, wanted: Iterable[tuple[Exceptional, Wanted]], asked: Asked, registry: Registry, work: str, *,
    needs_values: bool,
) -> tuple[dict[str, Event], list[Step], Counter[str]]:  # fmt: skip
    """(proposals by id, steps of work, why others are left)."""
    known, left = edits.ledger.known(), Counter[str]()
    events: dict[str, Event] = {}
    steps: list[Step] = []
    for one, values in wanted:
        if not values.values and work != "ACCEPTED":
            left["not in the file" if needs_values else "nothing that the meter sent"] += 1
            continue
        name, code = "", ""
        for event in _proposals(values, asked, registry, edits):
            verdict = judged(event, known, registry, edits.config)
            name = event.id
            if verdict.event is EditEvent.REJECTED and verdict.code != "EDIT_KNOWN":
                code = verdict.code
            elif verdict.code != "EDIT_KNOWN":
                events[event.id] = event
        if code:
            left[code] += 1
        else:
            steps.append((one, work, one.owner or asked.author, name))
    return events, steps, left


def _proposals(values: Wanted, asked: Asked, registry: Registry, edits: Opened) -> Iterable[Event]:
    """As asked; what was asked before and taken back is asked anew."""
    known = edits.ledger.entries
    for event in proposals([values], asked, registry, edits.config.most_intervals):
        before = known.get(event.id)
        if before is not None and before.state in {state.name for state in ENDED}:
            yield from proposals([values], replace(asked, anew=True), registry, edits.config.most_intervals)
            return
        yield event


def _states(answers: list[Event | None]) -> dict[str, int]:
    return dict(Counter("PROPOSED" if one is None else one.code or one.event.name for one in answers))


def _tell(said: dict[str, Any], as_json: bool) -> None:
    if as_json:
        emit(said)
        return
    out = console()
    out.print(f"{said['exceptions']:,} exceptions are {said['work']}, {said['edits']:,} edits of {said['intervals']:,} "
              "intervals" + (": nothing was written" if said["dry_run"] else ""))  # fmt: skip
    for name, count in {**said["states"], **{f"left: {why}": count for why, count in said["left"].items()}}.items():
        out.print(f"{count:>9,}  {name}")
