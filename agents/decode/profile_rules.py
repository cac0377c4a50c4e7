"""Rules of what meters say of themselves: transformer ratios of nameplates (V31), zone registers of billing rows (V13).

Both are of one row, or of two rows of one frame, and no state is kept for them. Such rows are few: they are read one by
one as they are (`agents.decode.lane`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from agents.decode.config import DecodeConfig
from agents.decode.lane import SentRow
from agents.decode.single.profile_rows import ProfileRow
from agents.decode.single.profiles import BILLING, NAMEPLATE
from agents.exceptions.records import CLOSED, OPEN, Exceptions, exceptions_beside
from pipeline.batch import FrameBatch
from pipeline.columns import Array
from pipeline.localtime import DAY_SECS
from pipeline.reference import Registry
from pipeline.step import Parcel

RATIOS = ("1.0.0.4.2.255", "1.0.0.4.3.255")
"""Of current and voltage transformers."""
TOTAL, ZONES = "1.0.1.8.0.255", tuple(f"1.0.1.8.{zone}.255" for zone in range(1, 9))
"""Registers of active energy, import."""
VALUE = 2
THOUSAND = 1000


class Links(NamedTuple):
    """Of the registry in force, sorted by device and begin: device u64, since and until i64, factor u4 (n,)."""

    device: Array
    since: Array
    until: Array
    numerator: Array
    denominator: Array

    def at(self, device: int, time: int) -> int:
        """Row of the link of a device at a time; -1: there is none."""
        first, after = (int(np.searchsorted(self.device, np.uint64(device), side)) for side in ("left", "right"))
        row = first + int(np.searchsorted(self.since[first:after], time, "right")) - 1
        return row if row >= first and time < self.until[row] else -1


def links_of(registry: Registry) -> Links:
    """Those of a registry."""
    return Links(
        registry.device, registry.valid_from, registry.valid_to, registry.factor_numerator,
        registry.factor_denominator,
    )  # fmt: skip


class Finding(NamedTuple):
    """One exception: rule, service point, state, begin and end in epoch seconds UTC, what was compared, Wh at stake."""

    rule: str
    service_point: int
    state: int
    start: int
    end: int
    found: int
    expected: int
    wh: int


def judge_rows(parcel: Parcel, rows: Sequence[SentRow], links: Links, config: DecodeConfig) -> Exceptions | None:
    """Exceptions of the rows of a record; None: there are none."""
    batch = parcel.batch
    assert isinstance(batch, FrameBatch)
    findings: list[Finding] = []
    for place, sent in enumerate(rows):
        point, device = int(batch.service_point[sent.frame]), int(batch.device[sent.frame])
        row = links.at(device, sent.time)
        if row < 0:
            continue
        factor = Fraction(int(links.numerator[row]), max(int(links.denominator[row]), 1))
        if sent.row.profile == NAMEPLATE:
            period = _midnight(max(int(links.since[row]), 0), config), _midnight(sent.time + DAY_SECS - 1, config)
            findings += _ratio(point, sent, factor, period)
        elif sent.row.profile == BILLING:
            findings += _zones(point, sent, _earlier(rows, place), factor, config)
    if not findings:
        return None
    columns = {
        name: np.array(values) for name, values in zip(Finding._fields, zip(*findings, strict=True), strict=True)
    }
    time = max(int(batch.received_at[sent.frame]) for sent in rows)
    return exceptions_beside(columns, config.paise_per_kwh, time, parcel.origin, "decode")


def _ratio(point: int, sent: SentRow, factor: Fraction, period: tuple[int, int]) -> Iterator[Finding]:
    """V31: the product of the meter's ratios is not the registry's factor; a nameplate that agrees closes it."""
    told = numbers_of(sent.row, RATIOS)
    if not told or 0 in told.values():
        return
    ratio = Fraction(1)
    for one in told.values():
        ratio *= one
    state = CLOSED if ratio == factor else OPEN
    yield Finding("V31", point, state, *period, _thousandths(ratio), _thousandths(factor), 0)


def _zones(
    point: int, sent: SentRow, before: SentRow | None, factor: Fraction, config: DecodeConfig
) -> Iterator[Finding]:
    """V13: what the zones counted is not what the total register did; since the row before, where the frame has one."""
    now, start = _registers(sent.row), sent.time - 1
    if now is None:
        return
    if before is not None:
        then = _registers(before.row)
        if then is None:
            return
        now, start = (now[0] - then[0], now[1] - then[1]), before.time
    total, zones = now
    # A register that went down has passed its last digit, or is another meter's.
    if min(total, zones) < 0 or abs(total - zones) <= config.zone_tolerance_wh:
        return
    stake = int(abs(total - zones) * factor)
    first, end = _midnight(start, config), _midnight(sent.time + DAY_SECS - 1, config)
    yield Finding("V13", point, OPEN, first, end, int(zones), int(total), stake)


def _registers(row: ProfileRow) -> tuple[Fraction, Fraction] | None:
    """(total register, sum of the zones), Wh; None: the meter has none, or keeps no zones."""
    total, zones = numbers_of(row, (TOTAL,)), numbers_of(row, ZONES)
    zones_sum = sum(zones.values(), Fraction(0))
    return (total[TOTAL], zones_sum) if total and zones_sum else None


def _earlier(rows: Sequence[SentRow], place: int) -> SentRow | None:
    """The billing row before it in the same frame."""
    if place == 0 or rows[place - 1].frame != rows[place].frame or rows[place - 1].time >= rows[place].time:
        return None
    return rows[place - 1]


def numbers_of(row: ProfileRow, codes: Sequence[str]) -> dict[str, Fraction]:
    """Those of the objects that the row has as numbers."""
    return {
        value.obis: Fraction(value.value)
        for value in row.values
        if value.obis in codes and value.attribute == VALUE and value.value is not None
    }


def _thousandths(ratio: Fraction) -> int:
    return int(ratio * THOUSAND)


def _midnight(time: int, config: DecodeConfig) -> int:
    """The local midnight at or before a time."""
    return time - (time + config.clock_offset_secs) % DAY_SECS
