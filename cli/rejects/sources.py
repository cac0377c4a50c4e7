"""Where rejects are read from: their topics, or the warehouse."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from connectors.kept.rejected import Choice, Rejected
from connectors.kept.topic import read_all
from pipeline.codes import REJECT_NUMBER
from pipeline.errors import ConfigError
from pipeline.topology.plan import Plan
from pipeline.wire import Contracts
from schemas.records import REJECT
from schemas.registry import contracts_of
from sinks.clickhouse.config import ClickHouseConfig
from sinks.clickhouse.reader import open_reader

WAREHOUSE_ROWS = 100_000
"""Of one answer of the warehouse."""
TIMES = ("received_at", "time")


def topics_of(plan: Plan, topic: str | None) -> list[str]:
    """The topics of rejects of a plan, or the one named; raises ConfigError when it is none."""
    kept = [each.name for each in plan.topics.values() if each.schema == "Reject"]
    parked = {each.parked.name for each in plan.connectors.values() if each.parked is not None}
    if topic is None:
        return [name for name in kept if name not in parked]
    if topic not in kept:
        raise ConfigError("TOPIC_UNKNOWN", where=f"--topic {topic}", what="it is no topic of rejects",
                          do=f"use one of {', '.join(kept)}")  # fmt: skip
    return [topic]


def from_topics(plan: Plan, contracts: Contracts, topics: list[str]) -> Iterator[Rejected]:
    """All records of the topics up to their present ends, each once; copies of a reject have its name.

    What comes from no log has its place for a name: with several topics the topic's name is part of it.
    """
    seen: set[tuple[str, str]] = set()
    among = len(topics) > 1
    for topic in topics:
        for found in read_all(plan.kafka.bootstrap, topic, contracts):
            for each in found:
                rejected = replace(each, among=True) if among else each
                name = (rejected.record["source_topic_id"], rejected.name)
                if name not in seen:
                    seen.add(name)
                    yield rejected


def read_topics(plan: Plan, topic: str | None) -> Iterator[Rejected]:
    """`from_topics` of what `topics_of` gives, under the schemas of the plan's registry."""
    contracts = contracts_of(plan.kafka.schema_registry, plan.subjects())
    return from_topics(plan, contracts, topics_of(plan, topic))


def from_warehouse(config: ClickHouseConfig, choice: Choice, rows: int) -> list[Rejected]:
    """The newest rejects of a warehouse that are meant, at most `rows`; names are compared here."""
    reader = open_reader(config)
    try:
        answer = json.loads(reader.ask(statement(choice, rows), "JSON") or "{}")
    finally:
        reader.close()
    found = [_rejected(row) for row in answer.get("data", [])]
    return [rejected for rejected in found if choice.takes(rejected)]


def statement(choice: Choice, rows: int) -> str:
    """The question to the warehouse; texts of a choice come in only as far as tables of ours know them, or quoted."""
    columns = [_column(field.name) for field in REJECT.fields]
    wheres = [
        _among("code", [f"'{code}'" for code in sorted(choice.codes) if code in REJECT_NUMBER]),
        _among("stage", [_quoted(stage) for stage in sorted(choice.stages)]),
        _among("device", [f"'{device:016X}'" for device in sorted(choice.devices)]),
        _among("service_point", [str(point) for point in sorted(choice.points)]),
        _among("topic", [_quoted(topic) for topic in sorted({topic for topic, _ in choice.origins})]),
        "" if choice.since is None else f"received_at >= fromUnixTimestamp({choice.since})",
        "" if choice.until is None else f"received_at < fromUnixTimestamp({choice.until})",
    ]
    conditions = " AND ".join(where for where in wheres if where) or "1"
    return (
        f"SELECT {', '.join(columns)}, log_partition, log_offset FROM rejects FINAL WHERE {conditions} "  # noqa: S608
        f"ORDER BY rejects.received_at DESC, source_partition, source_offset, source_index LIMIT {rows}"
    )


def _column(name: str) -> str:
    if name in TIMES:
        return f"toUnixTimestamp(rejects.{name}) AS {name}_secs"
    return "hex(raw) AS raw_hex" if name == "raw" else f"`{name}`"


def _among(column: str, values: list[str]) -> str:
    return f"{column} IN ({', '.join(values)})" if values else ""


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _rejected(row: dict[str, Any]) -> Rejected:
    record: dict[str, Any] = {}
    for field in REJECT.fields:
        value = row[{"raw": "raw_hex"}.get(field.name, f"{field.name}_secs" if field.name in TIMES else field.name)]
        if field.name == "raw":
            value = bytes.fromhex(value)
        elif field.type in ("int", "long") or (field.name in TIMES and value is not None):
            # Numbers of 64 bits may come as texts.
            value = int(value)
        record[field.name] = value
    return Rejected("", int(row["log_partition"]), int(row["log_offset"]), record)
