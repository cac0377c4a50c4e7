"""Records for a sink from what stands in a topic, or from what a step has just made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.step import Origin, Parcel
from pipeline.wire import BATCHES, Contracts, read_stage
from sinks.records import Record


def read_record(contracts: Contracts, schema: str, topic: str, partition: int, offset: int, raw: bytes) -> Record:
    """The record at `offset` of a topic whose values have `schema`; raises ContractError when the bytes do not fit."""
    if schema in BATCHES:
        parcel = read_stage(contracts, schema, raw).parcel
        return parcel_record(schema, topic, partition, offset, parcel, size=len(raw))
    return plain_record(schema, topic, partition, offset, contracts.decode(raw, schema))


def parcel_record(schema: str, topic: str, partition: int, offset: int, parcel: Parcel, *, size: int = 0) -> Record:
    """A record of packed columns, or of a tick or control that went by."""
    return Record(
        topic,
        partition,
        offset,
        schema,
        parcel.batch,
        parcel.origin,
        previous_offset=parcel.previous_offset,
        size=size if parcel.batch is not None else 0,
    )


def plain_record(schema: str, topic: str, partition: int, offset: int, value: Mapping[str, Any]) -> Record:
    """A plain record; its origin stands in its own fields."""
    return Record(
        topic,
        partition,
        offset,
        schema,
        value,
        origin_of(value),
        index=value["source_index"],
        # Two stages that write to one topic are two producers: each keeps its own order.
        stage=value.get("stage", ""),
    )


def origin_of(value: Mapping[str, Any]) -> Origin | None:
    """The origin that a plain record names; None when it comes from no log."""
    if not value["source_topic_id"]:
        return None
    return Origin(value["source_topic_id"], value["source_partition"], value["source_offset"])
