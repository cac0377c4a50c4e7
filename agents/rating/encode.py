"""Determinants as Avro without Python per record: the binary encoding of schemas/avro/Determinant.avsc, field by field.

What does not change from row to row (names, rates, versions) is encoded once and copied. A test holds the result to
that of the general writer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numba import njit

from agents.rating.charges import FIXED, MONTH, TariffBook
from pipeline.channels import N_ENERGY
from pipeline.columns import Array

FIXED_BYTES = 1200
"""More than all numbers of one record need (10 bytes each at most)."""
LINE_NUMBERS = 24
"""More than the two numbers of a line need."""


@dataclass(frozen=True)
class Texts:
    """Pieces of Avro, laid end to end: `raw` u8, piece n is raw[cut[n]:cut[n + 1]].

    first i32 (versions,) piece of a tariff version: its code as the nullable string; then a piece a zone; then two a
    line (code; unit and rate). zones u8 (versions,) zones of it.
    """

    raw: Array
    cut: Array
    first: Array
    zones: Array
    longest: int


def avro_string(text: str) -> bytes:
    """Length as a zigzag number, then UTF-8."""
    raw = text.encode()
    return _long(len(raw)) + raw


def _long(value: int) -> bytes:
    rest = value << 1 if value >= 0 else (-value << 1) - 1
    out = bytearray()
    while rest > 127:
        out.append(rest & 127 | 128)
        rest >>= 7
    out.append(rest)
    return bytes(out)


def text_table(book: TariffBook) -> Texts:
    """The pieces of all tariffs of a book."""
    pieces: list[bytes] = []
    first, longest = [], 0
    for tariff, lines in zip(book.tariffs, book.texts, strict=True):
        first.append(len(pieces))
        pieces.append(b"\x02" + avro_string(tariff.code))
        pieces += [avro_string(zone.code) for zone in tariff.zones]
        for line in lines:
            pieces += [avro_string(line.code), avro_string(line.base_unit) + avro_string(line.rate)]
        longest = max(longest, sum(map(len, pieces[first[-1] :])) + LINE_NUMBERS * len(lines))
    return Texts(
        np.frombuffer(b"".join(pieces) or b"\x00", np.uint8),
        np.cumsum([0, *map(len, pieces)]).astype(np.int64),
        np.array(first, np.int32),
        np.array([len(tariff.zones) for tariff in book.tariffs], np.uint8),
        longest,
    )


def versions_map(versions: Sequence[tuple[str, str]]) -> bytes:
    """Avro map of strings, in the order given."""
    body = b"".join(avro_string(kind) + avro_string(version) for kind, version in versions)
    return _long(len(versions)) + body + b"\x00" if versions else b"\x00"


def origin_head(topic_id: str, partition: int, offset: int) -> bytes:
    """The fields source_topic_id, source_partition, source_offset."""
    return avro_string(topic_id) + _long(partition) + _long(offset)


def encode_rows(
    head: bytes, rows: Array, version: Array, base: Array, paise: Array, total: Array, book: TariffBook, texts: Texts,
    versions: bytes, origin: bytes, first_index: int,
) -> list[bytes]:  # fmt: skip
    """Values of `rows`, each beginning with `head`; row n has index first_index + n."""
    most = FIXED_BYTES + texts.longest + len(head) + len(versions) + len(origin)
    out = np.empty(most * len(rows), np.uint8)
    ends = np.empty(len(rows), np.int64)
    _encode(
        np.frombuffer(head, np.uint8), rows, version, base, paise, total, book.versions, book.lines, texts.raw,
        texts.cut, texts.first, texts.zones, np.frombuffer(versions, np.uint8), np.frombuffer(origin, np.uint8),
        first_index, out, ends,
    )  # fmt: skip
    raw = out[: int(ends[-1]) if len(ends) else 0].tobytes()
    begins = [0, *ends.tolist()]
    return [raw[begin:end] for begin, end in pairwise(begins)]


@njit(nogil=True, cache=True, inline="always")
def _put(out, at, value):  # type: ignore[no-untyped-def]
    """A zigzag number; returns the next place."""
    signed = np.int64(value)
    rest = np.uint64((signed << 1) ^ (signed >> 63))
    while rest > np.uint64(127):
        out[at] = np.uint8(rest & np.uint64(127)) | np.uint8(128)
        rest >>= np.uint64(7)
        at += 1
    out[at] = np.uint8(rest)
    return at + 1


@njit(nogil=True, cache=True)
def _number(out, at, value):  # type: ignore[no-untyped-def]
    return _put(out, at, value)


@njit(nogil=True, cache=True)
def _maybe(out, at, value, there):  # type: ignore[no-untyped-def]
    """A union of null and long."""
    if not there:
        out[at] = 0
        return at + 1
    out[at] = 2
    return _put(out, at + 1, value)


@njit(nogil=True, cache=True)
def _copy(out, at, raw, begin, end):  # type: ignore[no-untyped-def]
    for place in range(begin, end):
        out[at] = raw[place]
        at += 1
    return at


@njit(nogil=True, cache=True)
def _encode(  # type: ignore[no-untyped-def]
    head, rows, version, base, paise, total, tariff_versions, lines, raw, cut, first, zones, versions, origin,
    first_index, out, ends,
):  # fmt: skip
    at = 0
    for item in range(rows.shape[0]):
        row = rows[item]
        at = _copy(out, at, head, 0, head.shape[0])
        at = _identity(out, at, row)
        at = _energies(out, at, row)
        tariff = row.version
        at = _zones(out, at, row, tariff, raw, cut, first, zones)
        at = _demand(out, at, row)
        at = _number(out, at, row.expected)
        for place in range(4):
            at = _number(out, at, row.counts[place])
        if tariff < 0:
            out[at] = 0
            at += 1
        else:
            at = _copy(out, at, raw, cut[first[tariff]], cut[first[tariff] + 1])
        rated = version[item]
        if rated < 0:
            out[at] = 0  # no lines
            at += 1
        else:
            texts = first[rated] + 1 + zones[rated]
            own = tariff_versions[rated]
            at = _lines(out, at, base[item], paise[item], own.first, own.lines, lines, raw, cut, texts)
        at = _maybe(out, at, total[item], rated >= 0)
        at = _maybe(out, at, row.delta_paise, rated >= 0)
        at = _copy(out, at, versions, 0, versions.shape[0])
        at = _number(out, at, row.first_offset)
        at = _number(out, at, row.last_offset)
        at = _copy(out, at, origin, 0, origin.shape[0])
        at = _number(out, at, first_index + item)
        ends[item] = at


@njit(nogil=True, cache=True)
def _identity(out, at, row):  # type: ignore[no-untyped-def]
    """account to meter_segments."""
    at = _number(out, at, row.account)
    at = _number(out, at, row.service_point)
    at = _number(out, at, row.period_start)
    at = _number(out, at, row.period_end)
    at = _number(out, at, row.kind)
    at = _number(out, at, row.revision)
    at = _maybe(out, at, row.revision - 1, row.revision > 1)
    at = _number(out, at, row.reason)
    at = _number(out, at, row.state)
    return _number(out, at, row.segments)


@njit(nogil=True, cache=True)
def _energies(out, at, row):  # type: ignore[no-untyped-def]
    """wh_imp to registers."""
    for channel in range(N_ENERGY):
        at = _number(out, at, row.energy[channel])
    for channel in range(N_ENERGY):
        at = _number(out, at, row.delta[channel])
    at = _number(out, at, row.estimated)
    at = _number(out, at, N_ENERGY)
    for channel in range(N_ENERGY):
        at = _number(out, at, channel)
        at = _maybe(out, at, row.opening[channel], row.known & 1)
        at = _maybe(out, at, row.closing[channel], row.known & 2)
        at = _number(out, at, row.source)
    out[at] = 0
    return at + 1


@njit(nogil=True, cache=True)
def _zones(out, at, row, tariff, raw, cut, first, zones):  # type: ignore[no-untyped-def]
    if tariff >= 0 and zones[tariff] > 0:
        at = _number(out, at, zones[tariff])
        for zone in range(zones[tariff]):
            piece = first[tariff] + 1 + zone
            at = _copy(out, at, raw, cut[piece], cut[piece + 1])
            at = _number(out, at, row.zones[zone])
    out[at] = 0
    return at + 1


@njit(nogil=True, cache=True)
def _demand(out, at, row):  # type: ignore[no-untyped-def]
    """demand_w to power_factor."""
    at = _maybe(out, at, row.demand_w, row.demand_start > 0)
    at = _maybe(out, at, row.demand_start, row.demand_start > 0)
    at = _maybe(out, at, row.demand_va, row.demand_va_start > 0)
    at = _maybe(out, at, row.demand_va_start, row.demand_va_start > 0)
    return _maybe(out, at, power_factor(row.energy[0], row.energy[1]), row.energy[1] > 0)


@njit(nogil=True, cache=True)
def power_factor(wh, vah):  # type: ignore[no-untyped-def]
    """Thousandths, half up; 0 without apparent energy."""
    return (2000 * wh + vah) // (2 * vah) if vah > 0 else np.int64(0)


@njit(nogil=True, cache=True)
def _lines(out, at, base, paise, first_line, count, lines, raw, cut, texts):  # type: ignore[no-untyped-def]
    """The lines that have a base."""
    used = 0
    for place in range(count):
        used += base[place] != 0
    if used:
        at = _number(out, at, used)
        for place in range(count):
            if base[place] != 0:
                piece = texts + 2 * place
                at = _copy(out, at, raw, cut[piece], cut[piece + 1])
                whole = base[place] // MONTH if lines[first_line + place].kind == FIXED else base[place]
                at = _number(out, at, whole)
                at = _copy(out, at, raw, cut[piece + 1], cut[piece + 2])
                at = _number(out, at, paise[place])
    out[at] = 0
    return at + 1
