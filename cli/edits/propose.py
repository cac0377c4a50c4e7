"""`kvarn edits propose`."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from bench.replay.times import ZONE, epoch_ms, iso, zone_of
from cli.edits import options
from cli.edits.asking import CHANNELS, Asked, Wanted, from_csv, from_range, proposals, refuse_faults
from cli.edits.opened import config_of, opened, registry_of
from cli.edits.present import changes, show_changes
from cli.output import DEFAULT_FILE, Json, TopologyFile, console, emit
from cli.sql import DEFAULT_DSN, Database, Dsn
from cli.topology import read_plan
from connectors.edits.book import Book
from connectors.edits.config import EditsConfig
from connectors.edits.event import Event
from connectors.edits.judge import judged
from pipeline.edits import EditEvent, EditWhat
from pipeline.errors import ConfigError
from pipeline.reading_frames import LARGEST
from pipeline.reference import Registry


def propose(
    csv: Annotated[
        Path | None, typer.Argument(help="CSV file with columns service_point, start, channel, value.", dir_okay=False)
    ] = None,
    service_point: Annotated[int | None, typer.Option(help="Service point, where no file is given.")] = None,
    since: Annotated[str | None, typer.Option("--from", help="Begin of the first interval: 2026-01-31T18:30.")] = None,
    until: Annotated[str | None, typer.Option("--to", help="End of the last interval; one interval if not given.")] = (
        None
    ),
    values: Annotated[
        list[str] | None, typer.Option("--set", help="channel=value for every interval, in Wh or VAh.")
    ] = None,
    discard: Annotated[bool, typer.Option("--discard", help="Do not use what the meter sent: estimate it.")] = False,
    withdraw: Annotated[bool, typer.Option("--withdraw", help="End earlier edits of the intervals.")] = False,
    reason: options.Reason = "",
    why: options.Why = "",
    author: options.Author = "",
    batch: Annotated[str | None, typer.Option(help="Name of what is proposed together; of a file its name.")] = None,
    override: Annotated[bool, typer.Option("--override", help="Values above what the meter can pass are meant.")] = (
        False
    ),
    new: Annotated[bool, typer.Option("--new", help="Propose it although the same was proposed before.")] = False,
    dry_run: options.DryRun = False,
    wait: options.Wait = 10.0,
    dsn: Dsn = DEFAULT_DSN,
    database: Database = "kvarn",
    zone: Annotated[str, typer.Option(help="Time zone of times given without one.")] = ZONE,
    file: TopologyFile = DEFAULT_FILE,
    as_json: Json = False,
) -> None:
    """Propose values for intervals, or that they are estimated anew, of one service point or of a file's.

    All is checked before anything is written, by the rules of the connector. The same file given twice is one edit.
    With --dry-run what stands in the warehouse is shown beside what is proposed.

    Examples:

        kvarn edits propose --service-point 7 --from 2026-01-31T18:30 --set wh_imp=420 --reason read-on-site

        kvarn edits propose corrections.csv --reason check-meter --why "letter 4711" --dry-run
    """
    what = _what(discard, withdraw)
    asked = Asked(what, options.reason_of(reason), why.strip(), options.author_of(author), int(time.time()),
                  batch if batch is not None else "" if csv is None else csv.name, override, new)  # fmt: skip
    where = zone_of(zone)
    # What is wrong with the options is told before anybody is asked.
    _check(csv, service_point, since, until, values, what, where)
    plan = read_plan(file)
    config = config_of(plan)
    registry = registry_of(plan)
    wanted = _wanted(csv, service_point, since, until, values, what, where, registry)
    events = list(proposals(wanted, asked, registry, config.most_intervals))
    with opened(plan) as edits:
        known = edits.ledger.known()
        fresh, verdicts = checked(events, known, registry, config, csv.name if csv else "--service-point")
        said: dict[str, Any] = {
            "proposed": len(fresh), "known": len(events) - len(fresh),
            "intervals": sum(len(event.intervals) for event in fresh), "dry_run": dry_run,
        }  # fmt: skip
        if dry_run:
            said["needs_approval"] = verdicts["WAITING"]
            said["changes"] = changes(fresh, dsn, database)
        else:
            answers = edits.write(fresh, wait)
            said["edits"] = [
                {"id": event.id, "service_point": event.service_point,
                 "state": "PROPOSED" if answer is None else answer.event.name,
                 "detail": "" if answer is None else answer.detail}
                for event, answer in zip(fresh, answers, strict=True)
            ]  # fmt: skip
    if as_json:
        emit(said)
    else:
        _show(said, where)


def checked(
    events: list[Event], known: Book, registry: Registry, config: EditsConfig, where: str
) -> tuple[list[Event], Counter[str]]:
    """(proposals that are not known yet, how many would be answered how); raises ConfigError for what cannot be."""
    fresh, faults = [], []
    verdicts: Counter[str] = Counter()
    for event in {event.id: event for event in events}.values():
        verdict = judged(event, known, registry, config)
        if verdict.code == "EDIT_KNOWN":
            continue
        if verdict.event is EditEvent.REJECTED:
            faults.append(f"service point {event.service_point}: {verdict.code}, {verdict.detail}")
        verdicts[verdict.event.name] += 1
        fresh.append(event)
    refuse_faults(where, faults)
    return fresh, verdicts


def _what(discard: bool, withdraw: bool) -> EditWhat:
    if discard and withdraw:
        raise ConfigError("EDIT_TWICE", where="--discard --withdraw", what="both are asked for", do="choose one")
    return EditWhat.DISCARD if discard else EditWhat.WITHDRAW if withdraw else EditWhat.VALUES


def _check(
    csv: Path | None, point: int | None, since: str | None, until: str | None, values: list[str] | None,
    what: EditWhat, zone: ZoneInfo,
) -> None:  # fmt: skip
    """Raises ConfigError for options that cannot be meant together, or by themselves."""
    if csv is not None:
        if point is not None or since is not None or values:
            raise ConfigError("EDIT_TWICE", where=str(csv), what="a file and options say what is edited",
                              do="give a file, or --service-point, --from and --set")  # fmt: skip
        return
    if point is None or since is None:
        raise ConfigError("EDIT_INCOMPLETE", where="--service-point, --from", what="it is not said what is edited",
                          do="give both, or a CSV file")  # fmt: skip
    if not 0 < point < 1 << 63:
        raise ConfigError("EDIT_INCOMPLETE", where=f"--service-point {point}", what="no number of a service point",
                          do="give the number that the registry has")  # fmt: skip
    begin, end = epoch_ms(since, zone), epoch_ms(until, zone)
    assert begin is not None
    if end is not None and end <= begin:
        raise ConfigError("TIMES_WRONG", where=f"--from {since}, --to {until}", what="the end is not behind the begin",
                          do="give two times, the earlier one first")  # fmt: skip
    if what is EditWhat.VALUES and not values:
        raise ConfigError("EDIT_INCOMPLETE", where="--set", what="no value is given",
                          do="give --set wh_imp=420, or --discard, or --withdraw")  # fmt: skip
    if what is not EditWhat.VALUES and values:
        raise ConfigError("EDIT_TWICE", where="--set", what="a value is given for what is to be discarded or withdrawn",
                          do="leave one of them out")  # fmt: skip
    _values(values)


def _wanted(
    csv: Path | None, point: int | None, since: str | None, until: str | None, values: list[str] | None,
    what: EditWhat, zone: ZoneInfo, registry: Registry,
) -> list[Wanted]:  # fmt: skip
    if csv is not None:
        return from_csv(csv, zone, what)
    begin, end = epoch_ms(since, zone), epoch_ms(until, zone)
    assert point is not None
    assert begin is not None
    return [from_range(point, begin // 1000, None if end is None else end // 1000, _values(values), registry, "--from")]


def _values(texts: list[str] | None) -> dict[str, int]:
    made = {}
    for text in texts or ():
        channel, _, value = text.partition("=")
        if channel not in CHANNELS or not value.removeprefix("-").isdecimal() or abs(int(value)) > LARGEST:
            raise ConfigError("EDIT_VALUE", where=f"--set {text}", what="not a channel and a whole number",
                              do=f"write wh_imp=420; channels are {', '.join(CHANNELS)}")  # fmt: skip
        made[channel] = int(value)
    return made


def _show(said: dict[str, Any], zone: ZoneInfo) -> None:
    out = console()
    if said["known"]:
        out.print(f"{said['known']:,} edits were proposed before: left as they are")
    if said["dry_run"]:
        show_changes(said["changes"], lambda at: str(iso(1000 * at, zone)))
        out.print(f"{said['proposed']:,} edits of {said['intervals']:,} intervals, {said['needs_approval']:,} of them "
                  "would wait for approval. Nothing was written.")  # fmt: skip
        return
    for row in said["edits"][:50]:
        out.print(f"{row['id']}  {row['state']:10} {row['service_point']}  {row['detail']}", markup=False)
    states = Counter(row["state"] for row in said["edits"])
    out.print(f"{said['proposed']:,} edits of {said['intervals']:,} intervals: "
              + (", ".join(f"{count:,} {state}" for state, count in sorted(states.items())) or "none"))  # fmt: skip
    if states["PROPOSED"]:
        out.print("Those that are PROPOSED have no answer yet: is the connector of edits running?")
