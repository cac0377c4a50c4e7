"""From columns of texts to readings in the house's units; whatever cannot be read is a fault with row and column.

Names, stamps and qualities come again and again: each distinct text is read once, and rows take it by number.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from connectors.readings_in.config import KINDS, Columns, ReadingsOptions
from connectors.readings_in.devices import device_of
from connectors.readings_in.numbers import whole_column
from connectors.readings_in.qualities import FLAGS, class_of
from connectors.readings_in.quantities import Quantity
from connectors.readings_in.records import MOST_RAW, Fault, Records
from connectors.readings_in.times import stamp_of
from pipeline.channels import FIRST_PHYSICAL
from pipeline.codes import Flag, Kind
from pipeline.columns import Array
from pipeline.reading_frames import COLUMNS_OF, LARGEST_PHYSICAL, N_CHANNELS, TARGET

WH_IMP = 1 << TARGET["wh_imp"]
CLOCK, READING, NAME = "CLOCK_UNUSABLE", "READING_UNREADABLE", "NAME_UNKNOWN"


@dataclass
class Rows:
    """Readings, n: device u64, kind u8, time i64 (a block's closes its interval), interval i64 (0: not said), flags
    u16, present u64, values i64 (n, targets); quality, id: text numbers i64 into `texts`; source: row of the records.
    """

    device: Array
    kind: Array
    time: Array
    interval: Array
    flags: Array
    present: Array
    values: Array
    targets: tuple[int, ...]
    quality: Array
    quality_texts: list[str]
    id: Array
    id_texts: list[str]
    source: Array

    def __len__(self) -> int:
        return len(self.device)


@dataclass
class Read:
    """What was made of records; `missing`: rows of which the head-end says that there is no value."""

    rows: Rows
    faults: list[Fault]
    missing: int


class _Judge:
    """Which rows are refused, and why first."""

    def __init__(self, records: Records) -> None:
        self.records = records
        self.good = np.ones(records.count, np.bool_)
        self.found: dict[int, tuple[str, str, str]] = {}

    def refuse(self, row: int, column: str, code: str, reason: str) -> None:
        self.good[row] = False
        self.found.setdefault(row, (column, code, reason))

    def faults(self, devices: Array, missing: Array) -> list[Fault]:
        """Of rows of which the head-end says that there is nothing it does not matter what is there."""
        return [
            Fault(self.records.place(row), column, code, reason, self.records.raw(row)[:MOST_RAW], int(devices[row]))
            for row, (column, code, reason) in sorted(self.found.items())
            if not missing[row]
        ]


def read_rows(
    records: Records, options: ReadingsOptions, names: Mapping[str, int], columns: Columns | None = None,
    quantities: Mapping[str, Quantity] | None = None,
) -> Read:  # fmt: skip
    """Readings of records; `columns` and `quantities` take the place of the options' own."""
    columns, quantities = columns or options.columns, quantities or options.quantities
    judge = _Judge(records)
    zone = ZoneInfo(options.zone)
    device = _looked_up(judge, columns.device, np.uint64, _device_reader(options, names), NAME)
    kind = _looked_up(judge, columns.kind, np.uint8, partial(_kind, KINDS[options.kind]), READING)
    time = _looked_up(judge, columns.time, np.int64, lambda text: stamp_of(text, options.time_format, zone), CLOCK)
    quality, quality_texts = _coded(records.texts(columns.quality))
    flags, missing = _flags(judge, columns.quality, quality, quality_texts, options)
    interval = _intervals(judge, records, kind, options)
    if options.stamp == "start":
        time = time + np.where(kind == Kind.BLOCK, interval, 0)
    present, values, targets = _values(judge, quantities, options, kind, missing)
    identity, id_texts = _coded(records.texts(columns.id))
    kept = np.flatnonzero(judge.good & ~missing)
    rows = Rows(
        device[kept], kind[kept], time[kept], interval[kept], flags[kept], present[kept], values[kept], targets,
        quality[kept], quality_texts, identity[kept], id_texts, kept,
    )  # fmt: skip
    return Read(rows, [*records.faults, *judge.faults(device, missing)], int(missing.sum()))


INTERVAL = " interval_secs"
"""Column in which a format puts the length that a row's type says; no head-end's column begins with a blank."""


def _intervals(judge: _Judge, records: Records, kind: Array, options: ReadingsOptions) -> Array:
    found = np.full(records.count, options.interval_secs, np.int64)
    if INTERVAL in records.columns:
        said = np.array(records.texts(INTERVAL).fill_null("0").to_pylist(), np.int64)
        if options.interval_secs:
            for row in np.flatnonzero((said != options.interval_secs) & (kind == Kind.BLOCK)).tolist():
                judge.refuse(row, "", "INTERVAL_OTHER", f"{said[row]} s, declared are {options.interval_secs} s")
        found = said
    return np.where(kind == Kind.BLOCK, found, 0)


def _coded(texts: Any) -> tuple[Array, list[str]]:
    """Number of each row's text i64 (n,), -1 for none, and the texts."""
    encoded = pc.dictionary_encode(texts)
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    if isinstance(encoded, pa.ChunkedArray):  # of no rows
        return np.zeros(0, np.int64), []
    numbers = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    return numbers, [text or "" for text in encoded.dictionary.to_pylist()]


def _looked_up(judge: _Judge, column: str, dtype: Any, read: Callable[[str], int], code: str) -> Array:
    """A column of which each distinct text is read once; what cannot be read is refused, and 0."""
    numbers, texts = _coded(judge.records.texts(column))
    values, reasons = np.zeros(len(texts) + 1, dtype), {}
    for place, text in enumerate([*texts, ""]):
        try:
            values[place] = read(text)
        except ValueError as error:
            reasons[place] = str(error)
    at = np.where(numbers < 0, len(texts), numbers)
    for place, reason in reasons.items():
        for row in np.flatnonzero(at == place).tolist():
            judge.refuse(row, column, code, reason)
    found: Array = values[at]
    return found


def _device_reader(options: ReadingsOptions, names: Mapping[str, int]) -> Callable[[str], int]:
    def read(text: str) -> int:
        device = device_of(text, options.device, names)
        if not device:
            raise ValueError(f"{text[:60]!r} names no meter" if text.strip() else "no meter is named")
        return device

    return read


def _kind(usual: Kind, text: str) -> int:
    if not text.strip():
        return usual
    if text.strip().lower() not in KINDS:
        raise ValueError(f"{text[:40]!r}: use one of {', '.join(KINDS)}")
    return KINDS[text.strip().lower()]


def _flags(
    judge: _Judge, column: str, numbers: Array, texts: list[str], options: ReadingsOptions
) -> tuple[Array, Array]:
    """flags u16 (n,), and which rows are missing, bool (n,)."""
    classes = [class_of(text, options.qualities) for text in [*texts, ""]]
    at = np.where(numbers < 0, len(texts), numbers)
    if options.unknown_quality == "refuse":
        for place, found in enumerate(classes):
            for row in np.flatnonzero(at == place).tolist() if found is None else ():
                judge.refuse(row, column, READING, f"quality {texts[place][:40]!r} is in no table")
    flags = np.array([int(FLAGS.get(found or "suspect", Flag(0))) for found in classes], np.uint16)
    return flags[at], np.array([found == "missing" for found in classes])[at]


def _values(
    judge: _Judge, quantities: Mapping[str, Quantity], options: ReadingsOptions, kind: Array, missing: Array
) -> tuple[Array, Array, tuple[int, ...]]:
    """present u64 (n,), values i64 (n, targets), and the targets, ascending."""
    records = judge.records
    here = [name for name in quantities if name in records.columns]
    targets = tuple(sorted({quantities[name].target for name in here}))
    present, values = np.zeros(records.count, np.uint64), np.zeros((records.count, len(targets)), np.int64)
    allowed = np.zeros(256, np.uint64)
    for known, columns in COLUMNS_OF.items():
        allowed[known] = columns
    for name in here:
        target = quantities[name].target
        bit, place = np.uint64(1 << target), targets.index(target)
        column, there, faults = whole_column(records.texts(name), quantities[name].exponent, options.decimal)
        for row, reason in faults.items():
            judge.refuse(row, name, READING, reason)
        # Of channels that a kind does not have nothing is kept: an instantaneous value beside a block's energy.
        there &= allowed[kind] & bit != 0
        for row in np.flatnonzero(there & (present & bit != 0)).tolist():
            judge.refuse(row, name, READING, "two columns of the row hold this quantity")
        if FIRST_PHYSICAL <= target < N_CHANNELS:
            for row in np.flatnonzero(there & (np.abs(column) > LARGEST_PHYSICAL)).tolist():
                judge.refuse(row, name, READING, "the value is too large")
        present |= np.where(there, bit, np.uint64(0))
        values[:, place] = np.where(there, column, values[:, place])
    for row in np.flatnonzero((present == 0) & judge.good & ~missing).tolist():
        judge.refuse(row, "", READING, "no value")
    without = (kind == Kind.BLOCK) & (present & np.uint64(WH_IMP) == 0)
    for row in np.flatnonzero(without & judge.good & ~missing).tolist():
        judge.refuse(row, "", READING, "an interval without wh_imp")
    return present, values, targets
