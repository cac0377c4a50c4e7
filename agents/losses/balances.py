"""A batch of balances: rows of numbers, and the two ways to read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from agents.losses.nodes import Nodes
from agents.losses.state import DAY
from pipeline.avro_bytes import avro_long, avro_string
from pipeline.avro_columns import Column, Nullable, encode_columns
from pipeline.codes import Level
from pipeline.columns import Array
from pipeline.errors import ContractError
from pipeline.records import EncodedRecords, Values
from pipeline.step import Origin
from pipeline.wire import HEADER, MAGIC, Contracts

SCHEMA = "Loss"
THOUSAND = 1000

CHUNK = 20_000
"""Rows encoded at once: bounds the room at some tens of MB."""

LEVELS = tuple(level.name for level in Level)
SPANS = ("INTERVAL", "DAY")
STATES = ("PROVISIONAL", "FINAL")

NUMBERS = ("node", "start", "secs", "revision", "input_wh", "output_wh", "estimated_wh", "expected", "actual",
           "estimated", "inputs_expected", "inputs_actual")  # fmt: skip
"""Fields that are a column of BALANCE."""


@dataclass(frozen=True)
class Losses:
    """Balances that one tick closed or revised, in order of node, span and start.

    rows BALANCE (n,); places i64 (n,) of their nodes in `nodes`; final bool (n,). The key of a record is its node, 8
    bytes big-endian.
    """

    rows: Array
    places: Array
    nodes: Nodes
    final: Array
    tick_time: int
    origin: Origin

    def __len__(self) -> int:
        return len(self.rows)

    def encode(self, contracts: Contracts) -> EncodedRecords:
        """The records in the Confluent wire format; raises ContractError for a field that losses cannot fill."""
        schema: Any = contracts.schemas[SCHEMA]
        header = HEADER.pack(MAGIC, contracts.ids[SCHEMA])
        keys = self.rows["node"].astype(">u8").view(np.uint8).reshape(-1, 8)
        pieces = []
        for begin in range(0, len(self.rows), CHUNK):
            part = slice(begin, begin + CHUNK)
            rows = self.rows[part]
            columns = self._columns(rows, part)
            pieces.append(encode_columns(header, [_column(field, columns) for field in schema["fields"]], len(rows)))
        return EncodedRecords(keys, Values(pieces))

    def _columns(self, rows: Array, part: slice) -> dict[str, Column | tuple[Array, Sequence[str]]]:
        """Fields of some rows by name; of an enum the symbols too, and the number of each row's."""
        number = {name: rows[name].astype(np.int64) for name in NUMBERS}
        places, count = self.places[part], len(rows)
        return {
            **number,
            "name": self.nodes.texts_at(places, rows["node"]),
            "level": (self.nodes.levels_at(places) - min(Level), LEVELS),
            "span": ((rows["row"] == DAY).astype(np.int64), SPANS),
            "supersedes": Nullable(number["revision"] - 1, number["revision"] != 1),
            "state": (self.final[part].astype(np.int64), STATES),
            "loss_wh": number["input_wh"] - number["output_wh"],
            "coverage": _coverage(number["actual"], number["expected"]),
            "tick_time": avro_long(self.tick_time),
            "source_topic_id": avro_string(self.origin.topic_id),
            "source_partition": avro_long(self.origin.partition),
            "source_offset": avro_long(self.origin.offset),
            "source_index": np.arange(part.start, part.start + count, dtype=np.int64),
        }

    def records(self) -> list[dict[str, Any]]:
        """The same as plain values; slow."""
        columns = {name: self.rows[name].tolist() for name in self.rows.dtype.names or ()}
        listed = zip(*columns.values(), strict=True)
        return [self._record(index, dict(zip(columns, row, strict=True))) for index, row in enumerate(listed)]

    def _record(self, index: int, row: dict[str, int]) -> dict[str, Any]:
        expected = row["expected"]
        return {
            "node": row["node"],
            "name": self.nodes.name(int(self.places[index]), row["node"]),
            "level": Level(int(self.nodes.levels_at(self.places[index : index + 1])[0])).name,
            "span": "DAY" if row["row"] == DAY else "INTERVAL",
            "start": row["start"],
            "secs": row["secs"],
            "revision": row["revision"],
            "supersedes": row["revision"] - 1 or None,
            "state": "FINAL" if self.final[index] else "PROVISIONAL",
            "input_wh": row["input_wh"],
            "output_wh": row["output_wh"],
            "loss_wh": row["input_wh"] - row["output_wh"],
            "estimated_wh": row["estimated_wh"],
            "coverage": row["actual"] * THOUSAND // expected if expected else 0,
            "expected": expected,
            "actual": row["actual"],
            "estimated": row["estimated"],
            "inputs_expected": row["inputs_expected"],
            "inputs_actual": row["inputs_actual"],
            "tick_time": self.tick_time,
            "source_topic_id": self.origin.topic_id,
            "source_partition": self.origin.partition,
            "source_offset": self.origin.offset,
            "source_index": index,
        }


def _coverage(actual: Array, expected: Array) -> Array:
    """Actual intervals a thousand expected ones, rounded down; 0 where none is expected."""
    coverage: Array = np.floor_divide(actual * THOUSAND, expected, out=np.zeros_like(actual), where=expected != 0)
    return coverage


def _column(field: Mapping[str, Any], columns: Mapping[str, Column | tuple[Array, Sequence[str]]]) -> Column:
    """What a field of the schema holds, an enum as the places that the schema gives its symbols."""
    name = field["name"]
    if name not in columns:
        raise ContractError(
            "FIELD_UNKNOWN", where=f"{SCHEMA}.{name}", what="losses has no such value", do="add it to Losses"
        )
    column = columns[name]
    if isinstance(column, tuple):
        number, symbols = column
        return np.array([field["type"]["symbols"].index(symbol) for symbol in symbols], np.int64)[number]
    return column
