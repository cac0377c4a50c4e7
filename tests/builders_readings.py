"""Readings as the sinks get them, made by hand: batches of any size, and records of a partition with their origins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pipeline.batch import ReadingBatch
from pipeline.channels import N_ENERGY, N_PHYSICAL, N_REACTIVE, N_SNAPSHOT
from pipeline.codes import Kind, Quality
from pipeline.columns import empty
from pipeline.step import Origin, Parcel
from pipeline.wire import HEADER, MAGIC, stage_record
from schemas.fields import Record as Schema
from schemas.load import load_contracts
from schemas.records import STORED
from sinks.plain import PlainRows
from sinks.read import read_record
from sinks.records import Record

MIDNIGHT = 1_767_205_800
"""2026-01-01 00:00 in Asia/Kolkata, epoch seconds UTC."""

INTERVAL = 1_800
CONTRACTS = load_contracts()
LOG = "frames-1"


def quality_word(qualities: Mapping[int, Quality]) -> int:
    """Channel -> quality, as nibbles."""
    return sum(int(quality) << (4 * channel) for channel, quality in qualities.items())


def readings(
    offset: int,
    rows: int,
    *,
    first_point: int = 1,
    start: int = MIDNIGHT,
    snapshots: int = 0,
    days: int = 0,
    seed: int = 1,
) -> ReadingBatch:
    """`rows` readings of as many service points, all of one interval, as the frames record at `offset` gave rise to."""
    random = np.random.default_rng((seed, offset))
    batch = empty(ReadingBatch)
    place = np.arange(rows)
    batch.service_point = (first_point + random.permutation(rows)).astype("<u8")
    batch.device = batch.service_point + np.uint64(0x4B56_4E00_0000_0000)
    batch.link = place.astype("<u4")
    batch.interval_start = np.full(rows, start, "<i8")
    batch.interval_secs = np.full(rows, INTERVAL, "<u4")
    batch.revision = ((offset << 20) + place).astype("<u8")
    batch.frame = place.astype("<i4")
    batch.counter = np.full(rows, 7, "<u4")
    batch.flags = np.zeros(rows, "<u2")
    batch.method = np.zeros(rows, "<u1")
    batch.rules = np.zeros(rows, "<u4")
    batch.quality = np.full(rows, quality_word({0: Quality.ACTUAL, 1: Quality.ACTUAL, 8: Quality.ACTUAL}), "<u8")
    batch.expected_error = np.where(place % 5 == 3, 573, 0).astype("<u2")
    batch.energy = np.zeros((rows, N_ENERGY), "<i8")
    batch.energy[:, :2] = random.integers(0, 900, (rows, 2))
    batch.reactive = np.zeros((rows, N_REACTIVE), "<i8")
    batch.physical = np.zeros((rows, N_PHYSICAL), "<i4")
    batch.physical[:, 0] = random.integers(2_200, 2_450, rows) * 100
    _add_days(batch, offset, days, first_point, start)
    _add_snapshots(batch, offset, snapshots, first_point, start)
    return batch  # fmt: skip


def _add_days(batch: ReadingBatch, offset: int, rows: int, first_point: int, start: int) -> None:
    batch.day_service_point = np.arange(first_point, first_point + rows).astype("<u8")
    batch.day_link = np.zeros(rows, "<u4")
    batch.day_start = np.full(rows, start, "<i8")
    batch.day_revision = ((offset << 20) + np.arange(rows)).astype("<u8")
    batch.day_state = np.ones(rows, "<u1")
    batch.day_registers = np.full(rows, 0b111, "<u2")
    for name in ("opening", "closing", "register_energy", "actual", "estimated", "suspect", "unexplained"):
        setattr(batch, f"day_{name}", np.full((rows, N_ENERGY), 1_000, "<i8"))
    batch.day_counts = np.tile(np.array([47, 1, 0, 0], "<u2"), (rows, 1))
    batch.day_demand = np.full((rows, 2), 800, "<i8")
    batch.day_demand_start = np.full((rows, 2), start, "<i8")


def _add_snapshots(batch: ReadingBatch, offset: int, rows: int, first_point: int, start: int) -> None:
    batch.snapshot_service_point = np.arange(first_point, first_point + rows).astype("<u8")
    batch.snapshot_device = batch.snapshot_service_point + np.uint64(10)
    batch.snapshot_time = np.full(rows, start + 60, "<i8")
    batch.snapshot_kind = np.full(rows, Kind.INSTANT, "<u1")
    batch.snapshot_revision = ((offset << 20) + (1 << 19) + np.arange(rows)).astype("<u8")
    batch.snapshot_flags = np.zeros(rows, "<u2")
    batch.snapshot_energy = np.tile(np.array([5_000, 5_100, 0, 0], "<i8"), (rows, 1))
    batch.snapshot_physical = np.full((rows, N_PHYSICAL), 230_000, "<i4")
    batch.snapshot_channels = np.full(rows, 0b1_0000_0011, "<u4")
    batch.snapshot = np.tile(np.arange(N_SNAPSHOT, dtype="<i8") + 100, (rows, 1))
    batch.snapshot_present = np.full(rows, 0b11, "<u4")


def readings_record(
    offset: int,
    rows: int = 5,
    *,
    partition: int = 0,
    position: int | None = None,
    previous: int | None = None,
    topic: str = "readings",
    **options: Any,
) -> Record:
    """The record that follows origin offset `previous` (default: the one before) at `position` of the topic."""
    return Record(
        topic=topic,
        partition=partition,
        offset=offset if position is None else position,
        schema="ReadingBatch",
        value=readings(offset, rows, **options) if rows else None,
        origin=Origin(LOG, partition, offset),
        previous_offset=offset - 1 if previous is None else previous,
    )  # fmt: skip


SAMPLES: dict[str, Any] = {"string": "text", "bytes": b"\x00\xff", "int": 3, "long": MIDNIGHT, "boolean": True}


def plain(schema: Schema, **values: Any) -> dict[str, Any]:
    """A plain record that fits `schema`: a sample in every field that is not given."""
    return {field.name: values.get(field.name, _sample(field.type)) for field in schema.fields}


def _sample(kind: Any) -> Any:
    if isinstance(kind, list):
        return _sample(next(part for part in kind if part != "null"))
    if isinstance(kind, str):
        return SAMPLES[kind]
    if kind["type"] == "enum":
        return kind["symbols"][0]
    if kind["type"] == "map":
        return {"registry": "abc"}
    if kind["type"] == "array":
        return [_sample(kind["items"])]
    return {field["name"]: _sample(field["type"]) for field in kind["fields"]}


PLAIN = {schema.name: schema for schema in STORED}
OF_A_LOG = sorted(
    name for name, schema in PLAIN.items() if "source_partition" in {field.name for field in schema.fields}
)
"""Schemas of records that say which log they come from."""


def plain_record(
    schema: str,
    offset: int,
    index: int = 0,
    *,
    partition: int = 0,
    position: int | None = None,
    topic: str = "",
    **values: Any,
) -> Record:
    """A plain record of a topic, the `index`-th that origin `offset` gave rise to."""
    fields = {"source_topic_id": LOG, "source_partition": partition, "source_offset": offset, "source_index": index}
    raw = CONTRACTS.encode(schema, plain(PLAIN[schema], **{**fields, **values}))
    place = offset if position is None else position
    return read_record(CONTRACTS, schema, topic or schema.lower(), partition, place, raw)


def raw_values(record: Record) -> list[bytes]:
    """The values of a topic that a record was made of."""
    if record.schema == "ReadingBatch":
        assert record.origin is not None
        assert not isinstance(record.value, PlainRows)
        parcel, previous = Parcel(record.origin, record.value), record.previous_offset
        return [stage_record(CONTRACTS, record.schema, parcel, -1 if previous is None else previous)]
    rows = record.value
    assert isinstance(rows, PlainRows)
    header = HEADER.pack(MAGIC, CONTRACTS.ids[rows.schema])
    spans = zip(rows.starts, rows.ends, strict=True)
    return [header + rows.data[start:end].tobytes() for start, end in spans]


def plain_values(record: Record) -> list[dict[str, Any]]:
    """The plain records in a record, decoded."""
    return [CONTRACTS.decode(raw, record.schema) for raw in raw_values(record)]


def plain_origins(records: Sequence[Record], schema: str) -> list[tuple[int, int, int]]:
    """(partition, offset, index) of the plain records of a schema, sorted; copies show as such."""
    rows = [record.value for record in records if record.schema == schema]
    return sorted(tuple(origin) for part in rows if isinstance(part, PlainRows) for origin in part.origins.tolist())
