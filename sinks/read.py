"""Records for a sink from what stands in a topic."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.wire import BATCHES, Contracts, read_stage
from sinks.plain import plain_rows
from sinks.records import Record


def read_record(contracts: Contracts, schema: str, topic: str, partition: int, offset: int, raw: bytes) -> Record:
    """The record at `offset` of a topic whose values have `schema`; raises ContractError when the bytes do not fit."""
    if schema not in BATCHES:
        return read_plain(contracts, schema, topic, partition, [offset], [raw])
    parcel = read_stage(contracts, schema, raw, views=True).parcel
    return Record(topic, partition, offset, schema, parcel.batch, parcel.origin, parcel.previous_offset, parcel.tick)


def read_plain(
    contracts: Contracts, schema: str, topic: str, partition: int, offsets: Sequence[int], values: Sequence[bytes]
) -> Record:
    """Plain records that follow each other in a partition, as one; raises ContractError for the first broken one."""
    rows = plain_rows(contracts, schema, f"{topic} [{partition}]", offsets, values)
    return Record(topic, partition, offsets[-1], schema, rows)
