"""Readings of a block as rows that documents are made of: names in place of codes, one row an interval."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from pipeline.batch import ReadingBatch
from pipeline.channels import CHANNELS, ENERGY, N_ENERGY, N_REACTIVE, REACTIVE
from pipeline.codes import NOT_KNOWN, RULES, Flag, Method, Quality
from sinks.records import Record

SUMS = ENERGY + REACTIVE
"""Channels whose values are energy of an interval."""


QUALITIES = {code.value: code.name for code in Quality}
METHODS = {code.value: code.name for code in Method}


class Interval(NamedTuple):
    """One interval of one service point. `values`, `qualities` by channel name; ABSENT channels are left out.

    Values are Wh, VAh, varh times the multiplying factor, or the units of pipeline.channels; times epoch seconds UTC.
    """

    service_point: int
    device: int
    start: int
    secs: int
    revision: int
    values: dict[str, int]
    qualities: dict[str, str]
    method: str
    rules: tuple[str, ...]
    flags: tuple[str, ...]
    expected_error: int | None
    """Thousandths of wh_imp; 0: it is no estimate; None: not known."""
    topic_id: str
    partition: int
    offset: int

    @property
    def end(self) -> int:
        """Epoch seconds of the end."""
        return self.start + self.secs

    @property
    def meter(self) -> str:
        """System title of the device, 16 hexadecimal digits."""
        return f"{self.device:016X}"


def intervals_of(records: Sequence[Record]) -> Iterator[Interval]:
    """Every reading of the records, in their order."""
    for record in records:
        batch = record.value
        if not isinstance(batch, ReadingBatch):
            continue
        assert record.origin is not None
        origin = (record.origin.topic_id, record.origin.partition, record.origin.offset)
        energies = _by_channel(batch)
        columns = zip(
            batch.service_point.tolist(), batch.device.tolist(), batch.interval_start.tolist(),
            batch.interval_secs.tolist(), batch.revision.tolist(), batch.quality.tolist(), batch.method.tolist(),
            batch.rules.tolist(), batch.flags.tolist(), batch.expected_error.tolist(), energies, strict=True,
        )  # fmt: skip
        for point, device, start, secs, revision, word, method, rules, flags, expected, energy in columns:
            qualities = _qualities(word)
            values = {name: value for name, value in energy if qualities.get(name, "MISSING") != "MISSING"}
            yield Interval(
                point, device, start, secs, revision, values, qualities, METHODS.get(method, str(method)),
                _rules(rules), _flags(flags), None if expected == NOT_KNOWN else expected, *origin,
            )  # fmt: skip


def _by_channel(batch: ReadingBatch) -> Iterator[list[tuple[str, int]]]:
    names = [channel.name for channel in CHANNELS]
    assert batch.energy.shape[1] == N_ENERGY
    assert batch.reactive.shape[1] == N_REACTIVE
    rows = zip(batch.energy.tolist(), batch.reactive.tolist(), batch.physical.tolist(), strict=True)
    for energy, reactive, physical in rows:
        yield list(zip(names, [*energy, *reactive, *physical], strict=True))


def _qualities(word: int) -> dict[str, str]:
    """Channel -> quality of those that are not ABSENT."""
    found = {}
    for place, channel in enumerate(CHANNELS):
        code = word >> (4 * place) & 15
        if code:
            found[channel.name] = QUALITIES.get(code, str(code))
    return found


def _rules(word: int) -> tuple[str, ...]:
    return tuple(rule.code for rule in RULES if word >> rule.bit & 1) if word else ()


def _flags(word: int) -> tuple[str, ...]:
    return tuple(flag.name or "" for flag in Flag if word & flag) if word else ()


def series_of(intervals: Sequence[Interval]) -> Iterator[tuple[Interval, str, list[Interval]]]:
    """Intervals by (service point, device, length, channel), in that order; each list is in order of time.

    Of an interval that stands there twice the larger revision is taken. The first of a list stands beside its channel.
    """
    newest: dict[tuple[int, int, int, int], Interval] = {}
    for interval in intervals:
        key = (interval.service_point, interval.device, interval.secs, interval.start)
        if key not in newest or newest[key].revision < interval.revision:
            newest[key] = interval
    series: dict[tuple[int, int, int], list[Interval]] = {}
    for key in sorted(newest):
        series.setdefault(key[:3], []).append(newest[key])
    for found in series.values():
        for channel in SUMS:
            having = [interval for interval in found if channel.name in interval.values]
            if having:
                yield having[0], channel.name, having


def as_mapping(interval: Interval) -> dict[str, Any]:
    """For JSON and tables: every field by its name."""
    return {
        "service_point": interval.service_point,
        "device": interval.meter,
        "interval_start": interval.start,
        "interval_secs": interval.secs,
        "revision": interval.revision,
        **{channel.name: interval.values.get(channel.name) for channel in CHANNELS},
        "quality": interval.qualities,
        "method": interval.method,
        "rules": list(interval.rules),
        "flags": list(interval.flags),
        "expected_error": interval.expected_error,
        "origin_topic_id": interval.topic_id,
        "origin_partition": interval.partition,
        "origin_offset": interval.offset,
    }
