"""A batch of exceptions: columns of numbers, and the two ways to read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from agents.exceptions.kernels import ACTUAL, ESTIMATED, MISSING, SUSPECT
from pipeline.avro_bytes import avro_long, avro_string
from pipeline.avro_columns import Column, Nullable, encode_columns
from pipeline.batch import ReadingBatch
from pipeline.columns import Array
from pipeline.localtime import DAY_SECS
from pipeline.records import EncodedRecords, Values
from pipeline.rules import RULE_BY_CODE, RULES, Severity
from pipeline.step import Origin
from pipeline.wire import HEADER, MAGIC, Contracts

SCHEMA = "ReadingException"
STATES = ("OPEN", "CLOSED")
OPEN, CLOSED = range(2)
SEVERITIES = tuple(severity.name for severity in Severity)
BY_BIT = {rule.bit: rule for rule in RULES}
WATT_HOURS = 1000
NOTHING = -(2**62)
"""Of the columns COMPARED: the record has null there."""
COMPARED = ("found", "expected")
INTERVALS = ("expected", "actual", "estimated", "missing", "suspect")


@dataclass(frozen=True)
class Exceptions:
    """Exceptions that one parcel opened or closed at a stage, in order; `columns` are i64 (n,) by field of the schema.
    Fields that are left out are null, and `node` is 0.

    The key of a record is its service point, 8 bytes big-endian.
    """

    columns: dict[str, Array]
    tick_time: int
    origin: Origin
    stage: str

    def __post_init__(self) -> None:
        for name in COMPARED:
            self.columns.setdefault(name, np.full(len(self), NOTHING, np.int64))
        self.columns.setdefault("node", np.zeros(len(self), np.int64))

    def __len__(self) -> int:
        return len(self.columns["service_point"])

    def encode(self, contracts: Contracts) -> EncodedRecords:
        """The records in the Confluent wire format."""
        schema: Any = contracts.schemas[SCHEMA]
        same: dict[str, Column] = {
            "stage": avro_string(self.stage),
            "tick_time": avro_long(self.tick_time),
            "source_topic_id": avro_string(self.origin.topic_id),
            "source_partition": avro_long(self.origin.partition),
            "source_offset": avro_long(self.origin.offset),
            "source_index": np.arange(len(self), dtype=np.int64),
        }
        nullable = {name: Nullable(self.columns[name], self.columns[name] != NOTHING) for name in COMPARED}
        columns = [_column(field, {**self.columns, **same, **nullable}) for field in schema["fields"]]
        piece = encode_columns(HEADER.pack(MAGIC, contracts.ids[SCHEMA]), columns, len(self))
        keys = self.columns["service_point"].astype(">i8").view(np.uint8).reshape(-1, 8)
        return EncodedRecords(keys, Values([piece]))

    def records(self) -> list[dict[str, Any]]:
        """The same as plain values; slow."""
        listed = zip(*(column.tolist() for column in self.columns.values()), strict=True)
        return [
            {
                **dict(zip(self.columns, row, strict=True)),
                **{name: symbols[self.columns[name][index]] for name, symbols in _SYMBOLS.items()},
                **{name: None for name in COMPARED if self.columns[name][index] == NOTHING},
                "stage": self.stage,
                "tick_time": self.tick_time,
                "source_topic_id": self.origin.topic_id,
                "source_partition": self.origin.partition,
                "source_offset": self.origin.offset,
                "source_index": index,
            }
            for index, row in enumerate(listed)
        ]


_CODES = tuple(rule.code for rule in RULES)
_SYMBOLS: dict[str, Sequence[str]] = {"rule": _CODES, "severity": SEVERITIES, "state": STATES}


def _column(field: Mapping[str, Any], columns: Mapping[str, Column]) -> Column:
    """What a field of the schema holds, an enum as the places that the schema gives its symbols."""
    name, column = field["name"], columns[field["name"]]
    if name not in _SYMBOLS:
        return column
    places = np.array([field["type"]["symbols"].index(symbol) for symbol in _SYMBOLS[name]], np.int64)
    found: Array = places[column]  # type: ignore[index]
    return found


def exceptions_beside(
    columns: Mapping[str, Array], paise_per_kwh: int, tick_time: int, origin: Origin, stage: str
) -> Exceptions:
    """Exceptions that are of no settled day.

    columns: (n,) by field of the schema; `rule` as codes, `start` and `end` for the period, `wh` for what is at stake.
    """
    rules, count = [RULE_BY_CODE[code] for code in columns["rule"].tolist()], len(columns["rule"])
    place = {rule.code: number for number, rule in enumerate(RULES)}
    given = {
        **dict.fromkeys((f"intervals_{what}" for what in INTERVALS), np.zeros(count)),
        **{name: column for name, column in columns.items() if name not in ("rule", "start", "end", "wh")},
        "rule": [place[rule.code] for rule in rules],
        "severity": [SEVERITIES.index(rule.severity.name) for rule in rules],
        "period_start": columns["start"],
        "period_end": columns["end"],
        "revision": (origin.offset << 20) + np.arange(count),
        "wh_at_stake": columns["wh"],
        "paise_at_stake": columns["wh"] * paise_per_kwh // WATT_HOURS,
    }
    plain = {name: np.ascontiguousarray(column, np.int64) for name, column in given.items()}
    return Exceptions(plain, tick_time, origin, stage)


def exceptions_of(
    changes: Array,
    batch: ReadingBatch,
    offset_secs: int,
    paise_per_kwh: int,
    tick_time: int,
    origin: Origin,
    stage: str,
) -> Exceptions:
    """Exceptions of changes (n,), whose rows are settled days of `batch`.

    Changes have fields row, bit, state, first and last. Where a field `wh` is not below zero it is what is at stake;
    `found` and `expected` are what was compared, or NOTHING.
    """
    rows = changes["row"]
    counts = batch.day_counts[rows].astype(np.int64)
    at_stake = (
        np.abs(batch.day_estimated[rows, 0])
        + np.abs(batch.day_suspect[rows, 0])
        + np.abs(batch.day_unexplained[rows, 0])
    )
    if "wh" in (changes.dtype.names or ()):
        at_stake = np.where(changes["wh"] < 0, at_stake, changes["wh"])
    rules = [BY_BIT[bit] for bit in changes["bit"].tolist()]
    place = {rule.code: number for number, rule in enumerate(RULES)}
    index = np.arange(len(rows), dtype=np.int64)
    columns = {
        "service_point": batch.day_service_point[rows].astype(np.int64),
        "rule": np.array([place[rule.code] for rule in rules], np.int64),
        "severity": np.array([SEVERITIES.index(rule.severity.name) for rule in rules], np.int64),
        "period_start": changes["first"] * DAY_SECS - offset_secs,
        "period_end": (changes["last"] + 1) * DAY_SECS - offset_secs,
        "revision": (np.int64(origin.offset) << 20) | index,
        "state": changes["state"].copy(),
        "intervals_expected": counts.sum(axis=1),
        "intervals_actual": counts[:, ACTUAL].copy(),
        "intervals_estimated": counts[:, ESTIMATED].copy(),
        "intervals_missing": counts[:, MISSING].copy(),
        "intervals_suspect": counts[:, SUSPECT].copy(),
        "wh_at_stake": at_stake,
        "paise_at_stake": at_stake * paise_per_kwh // WATT_HOURS,
    }
    columns |= {name: changes[name].copy() for name in COMPARED if name in (changes.dtype.names or ())}
    plain = {name: np.ascontiguousarray(column) for name, column in columns.items()}
    return Exceptions(plain, tick_time, origin, stage)
