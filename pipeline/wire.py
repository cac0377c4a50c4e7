"""Log records <-> bytes: parcels and plain records in Avro, in the Confluent wire format (0, schema id, body).

`Contracts` holds the parsed schemas and their ids. Records are written with the ids of a schema registry when one is
configured, else with those of the shipped table; the reader accepts both.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import fastavro
import numpy as np
from fastavro.types import Schema

from pipeline.batch import DecodedBatch, FrameBatch, NodeEnergy, ReadingBatch
from pipeline.column_views import ColumnViews
from pipeline.columns import Packed, empty, pack, unpack
from pipeline.errors import ContractError
from pipeline.narrow import pack_narrow, unpack_narrow
from pipeline.retry import times_of
from pipeline.step import Control, Origin, Parcel, Tick

MAGIC = 0
HEADER = struct.Struct(">bI")

MOST_RECORD_BYTES = 64 << 20
"""Largest record of a topic. What a tick settles of a partition is one record: some 300 bytes a service point at
midnight, so that a partition may have 100,000 of them."""

ONE_AT_A_TIME = {"max.in.flight.requests.per.connection": 1}
"""For idempotent producers whose records must not be lost. A broker that has never seen a producer takes any sequence
number from it. So when its first request is refused, because a leader is just being elected, and the second one is
already on its way and taken, the first is lost: the client counts it as acknowledged together with the second."""

UNREADABLE = (ContractError, ValueError, EOFError, IndexError, KeyError, MemoryError, OverflowError, TypeError)
"""What `Contracts.decode` raises for octets that are no record: its own error, and those of the reader of Avro."""

SOURCE_AT_HEADER = "kvarn-source-at"
"""Header of a record that a worker writes: when the record was written that it was made of, epoch ms in digits, 0 where
that is not known. So whoever reads it knows how far the whole way before it is behind."""

BATCHES: dict[str, type[Packed]] = {
    "FrameBatch": FrameBatch,
    "DecodedBatch": DecodedBatch,
    "ReadingBatch": ReadingBatch,
    "NodeEnergy": NodeEnergy,
}


NARROW = frozenset({"ReadingBatch"})
"""Schemas whose columns are written narrow."""

WHOLE_ITEMS, NARROW_ITEMS = 0, 1
"""Values of the field `packing`: columns as pipeline.columns or as pipeline.narrow has them."""
FORMER_ITEMS = {"day_registers": ("<u1", "<u2")}
"""Columns that were narrower when ReadingBatch was written in whole items: numpy codes then and now."""


@dataclass(frozen=True)
class Contracts:
    """Schemas by name (parsed, references resolved), and the ids that are written."""

    schemas: Mapping[str, Schema]
    ids: Mapping[str, int]
    known: Mapping[int, tuple[str, Schema]]
    """Every id that is read -> name, and the schema of what was written under it, today's or that of a release before.
    One schema may have several: the shipped id, and one of a registry for each wording of its docs."""
    _views: dict[int, ColumnViews] = field(default_factory=dict, compare=False, repr=False)

    def encode(self, name: str, record: Mapping[str, Any]) -> bytes:
        """One record; raises ContractError when it does not fit the schema."""
        out = io.BytesIO()
        out.write(HEADER.pack(MAGIC, self.ids[name]))
        try:
            fastavro.schemaless_writer(out, self.schemas[name], dict(record))
        except (ValueError, TypeError, KeyError, OverflowError) as error:
            raise ContractError("RECORD_MISFIT", where=name, what=str(error), do="correct the producer") from error
        return out.getvalue()

    def decode(self, raw: bytes, name: str | None = None) -> dict[str, Any]:
        """The record in `raw`; with `name` any other schema is refused."""
        number = self._id_of(raw, name)
        found, written = self.known[number]
        body = io.BytesIO(raw)
        body.seek(HEADER.size)
        today = self.schemas[found]
        record = fastavro.schemaless_reader(body, written, None if written is today else today)
        if not isinstance(record, dict):
            raise ContractError("NOT_A_RECORD", where=found, what="the value is no record", do="check the producer")
        return record

    def view(self, raw: bytes, name: str) -> dict[str, Any]:
        """As `decode` for a record of packed columns, with the columns as views of `raw` at any address.

        Of a record of a former release, fields that it had not are not there.
        """
        return self._columns_of(self._id_of(raw, name)).read(raw, HEADER.size)

    def encode_columns(
        self, name: str, envelope: Mapping[str, Any], columns: Mapping[str, bytes | memoryview]
    ) -> bytes:
        """A record of packed columns, `envelope` being all its other fields."""
        number = self.ids[name]
        return self._columns_of(number).write(HEADER.pack(MAGIC, number), envelope, columns)

    def _columns_of(self, number: int) -> ColumnViews:
        if number not in self._views:
            self._views[number] = ColumnViews(self.known[number][1])
        return self._views[number]

    def accepted(self, name: str) -> tuple[int, ...]:
        """Ids of records that are written as today's schema has it."""
        return tuple(number for number, known in self.known.items() if known == (name, self.schemas[name]))

    def _id_of(self, raw: bytes, name: str | None) -> int:
        """Id in the header of `raw`; raises ContractError when it is none, or not `name`."""
        if len(raw) < HEADER.size or raw[0] != MAGIC:
            raise ContractError(
                "NOT_AVRO", where=name or "value", what="no Confluent wire header", do="check the producer"
            )
        schema_id: int = HEADER.unpack_from(raw)[1]
        found = self.known[schema_id][0] if schema_id in self.known else None
        if found is None or (name is not None and found != name):
            raise ContractError(
                "SCHEMA_OTHER",
                where=name or "value",
                what=f"schema id {schema_id} is {found}",
                do="check which topic and which schema registry are meant",
            )
        return schema_id


