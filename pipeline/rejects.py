"""The frames and rows of one parcel that a stage refused, as columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from pipeline.avro_bytes import avro_long, avro_string
from pipeline.avro_columns import Column, Nullable, Texts, encode_columns, flags, texts_of_array
from pipeline.codes import REJECT_BY_NUMBER, REJECT_CODES
from pipeline.columns import Array
from pipeline.errors import ContractError
from pipeline.records import EncodedRecords, Values
from pipeline.step import Origin
from pipeline.wire import HEADER, MAGIC, Contracts

SCHEMA = "Reject"

RAW_LIMIT = 64 * 1024
"""Octets of a frame that its reject keeps at most."""

NUMBERS = 1 + max(row.number for row in REJECT_CODES)
MEANINGS = np.array([REJECT_BY_NUMBER[place].meaning.encode() if place in REJECT_BY_NUMBER else b""
                     for place in range(NUMBERS)])  # fmt: skip
"""What the reject codes mean, S (numbers,) by number."""

_PARKED = np.array([place in REJECT_BY_NUMBER and REJECT_BY_NUMBER[place].parked for place in range(NUMBERS)])
_DIGITS = np.frombuffer(b"0123456789ABCDEF", np.uint8)
_SHIFTS = np.arange(60, -1, -4, dtype=np.uint64)


def device_names(device: Array) -> Array:
    """Devices u64 (n,) as records name them: 16 hexadecimal digits each, S16 (n,)."""
    digits = _DIGITS[(device[:, np.newaxis] >> _SHIFTS) & np.uint64(15)]
    names: Array = digits.view("S16").reshape(len(device))
    return names


@dataclass(frozen=True, eq=False)
class Rejects:
    """Rejects of one stage, in the order of their index, which is their place here.

    code u8 (n,) by number; frame i64, service_point u64, device u64, received_at i64 (n,); time i64 (n,), None where
    whole frames were refused; detail S (n,). The octets of reject i are the next raw_length[i] of raw u8. The key of a
    record is its device, as the record names it.
    """

    stage: str
    topic: str
    origin: Origin
    code: Array
    frame: Array
    service_point: Array
    device: Array
    received_at: Array
    time: Array | None
    detail: Array
    raw: Array
    raw_length: Array

    def __len__(self) -> int:
        return len(self.code)

    def encode(self, contracts: Contracts) -> EncodedRecords:
        """The records in the Confluent wire format; raises ContractError for a field that a reject does not have."""
        schema: Any = contracts.schemas[SCHEMA]
        names = device_names(self.device)
        columns = self._columns(names)
        fields = [_column(field, columns) for field in schema["fields"]]
        piece = encode_columns(HEADER.pack(MAGIC, contracts.ids[SCHEMA]), fields, len(self))
        return EncodedRecords(names.view(np.uint8).reshape(-1, 16), Values([piece]))

    def _columns(self, names: Array) -> dict[str, Column]:
        """Fields by name; the code still as a number."""
        origin, count = self.origin, len(self)
        partition, offset = avro_long(origin.partition), avro_long(origin.offset)
        time = Nullable(np.zeros(count, np.int64), np.zeros(count, np.bool_))
        if self.time is not None:
            time = Nullable(self.time, np.ones(count, np.bool_))
        return {
            "stage": avro_string(self.stage),
            "code": self.code.astype(np.int64),
            "parked": flags(_PARKED[self.code]),
            "topic": avro_string(self.topic),
            "partition": partition,
            "offset": offset,
            "frame": self.frame,
            "service_point": self.service_point.astype(np.int64),
            "device": texts_of_array(names),
            "received_at": self.received_at,
            "time": time,
            "detail": texts_of_array(self.detail),
            "raw": Texts(self.raw, np.cumsum(self.raw_length) - self.raw_length, self.raw_length),
            "source_topic_id": avro_string(origin.topic_id),
            "source_partition": partition,
            "source_offset": offset,
            "source_index": np.arange(count, dtype=np.int64),
        }

    def records(self) -> list[dict[str, Any]]:
        """The same as plain values; slow."""
        return [self._record(index) for index in range(len(self))]

    def _record(self, index: int) -> dict[str, Any]:
        row, origin = REJECT_BY_NUMBER[int(self.code[index])], self.origin
        end = int(self.raw_length[: index + 1].sum())
        return {
            "stage": self.stage,
            "code": row.code,
            "parked": row.parked,
            "topic": self.topic,
            "partition": origin.partition,
            "offset": origin.offset,
            "frame": int(self.frame[index]),
            "service_point": int(self.service_point[index]),
            "device": f"{int(self.device[index]):016X}",
            "received_at": int(self.received_at[index]),
            "time": None if self.time is None else int(self.time[index]),
            "detail": self.detail[index].decode(),
            "raw": self.raw[end - int(self.raw_length[index]) : end].tobytes(),
            "source_topic_id": origin.topic_id,
            "source_partition": origin.partition,
            "source_offset": origin.offset,
            "source_index": index,
        }


def _column(field: Mapping[str, Any], columns: Mapping[str, Column]) -> Column:
    """What a field of the schema holds, the code as the places that the schema gives its symbols."""
    name = field["name"]
    if name not in columns:
        raise ContractError(
            "FIELD_UNKNOWN", where=f"{SCHEMA}.{name}", what="a reject has no such value", do="add it to Rejects"
        )
    column = columns[name]
    if name == "code":
        return _places_of(tuple(field["type"]["symbols"]))[column]  # type: ignore[index]
    return column


@cache
def _places_of(symbols: tuple[str, ...]) -> Array:
    """Place of each code i64 (numbers,), by number, among the symbols of the schema."""
    places = np.zeros(NUMBERS, np.int64)
    for row in REJECT_CODES:
        places[row.number] = symbols.index(row.code)
    return places
