"""What a topology wrote, as rows: the latest of each, and sums over them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from cli.testing import FrameDriver
from pipeline.batch import DecodedBatch, NodeEnergy, ReadingBatch
from pipeline.channels import N_ENERGY
from pipeline.codes import Quality
from pipeline.columns import Array

Table = dict[str, Array]
"""Columns of rows, all of one length."""

GOOD = (Quality.ACTUAL, Quality.MANUAL, Quality.DERIVED)
DAY_SECS, IST = 86_400, 19_800


def section(driver: FrameDriver, topic: str, name: str) -> Table:
    """All rows of one section of a topic of packed records, in the order of partition and offset.

    Added are `partition` and `offset` of the origin; an index into another section (`prior_reading`) is turned into
    one of this table's kind.
    """
    kind: Any = {"readings": ReadingBatch, "decoded": DecodedBatch, "node-energy": NodeEnergy}[topic]
    columns = [column for column in kind.COLUMNS if column.section == name]
    parts: dict[str, list[Array]] = {column.name: [column.empty()] for column in columns}
    origins: dict[str, list[Array]] = {"partition": [np.zeros(0, np.int64)], "offset": [np.zeros(0, np.int64)]}
    readings = 0
    for written in sorted(driver.written(topic), key=lambda one: (one.appended.partition, one.appended.offset)):
        batch: Any = written.value.batch  # type: ignore[union-attr]
        if batch is None:
            continue
        for column in columns:
            values = getattr(batch, column.name)
            parts[column.name].append(values + readings if column.name == "prior_reading" else values)
        count = len(getattr(batch, columns[0].name))
        origins["partition"].append(np.full(count, written.value.origin.partition))  # type: ignore[union-attr]
        origins["offset"].append(np.full(count, written.value.origin.offset))  # type: ignore[union-attr]
        if topic == "readings":
            readings += len(batch.service_point)
    return {name: np.concatenate(values) for name, values in {**parts, **origins}.items()}


def take(table: Table, rows: Array) -> Table:
    """The rows chosen by a mask or by numbers."""
    return {name: values[rows] for name, values in table.items()}


def latest(table: Table, keys: Sequence[str], revision: str = "revision") -> Table:
    """Of rows with equal `keys` the one of the largest revision; ascending by `keys`."""
    order = np.lexsort((table[revision], *(table[name] for name in reversed(keys))))
    ordered = take(table, order)
    last = np.ones(len(order), bool)
    if len(order):
        same = np.ones(len(order) - 1, bool)
        for name in keys:
            same &= ordered[name][1:] == ordered[name][:-1]
        last[:-1] = ~same
    return take(ordered, last)


def readings(driver: FrameDriver) -> Table:
    """The latest revision of every interval, with `q`: quality by energy channel u8 (n, 4), and its local `day`."""
    table = latest(section(driver, "readings", "reading"), ("service_point", "interval_start"))
    table["q"] = qualities(table["quality"])
    table["day"] = day_of(table["interval_start"])
    return table


def days(driver: FrameDriver) -> Table:
    """The latest settlement of every service point and day."""
    return latest(section(driver, "readings", "settlement"), ("day_service_point", "day_start"), "day_revision")


def qualities(words: Array) -> Array:
    """Quality of each energy channel, u8 (n, 4), from quality words u64 (n,)."""
    shifts = np.arange(N_ENERGY, dtype=np.uint64) * np.uint64(4)
    made: Array = ((words[:, None] >> shifts) & np.uint64(15)).astype(np.uint8)
    return made


def day_of(times: Array) -> Array:
    """Local midnight (Asia/Kolkata) at or before each time."""
    return (times + IST) // DAY_SECS * DAY_SECS - IST


def sums(table: Table, keys: Sequence[str], values: Array) -> dict[tuple[int, ...], Array]:
    """values i64 (n, ...) added up by `keys`."""
    found: dict[tuple[int, ...], Array] = {}
    columns = [table[name].tolist() for name in keys]
    for key, value in zip(zip(*columns, strict=True), values, strict=True):
        found[key] = found[key] + value if key in found else value.copy()
    return found


def in_order(table: Table, keys: Sequence[str]) -> Table:
    """The rows by `keys`, the first of them first."""
    return take(table, np.lexsort([table[name] for name in reversed(keys)]))


def differences(one: Table, other: Table) -> list[str]:
    """Columns that are not the same in both."""
    return [name for name in one if not np.array_equal(one[name], other[name])]


LINEAGE = frozenset({
    "revision", "supersedes", "frame", "partition", "offset", "topic", "lineage_from", "lineage_to", "versions",
    "source_topic_id", "source_partition", "source_offset", "source_index", "prior_reading", "link", "day_link",
})  # fmt: skip
"""Columns that tell where a row was made, not what it says. Revisions are replaced by their ranks."""

KNOWN_THEN = frozenset({"expected_error"})
"""Columns that tell what was known when a row was made: the gap may have been longer then (docs/estimates.md)."""

HISTORIES = {
    "reading": (("service_point", "interval_start"), "revision"),
    "settlement": (("day_service_point", "day_start"), "day_revision"),
    "snapshot": (("snapshot_service_point", "snapshot_time", "snapshot_kind", "snapshot_device"), "snapshot_revision"),
}
PLAIN_HISTORIES = {
    "events": (), "rejects": (), "determinants": ("service_point", "kind", "period_start"),
    "losses": ("node", "span", "start"),
}  # fmt: skip


def histories(
    driver: FrameDriver, *, leave: frozenset[str] = frozenset(), last: bool = False
) -> dict[str, Counter[str]]:
    """Table -> every row as text, each with its place among the revisions of its key; lineage is left out.

    `leave`: more columns to leave out; `last`: only the last revision of each key, without its place and what was
    known then.
    """
    found: dict[str, Counter[str]] = {}
    leave = leave | KNOWN_THEN if last else leave
    for name, (keys, revision) in HISTORIES.items():
        table = section(driver, "readings", name)
        table = in_order(latest(table, keys, revision) if last else table, (*keys, revision))
        place = np.zeros(len(table[revision]), np.int64) if last else ranks(table, keys)
        columns = [column for column in table if column not in LINEAGE | leave | {revision}]
        lines = zip(place.tolist(), *(table[column].tolist() for column in columns), strict=True)
        found[name] = Counter(str(line) for line in lines)
    for topic, names in PLAIN_HISTORIES.items():
        found[topic] = _plain(driver.records(topic), names, LINEAGE | leave, last)
    return found


def ranks(table: Table, keys: Sequence[str]) -> Array:
    """Place of each row among those of equal `keys`, from 0; rows are in order of `keys`."""
    count = len(table[keys[0]])
    same = np.ones(max(count - 1, 0), bool)
    for name in keys:
        same &= table[name][1:] == table[name][:-1]
    starts = np.flatnonzero(np.concatenate((np.ones(min(count, 1), bool), ~same)))
    lengths = np.diff(np.append(starts, count))
    return np.arange(count) - np.repeat(starts, lengths)


def _plain(
    records: Sequence[Mapping[str, Any]], keys: tuple[str, ...], leave: frozenset[str], last: bool
) -> Counter[str]:
    chosen = list(last_of(records, *keys).values()) if last and keys else records
    lines: Counter[str] = Counter()
    places: Counter[tuple[Any, ...]] = Counter()
    for record in sorted(chosen, key=lambda one: int(one["revision"])) if keys else chosen:
        key = tuple(record[name] for name in keys)
        kept = {name: value for name, value in record.items() if name not in leave}
        if "quantities" in kept and "delta_wh_imp" in leave:
            kept["quantities"] = [{**item, "delta": None} for item in kept["quantities"]]
        lines[str((places[key] if keys else 0, kept))] += 1
        places[key] += 1
    return lines


def last_of(records: Sequence[Mapping[str, Any]], *keys: str) -> dict[tuple[Any, ...], Mapping[str, Any]]:
    """Of plain records with equal `keys` the one of the largest revision."""
    found: dict[tuple[Any, ...], Mapping[str, Any]] = {}
    for record in records:
        key = tuple(record[name] for name in keys)
        if key not in found or found[key]["revision"] < record["revision"]:
            found[key] = record
    return found
