"""Tables filled from plain records, as their schemas: events, bills, losses, exceptions, edits, facts, rejects, ..."""

from __future__ import annotations

from typing import Any

from pipeline.codes import REJECT_CODES, Level, Method
from schemas.cold_requests import COLD_REQUEST
from schemas.determinants import DETERMINANT
from schemas.edits import EDIT, EXCEPTION_WORK
from schemas.estimate_score import ESTIMATE_SCORE
from schemas.facts import FACT
from schemas.fields import Record
from schemas.prepaid import LEDGER_ENTRY, PAYMENT
from schemas.profile_rows import PROFILE_ROW
from schemas.readiness import READINESS
from schemas.records import EVENT, LOSS, READING_EXCEPTION, REJECT, STORED
from sinks.clickhouse.columns import PLAIN, TIME, TOPIC, Column, Table, day_of, enum8, enum_of

NUMBERED = {
    "RejectCode": enum8((code.code, code.number) for code in REJECT_CODES),
    "Level": enum_of(Level),
    "EstimationMethod": enum_of(Method),
}
"""Enums whose numbers stand in `pipeline.codes`; others count their symbols from 1."""

NAMED = {
    "service_point": "UInt64",
    "account": "UInt64",
    "node": "UInt32",
    "revision": "UInt64",
    "supersedes": "Nullable(UInt64)",
    "flags": "UInt16",
    "name": "LowCardinality(String)",
    "stage": "LowCardinality(String)",
    "topic": "LowCardinality(String)",
    "tariff": "LowCardinality(Nullable(String))",
    "profile": "LowCardinality(String)",
    "template": "LowCardinality(String)",
    "source_topic_id": TOPIC,
    "versions": "Map(String, String)",
}
"""Columns whose type says more than the schema can."""

SCALARS = {"string": "String", "bytes": "String", "int": "Int32", "long": "Int64", "boolean": "Bool"}


def is_time(doc: str) -> bool:
    """Whether a field holds a point in time: its unit and zone are in its doc."""
    return doc.startswith("[s]") and "epoch seconds UTC" in doc


def column_type(name: str, kind: Any, doc: str) -> str:
    """ClickHouse type of a field."""
    if name in NAMED:
        named = NAMED[name]
        return f"Nullable({named})" if isinstance(kind, list) and "Nullable(" not in named else named
    if isinstance(kind, list):
        return f"Nullable({column_type(name, next(part for part in kind if part != 'null'), doc)})"
    if isinstance(kind, str):
        return TIME if kind == "long" and is_time(doc) else SCALARS[kind]
    if kind["type"] == "enum":
        return NUMBERED.get(kind["name"]) or enum8((symbol, place) for place, symbol in enumerate(kind["symbols"], 1))
    if kind["type"] == "array":
        return f"Array({column_type(name, kind['items'], doc)})"
    assert kind["type"] == "record", kind
    fields = (f"{field['name']} {column_type('', field['type'], field['doc'])}" for field in kind["fields"])
    return f"Tuple({', '.join(fields)})"


def columns_of(record: Record) -> tuple[Column, ...]:
    """The columns of a plain record, in its order."""
    return tuple(
        Column(field.name, column_type(field.name, field.type, field.doc), field.doc, field=field.name)
        for field in record.fields
    )


def item_types(record: Record) -> dict[str, dict[str, str]]:
    """Field that is an array or map -> leaf of an item -> its ClickHouse type, in order."""
    found = {}
    for field in record.fields:
        kind = field.type
        if isinstance(kind, dict) and kind["type"] == "map":
            found[field.name] = {"key": "String", "value": column_type("", kind["values"], "")}
        elif isinstance(kind, dict) and kind["type"] == "array":
            fields = kind["items"]["fields"]
            found[field.name] = {item["name"]: column_type("", item["type"], item["doc"]) for item in fields}
    return found


ITEM_TYPES: dict[str, dict[str, str]] = {name: types for record in STORED for name, types in item_types(record).items()}
"""Arrays and maps of all plain records; a field's name means the same wherever it stands."""

COPY = ("source_topic_id", "source_partition", "source_offset", "source_index")
"""What tells a copy from another record: two rows with the same values are copies and collapse."""

LOG = (
    Column("log_partition", "Int32", "partition of the rejects topic, for a record from no log; -1 for others", PLAIN),
    Column("log_offset", "Int64", "offset in that partition; -1 for others", PLAIN),
)
"""A record from no log has no origin to be known by; its place in its own topic tells it from others."""

EVENTS = Table(
    name="events",
    schema="Event",
    doc="Events of meters: edges of the event status word, entries of event logs, findings of the pipeline",
    columns=(*columns_of(EVENT), day_of("time")),
    engine="ReplacingMergeTree",
    time="time",
    order_by=("day", "service_point", "time", *COPY),
)

PROFILE_ROWS = Table(
    name="profile_rows",
    schema="ProfileRow",
    doc="Rows of nameplates, billing profiles and event logs with values, as meters send them, as often as they do",
    columns=(*columns_of(PROFILE_ROW), day_of("time")),
    engine="ReplacingMergeTree",
    time="time",
    order_by=("day", "profile", "service_point", "time", "device", "code", *COPY),
)

