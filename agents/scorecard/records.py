"""Scores of one local day: columns of numbers, and the two ways to read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from agents.scorecard.classes import parts_of
from agents.vee.estimate.errors import LENGTHS
from agents.vee.estimate.kernels_trial import ACTUAL, COLD_COLUMNS, GAPS, HOT, OVER, SPREAD, WRONG
from agents.vee.estimate.masks import TRIED
from pipeline.avro_bytes import avro_long, avro_string
from pipeline.avro_columns import Column, Nullable, encode_columns
from pipeline.codes import Method
from pipeline.columns import Array
from pipeline.records import EncodedRecords, Values
from pipeline.step import Origin
from pipeline.wire import HEADER, MAGIC, Contracts
from schemas.estimate_score import ROLES, Lane, LoadClass, ScoreState

SCHEMA = "EstimateScore"
SYMBOLS: dict[str, Sequence[str]] = {
    "role": ROLES,
    "load_class": [one.name for one in LoadClass],
    "lane": [one.name for one in Lane],
    "method": [one.name for one in Method],
    "state": [one.name for one in ScoreState],
}
METHODS = np.array([*TRIED, *HOT], np.int64)
LENGTH_SECS = np.array(LENGTHS, np.int64)
KEY_LENGTH_SHIFT, KEY_CLASS_SHIFT = 8, 16
RATIOS = ("wape_permille", "bias_permille")


@dataclass(frozen=True)
class Scores:
    """Scores of one partition; `columns` are i64 (n,) by field of the schema, of ratios those where there is energy.

    The key of a record is class, length of gap and column of the method, 8 bytes big-endian.
    """

    columns: dict[str, Array]
    keys: Array
    tick_time: int
    origin: Origin
    first: int

    def __len__(self) -> int:
        return len(self.keys)

    def encode(self, contracts: Contracts) -> EncodedRecords:
        """The records in the Confluent wire format."""
        schema: Any = contracts.schemas[SCHEMA]
        same: dict[str, Column] = {
            "tick_time": avro_long(self.tick_time),
            "source_topic_id": avro_string(self.origin.topic_id),
            "source_partition": avro_long(self.origin.partition),
            "source_offset": avro_long(self.origin.offset),
            "source_index": self._index,
            **{name: Nullable(self.columns[name], self._measured) for name in RATIOS},
        }
        columns = [_column(field, {**self.columns, **same}) for field in schema["fields"]]
        piece = encode_columns(HEADER.pack(MAGIC, contracts.ids[SCHEMA]), columns, len(self))
        return EncodedRecords(self.keys.astype(">i8").view(np.uint8).reshape(-1, 8), Values([piece]))

    @property
    def _index(self) -> Array:
        return np.arange(self.first, self.first + len(self), dtype=np.int64)

    @property
    def _measured(self) -> Array:
        measured: Array = self.columns["energy_wh"] > 0
        return measured

    def records(self) -> list[dict[str, Any]]:
        """The same as plain values; slow."""
        listed = zip(*(column.tolist() for column in self.columns.values()), strict=True)
        return [
            {
                **dict(zip(self.columns, row, strict=True)),
                **{name: symbols[self.columns[name][place]] for name, symbols in SYMBOLS.items()},
                **({} if self._measured[place] else dict.fromkeys(RATIOS)),
                "tick_time": self.tick_time,
                "source_topic_id": self.origin.topic_id,
                "source_partition": self.origin.partition,
                "source_offset": self.origin.offset,
                "source_index": self.first + place,
            }
            for place, row in enumerate(listed)
        ]


def _column(field: Mapping[str, Any], columns: Mapping[str, Column]) -> Column:
    """What a field of the schema holds, an enum as the places that the schema gives its symbols."""
    name, column = field["name"], columns[field["name"]]
    if name not in SYMBOLS:
        return column
    places = np.array([field["type"]["symbols"].index(symbol) for symbol in SYMBOLS[name]], np.int64)
    found: Array = places[column]  # type: ignore[index]
    return found


def scores_of(
    classes: Array, sums: Array, changed: Array, day_start: int, enough: int, tick_time: int, origin: Origin, first: int
) -> Scores:
    """Scores of classes u32 (c,) whose sums i64 (c, lengths, COLUMNS, SUMS) are where changed bool (c, lengths,
    COLUMNS); `first`: records of the same origin before."""
    group, length, column = np.nonzero(changed)
    found, parts = sums[group, length, column], parts_of(classes[group])
    method = METHODS[column]
    energy = found[:, ACTUAL]
    count = np.arange(first, first + len(group), dtype=np.int64)
    columns = {
        "day_start": np.full(len(group), day_start, np.int64),
        "role": parts.role,
        "tariff_number": parts.tariff,
        "load_class": parts.load_class,
        "lane": np.where(column < COLD_COLUMNS, int(Lane.COLD), int(Lane.HOT)),
        "method": np.searchsorted(np.array([int(one) for one in Method]), method),
        "gap_secs": LENGTH_SECS[length],
        "revision": (np.int64(origin.offset) << 20) | count,
        "state": (found[:, GAPS] >= enough).astype(np.int64),
        "gaps": found[:, GAPS],
        "energy_wh": energy,
        "wrong_wh": found[:, WRONG],
        "over_wh": found[:, OVER],
        "spread_wh": found[:, SPREAD],
        "wape_permille": permille(found[:, WRONG], energy),
        "bias_permille": permille(found[:, OVER], energy),
    }
    keys = (classes[group].astype(np.int64) << KEY_CLASS_SHIFT) | (length << KEY_LENGTH_SHIFT) | column
    return Scores({name: np.ascontiguousarray(part) for name, part in columns.items()}, keys, tick_time, origin, first)


MOST_PERMILLE = 2**31 - 1


def permille(part: Array, whole: Array) -> Array:
    """Thousandths i64 (n,), nearest, at most what an Avro int holds; 0 where `whole` is not above zero."""
    safe = np.maximum(whole, 1)
    found = np.where(whole > 0, (2000 * part + safe) // (2 * safe), 0)
    limited: Array = np.clip(found, -MOST_PERMILLE, MOST_PERMILLE)
    return limited