@dataclass(frozen=True)
class Reference:
    """A record of another topic that a connector put into a `frames` partition; repeats are dropped by its origin."""

    kind: str
    topic: str
    partition: int
    offset: int
    key: bytes
    value: bytes


def frames_record(
    contracts: Contracts,
    *,
    batch: FrameBatch | None = None,
    tick: Tick | None = None,
    control: Control | None = None,
    references: tuple[Reference, ...] = (),
) -> bytes:
    """A value for a `frames` partition."""
    return contracts.encode(
        "FrameBatch",
        {
            "tick": _tick(tick),
            "control": _control(control),
            "references": [vars(reference) for reference in references],
            **pack(batch if batch is not None else empty(FrameBatch)),
        },
    )


def read_frames(contracts: Contracts, raw: bytes, origin: Origin) -> Parcel:
    """The parcel at `origin` of the frames topic."""
    record = contracts.decode(raw, "FrameBatch")
    batch = unpack(FrameBatch, record)
    requeued = times_of(record["references"], len(batch.length)) if record["references"] else None
    return Parcel(origin, batch if len(batch.length) else None, *_envelope(record), requeued=requeued)


def stage_record(contracts: Contracts, schema: str, parcel: Parcel, previous_offset: int) -> bytes:
    """A parcel for the topic between two stages, or for readers; `previous_offset` is the origin offset sent before."""
    batch = parcel.batch if parcel.batch is not None else empty(BATCHES[schema])
    return batch_record(contracts, schema, batch, parcel, previous_offset)


def batch_record(contracts: Contracts, schema: str, batch: Packed, parcel: Parcel, previous_offset: int) -> bytes:
    """`batch` with the origin, tick and control of `parcel`."""
    envelope = {
        "source_topic_id": parcel.origin.topic_id,
        "source_partition": parcel.origin.partition,
        "source_offset": parcel.origin.offset,
        "previous_offset": previous_offset,
        "tick": _tick(parcel.tick),
        "control": _control(parcel.control),
    }
    if schema in NARROW:
        return contracts.encode_columns(schema, {**envelope, "packing": NARROW_ITEMS}, pack_narrow(batch))
    return contracts.encode(schema, {**envelope, **pack(batch)})


@dataclass(frozen=True)
class Received:
    """A parcel read between stages, with the origin offset that its sender sent before it."""

    parcel: Parcel
    previous_offset: int


def read_stage(contracts: Contracts, schema: str, raw: bytes, *, views: bool = False) -> Received:
    """The inverse of `stage_record`. views: the columns are views of `raw`, not for kernels (pipeline.column_views)."""
    record = contracts.view(raw, schema) if views else contracts.decode(raw, schema)
    batch: Any = _batch_of(schema, record, views)
    first = next(iter(BATCHES[schema].COLUMNS)).name
    origin = Origin(record["source_topic_id"], record["source_partition"], record["source_offset"])
    filled = (
        any(len(getattr(batch, column.name)) for column in BATCHES[schema].COLUMNS)
        if not len(getattr(batch, first))
        else True
    )
    previous = record["previous_offset"]
    return Received(Parcel(origin, batch if filled else None, *_envelope(record), previous), previous)


def _batch_of(schema: str, record: Mapping[str, Any], views: bool) -> Packed:
    packing = record.get("packing", WHOLE_ITEMS)
    if packing == NARROW_ITEMS:
        return unpack_narrow(BATCHES[schema], record, aligned=not views)
    if packing != WHOLE_ITEMS:
        raise ContractError("PACKING_OTHER", where=schema, what=f"its columns are packed in way {packing}",
                            do="read it with the Kvarn version that wrote it, or a later one")  # fmt: skip
    return unpack(BATCHES[schema], {**record, **_widened(record)})


def _widened(record: Mapping[str, Any]) -> dict[str, bytes]:
    """Columns of a former release's whole items as wide as they are now."""
    return {
        name: np.frombuffer(record[name], was).astype(now).tobytes()
        for name, (was, now) in FORMER_ITEMS.items()
        if record.get(name)
    }


def _tick(tick: Tick | None) -> dict[str, int] | None:
    return None if tick is None else {"time": tick.time, "lateness_secs": tick.lateness_secs}


def _control(control: Control | None) -> dict[str, Any] | None:
    return None if control is None else {"versions": dict(sorted(control.versions.items()))}


def _envelope(record: Mapping[str, Any]) -> tuple[Tick | None, Control | None]:
    tick, control = record["tick"], record["control"]
    return (None if tick is None else Tick(**tick), None if control is None else Control(control["versions"]))
