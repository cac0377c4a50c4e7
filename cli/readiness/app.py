"""`kvarn readiness`: judge a billing cycle, show it, and emit what has changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from pydantic import ValidationError
from rich.table import Table
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from agents.readiness.config import ReadinessConfig
from agents.readiness.judge import BLOCKED, READY, WAITING, Cycle, Judgement, judge, revised
from cli.output import DEFAULT_FILE, Json, TopologyFile, console, emit
from cli.readiness.figures import before, cycle_of, figures, last_tick
from cli.sql import DEFAULT_DSN, Database, Dsn, Seconds
from pipeline.errors import ConfigError
from sinks.clickhouse.config import ClickHouseConfig
from sinks.clickhouse.reader import Reader, open_reader

STATES = (READY, WAITING, BLOCKED)
SHOWN = 50


def readiness(
    cycle: Annotated[str | None, typer.Option(help="Month, like 2026-01. [the last one that is over]")] = None,
    state: Annotated[str | None, typer.Option(help="Only these: ready, waiting or blocked.")] = None,
    config: Annotated[
        Path | None, typer.Option(help="Thresholds by category (docs/readiness.md); none: the defaults.", exists=True)
    ] = None,
    at: Annotated[
        datetime | None,
        typer.Option(help="Local time to judge at. [the last tick that the warehouse has]", show_default=False),
    ] = None,
    write: Annotated[
        bool, typer.Option("--emit", help="Write what has changed to the topic of schema Readiness.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, max=5_000_000, help="Consumers listed, the most rupees first.")] = 1000,
    dsn: Dsn = DEFAULT_DSN,
    database: Database = "kvarn",
    timezone: Annotated[str, typer.Option(help="Zone of local days.")] = "Asia/Kolkata",
    seconds: Seconds = 600.0,
    file: TopologyFile = DEFAULT_FILE,
    as_json: Json = False,
) -> None:
    """Say which consumers of a billing cycle are ready, which wait and until when, and which are blocked and why.

    Asks the warehouse, also while a pipeline is running. With --emit each consumer whose answer has changed gets a
    record of the next revision; it stands in `readiness_latest` once the sink has it.

    Examples:

        kvarn readiness --cycle 2026-01 --state blocked

        kvarn readiness --cycle 2026-01 --emit --json
    """
    wanted = state.upper() if state is not None else None
    if wanted is not None and wanted not in STATES:
        raise ConfigError("STATE_UNKNOWN", where="--state", what=f"{state!r} is none", do="ready, waiting or blocked")
    judging = read_config(config)
    reader = open_reader(_warehouse(dsn, database, timezone, seconds))
    try:
        found, changed, period, moment = gate(reader, judging, cycle, _epoch(at, timezone), timezone)
    finally:
        reader.close()
    written = emit_records(file, changed) if write else 0
    said = report(found, period, moment, wanted, limit)
    if write:
        said["written"] = written
    if as_json:
        emit(said)
    else:
        _show(said, timezone)


def _warehouse(dsn: str, database: str, timezone: str, seconds: float) -> ClickHouseConfig:
    try:
        # A city has a row for each consumer, and the answer is one.
        return ClickHouseConfig(
            dsn=dsn, database=database, timezone=timezone, query_secs=seconds, query_rows=10_000_000,
            query_bytes=8 << 30,
        )  # fmt: skip
    except ValueError as error:
        raise ConfigError(
            "DSN_WRONG", where="--dsn, --database, --timezone", what=str(error), do="see --help"
        ) from error


def _epoch(at: datetime | None, timezone: str) -> int | None:
    return int(at.replace(tzinfo=ZoneInfo(timezone)).timestamp()) if at is not None else None


def read_config(path: Path | None) -> ReadinessConfig:
    """The thresholds of a file; raises ConfigError with all that is wrong with it."""
    if path is None:
        return ReadinessConfig()
    try:
        return ReadinessConfig.model_validate(YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8")) or {})
    except (ValidationError, YAMLError, UnicodeDecodeError) as error:
        raise ConfigError("READINESS_CONFIG", where=str(path), what=str(error), do="see docs/readiness.md") from error


def gate(
    reader: Reader, config: ReadinessConfig, month: str | None, at: int | None, zone: str
) -> tuple[list[Judgement], list[dict[str, Any]], Cycle, int]:
    """(judgements, records of those that have changed, cycle, time judged at)."""
    moment = last_tick(reader) if at is None else at
    period, first, last = cycle_of(month, moment, zone)
    found = judge(config, period, figures(reader, period, first, last), moment)
    return found, list(revised(found, before(reader, first), moment)), period, moment


def report(
    found: Sequence[Judgement], period: Cycle, at: int, state: str | None, limit: int
) -> dict[str, Any]:  # fmt: skip
    """What the command says, as JSON has it."""
    chosen = [one for one in found if state in (None, one.state)]
    chosen.sort(key=lambda one: (-(one.figures.paise or 0), one.figures.account, one.figures.service_point))
    counts, paise = Counter(one.state for one in found), Counter[str]()
    reasons: Counter[str] = Counter()
    for one in found:
        paise[one.state] += one.figures.paise or 0
        reasons.update(reason.code for reason in one.reasons)
    return {
        "cycle_start": period.start, "cycle_end": period.end, "judged_at": at, "consumers": len(found),
        "states": {name: {"consumers": counts[name], "paise_at_stake": paise[name]} for name in STATES},
        "reasons": dict(sorted(reasons.items())), "count": len(chosen),
        "rows": [_row(one) for one in chosen[:limit]],
    }  # fmt: skip


def _row(one: Judgement) -> dict[str, Any]:
    record = one.record(0, 0)
    return {name: record[name] for name in record if name not in ("revision", "judged_at", "cycle_start", "cycle_end")}


def emit_records(file: Path, records: Sequence[dict[str, Any]]) -> int:
    """Write records of schema Readiness to the topic of a topology file; raises ConfigError when there is none."""
    from cli.deployment import prepare
    from cli.topology import read_plan
    from connectors.edits.topic import write_values

    plan = read_plan(file)
    names = [topic.name for topic in plan.topics.values() if topic.schema == "Readiness"]
    if len(names) != 1:
        raise ConfigError(
            "READINESS_TOPIC", where="topics", what=f"{len(names)} topics have the schema Readiness",
            do="add `readiness: {schema: Readiness, partitions: 3, retention: 400d}`, and to the sink's `from`",
        )  # fmt: skip
    contracts = prepare(plan)
    values = [
        (record["account"].to_bytes(8, "big", signed=True), contracts.encode("Readiness", record))
        for record in records
    ]  # fmt: skip
    return len(write_values(plan.kafka.bootstrap, names[0], values, lambda _: None)) if values else 0


def _show(said: dict[str, Any], zone: str) -> None:
    out = console()
    table = Table("state", "consumers", "rupees", box=None)
    for name, each in said["states"].items():
        table.add_row(name.lower(), f"{each['consumers']:,}", f"{each['paise_at_stake'] / 100:,.2f}")
    out.print(table)
    rows = Table("account", "service point", "category", "state", "expected", "rupees", "why", box=None)
    for row in said["rows"][:SHOWN]:
        expected = "" if row["expected_at"] is None else _local(row["expected_at"], zone)
        why = ", ".join(f"{one['code']} {one['found']}/{one['allowed']}" for one in row["reasons"])
        rows.add_row(
            str(row["account"]), str(row["service_point"]), row["category"], row["state"].lower(), expected,
            f"{row['paise_at_stake'] / 100:,.2f}", why,
        )  # fmt: skip
    if said["rows"]:
        out.print(rows)
    if said["count"] > SHOWN:
        out.print(f"... {said['count'] - SHOWN:,} more: --json, --limit")
    if "written" in said:
        out.print(f"{said['written']:,} records written")


def _local(at: int, zone: str) -> str:
    return f"{datetime.fromtimestamp(at, ZoneInfo(zone)):%Y-%m-%d %H:%M}"
