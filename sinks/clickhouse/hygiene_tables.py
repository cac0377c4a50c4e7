"""Tables that the figures of hygiene need beside the data: when the log stood where, and what is promised."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sinks.clickhouse import native
from sinks.clickhouse.client import errors_as_ours
from sinks.clickhouse.columns import COUNTS, PLAIN, STEADY, TIME, TOPIC, Column, Table
from sinks.clickhouse.config import Promise
from sinks.records import Record

LOG_TIMES = Table(
    name="log_times",
    schema="ReadingBatch",
    doc="One row a tick: what lies before it in its partition of the frames log had arrived by its time",
    columns=(
        Column("origin_topic", TOPIC, "id of the frames topic that the tick stands in", PLAIN),
        Column("origin_partition", "UInt16", "partition of that topic", PLAIN),
        Column("origin_offset", "UInt64", "offset of the tick in that partition", COUNTS),
        Column("time", TIME, "time of the tick, UTC", STEADY),
        Column("lateness_secs", "UInt32", "s: how long intervals stay open behind it", PLAIN),
    ),
    engine="ReplacingMergeTree",
    time="",
    order_by=("origin_topic", "origin_partition", "origin_offset"),
)

SLA = Table(
    name="sla",
    schema="Settings",
    doc="What is promised of a day's rows; the rows with the largest number are in force",
    columns=(
        Column("number", "UInt32", "grows whenever the sink's option `sla` is another", PLAIN),
        Column("hours", "UInt16", "hours after local midnight that the day ends at", PLAIN),
        Column("percent", "Float64", "share of the meters in service that is promised, per cent", PLAIN),
    ),
    engine="ReplacingMergeTree",
    time="",
    order_by=("number", "hours"),
)

HYGIENE_TABLES = (LOG_TIMES, SLA)


def log_times_block(records: Sequence[Record]) -> native.NativeBlock:
    """The ticks of a block of readings."""
    ticks = [(record.origin, record.tick) for record in records if record.tick is not None and record.origin]
    topics = list(dict.fromkeys(origin.topic_id for origin, _ in ticks))
    places = np.array([topics.index(origin.topic_id) for origin, _ in ticks], "<u1")
    numbers = {
        "origin_partition": [origin.partition for origin, _ in ticks],
        "origin_offset": [origin.offset for origin, _ in ticks],
        "time": [tick.time for _, tick in ticks],
        "lateness_secs": [tick.lateness_secs for _, tick in ticks],
    }
    columns = [native.low_cardinality("origin_topic", topics, places)]
    columns += [
        native.arrays(column.name, column.type, [np.array(numbers[column.name], np.int64)])
        for column in LOG_TIMES.stored[1:]
    ]
    return native.block(columns, len(ticks))


def promise(client: Any, promises: Sequence[Promise]) -> None:
    """Put the promises of the sink's options in force, unless they are already."""
    wanted = sorted((one.hours, one.percent) for one in promises)
    with errors_as_ours("sla"):
        number, rows = _in_force(client)
        if rows != wanted or not number:
            data = [[number + 1, hours, percent] for hours, percent in wanted]
            client.insert(SLA.name, data, column_names=["number", "hours", "percent"])


def _in_force(client: Any) -> tuple[int, list[tuple[int, float]]]:
    found = client.query("SELECT number, hours, percent FROM sla FINAL WHERE number = (SELECT max(number) FROM sla)")
    rows = [(int(number), int(hours), float(percent)) for number, hours, percent in found.result_rows]
    return max((row[0] for row in rows), default=0), sorted((hours, percent) for _, hours, percent in rows)