DETERMINANTS = Table(
    name="determinants",
    schema="Determinant",
    doc="One row a bill key and revision: everything a bill is made from",
    columns=(*columns_of(DETERMINANT), day_of("period_start")),
    engine="ReplacingMergeTree(revision)",
    time="period_start",
    order_by=("kind", "day", "account", "service_point", "period_start",
              "period_end", "revision"),
)  # fmt: skip

LOSSES = Table(
    name="losses",
    schema="Loss",
    doc="One row a network node, span and revision: what went in, what came out",
    columns=(*columns_of(LOSS), day_of("start")),
    engine="ReplacingMergeTree(revision)",
    time="start",
    order_by=("span", "day", "node", "start", "revision"),
)

EXCEPTIONS = Table(
    name="exceptions",
    schema="ReadingException",
    doc="One row a service point, rule, first day and revision: what somebody should look at, and whether it is open",
    columns=(*columns_of(READING_EXCEPTION), day_of("period_start")),
    engine="ReplacingMergeTree(revision)",
    time="period_start",
    order_by=("day", "service_point", "rule", "period_start", "revision"),
)

ESTIMATE_SCORES = Table(
    name="estimate_scores",
    schema="EstimateScore",
    doc="One row a partition, local day, class, lane, method and length of gap: how far estimates are off",
    columns=(*columns_of(ESTIMATE_SCORE), day_of("day_start")),
    engine="ReplacingMergeTree(revision)",
    time="day_start",
    order_by=(
        "day",
        "role",
        "tariff_number",
        "load_class",
        "lane",
        "method",
        "gap_secs",
        "source_partition",
        "revision",
    ),
)

REJECTS = Table(
    name="rejects",
    schema="Reject",
    doc="Frames, and rows of frames, that were not used: why, from where, and the bytes",
    columns=(*columns_of(REJECT), *LOG, day_of("received_at")),
    engine="ReplacingMergeTree",
    time="received_at",
    order_by=("day", "code", "stage", *COPY, "log_partition", "log_offset"),
)

COLD_REQUESTS = Table(
    name="cold_requests",
    schema="ColdRequest",
    doc="Rows that came when their day had left the hot window: what a correction of closed days goes by",
    columns=(*columns_of(COLD_REQUEST), day_of("day_start")),
    engine="ReplacingMergeTree",
    time="day_start",
    order_by=("day", "service_point", "device", *COPY),
)

FACTS = Table(
    name="facts",
    schema="Fact",
    doc="One row a fact from outside and revision: outages, temperatures, check meters, neighbours",
    columns=(*columns_of(FACT), day_of("from_time")),
    engine="ReplacingMergeTree(revision)",
    # A later revision may correct the begin: no part of the key may change with it.
    time="",
    order_by=("kind", "service_point", "node", "place", "id", "revision"),
)

OWN_PLACE = (
    Column("log_partition", "Int32", "partition of the record in its topic", PLAIN),
    Column("log_offset", "Int64", "offset in that partition: the order of events", PLAIN),
)
"""What people write comes from no log: its place in its own topic orders it, and tells a copy from another event."""

EDITS = Table(
    name="edits",
    schema="Edit",
    doc="One row an event of an edit: asked for by a person, or answered by the connector of edits",
    columns=(*columns_of(EDIT), *OWN_PLACE, day_of("at")),
    engine="ReplacingMergeTree",
    time="at",
    order_by=("day", "service_point", "id", "log_partition", "log_offset"),
)

EXCEPTION_WORKS = Table(
    name="exception_work",
    schema="ExceptionWork",
    doc="One row a step of somebody's work on an exception: taken, accepted, edited, closed",
    columns=(*columns_of(EXCEPTION_WORK), *OWN_PLACE, day_of("period_start")),
    engine="ReplacingMergeTree",
    time="period_start",
    order_by=("day", "service_point", "rule", "period_start", "log_partition", "log_offset"),
)

READINESS_TABLE = Table(
    name="readiness",
    schema="Readiness",
    doc="One row a consumer, billing cycle and revision: whether it can be billed, and if not, why",
    columns=(*columns_of(READINESS), day_of("cycle_start")),
    engine="ReplacingMergeTree(revision)",
    time="cycle_start",
    order_by=("day", "account", "service_point", "cycle_start", "cycle_end", "revision"),
)

PAYMENTS = Table(
    name="payments",
    schema="Payment",
    doc="One row a payment, reversal or other change of what an account has or owes; copies of an id collapse",
    columns=(*columns_of(PAYMENT), day_of("collected_at")),
    engine="ReplacingMergeTree",
    # The newest part would have to be found by the time: an id is unique over all times.
    time="",
    order_by=("account", "id"),
)

LEDGER = Table(
    name="ledger",
    schema="LedgerEntry",
    doc="One row an entry of a prepaid account's ledger",
    columns=(*columns_of(LEDGER_ENTRY), day_of("at")),
    engine="ReplacingMergeTree",
    time="",
    order_by=("account", "number"),
)

PLAIN_TABLES = (
    EVENTS, PROFILE_ROWS, DETERMINANTS, LOSSES, EXCEPTIONS, ESTIMATE_SCORES, EDITS, EXCEPTION_WORKS, FACTS, REJECTS,
    COLD_REQUESTS, READINESS_TABLE, PAYMENTS, LEDGER,
)  # fmt: skip
