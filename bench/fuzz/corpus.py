"""Sound plaintexts, where their data lie, and odd data to put in their place; all as arrays for kernels."""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from functools import cache
from typing import NamedTuple

import numpy as np

from bench.fuzz import encode, lists
from bench.fuzz.world import NOON
from pipeline.axdr import Datum, read_datum
from pipeline.channels import FIRST_PHYSICAL
from pipeline.codes import Kind
from pipeline.columns import Array
from pipeline.reading_frames import CHANNEL_COLUMNS, COLUMNS_OF, FIRST_OCTET, HEAD, ROW, frame_of, rows_of
from pipeline.templates import ARRAY, STRUCTURE, TEMPLATES, Push

ANY_MODEL = 0
NAMES_ITSELF = 10
"""The model of meters that name their quantities."""
BODY_AT = 6
"""Place of the datum of a notification without a date-time."""
NOTICE, NOTICE_HEAD, DATED = 0xC2, 11, 13
"""An Event-Notification: its tag, octets before its datum when it has no time, and what a time is more."""
TEXT = ord("/")
MOST_DATA = 250
"""Data of a plaintext whose places are kept; those of a long profile's later rows are like the earlier ones'."""
DATUM = np.dtype([("place", "<i4"), ("end", "<i4"), ("parent", "<i4"), ("body", "<i4"), ("clock", "u1"),
                  ("next", "<i4")])  # fmt: skip
"""Of a plaintext's datum: its tag's place, the place behind it, its container's row or -1, the place of its contents,
whether it is a clock, and the row of the datum behind it in the same container or -1."""


class Texts(NamedTuple):
    """Octets one after the other; start, length i64 (texts,)."""

    octets: Array
    start: Array
    length: Array


class Corpus(NamedTuple):
    """What kernels make plaintexts of.

    bases: sound plaintexts; model i64 (bases,): of which meters, ANY_MODEL: of all
    data: DATUM, by base from `first` on, `counts` of them, i64 (bases,)
    chosen: i64 (models + 1, CHOICES), bases of a model, each as often as it is to be taken
    many: the base with very many rows
    odd: data to put in place of others; lengths: odd lengths and counts; clocks: date-times, 12 octets each
    readings: frames of readings of another head-end
    """

    bases: Texts
    model: Array
    data: Array
    first: Array
    counts: Array
    chosen: Array
    many: int
    odd: Texts
    lengths: Texts
    clocks: Texts
    readings: Texts


CHOICES = 1024


@dataclass(frozen=True)
class _Base:
    octets: bytes
    model: int
    weight: int


def _texts(all_octets: list[bytes]) -> Texts:
    sizes = np.array([len(octets) for octets in all_octets], np.int64)
    return Texts(np.frombuffer(b"".join(all_octets), np.uint8).copy(), np.cumsum(sizes) - sizes, sizes)


def _bases() -> list[_Base]:
    found: list[_Base] = []
    for template in TEMPLATES:
        model = template.number
        weights = {Kind.BLOCK: 10, Kind.DAILY: 4, Kind.INSTANT: 4, Kind.ALERT: 4}
        for kind, weight in weights.items():
            for turn, time in enumerate((NOON, NOON - 900, NOON + 1800)):
                made = encode.single(model, kind, time, 17 * turn)
                if made is not None:
                    found.append(_Base(made, model, weight))
            fewer = encode.single(model, kind, NOON, 3, -1)
            if fewer is not None:
                found.append(_Base(fewer, model, 1))
        for push in template.pushes:
            found += _profiles(push, model)
    # Most frames are for the kernels: the second lane reads a part of what is left to it.
    found = [replace(base, weight=3 * base.weight) for base in found]
    found += [_Base(made, NAMES_ITSELF, 4) for made in lists.lists()]
    found += [_Base(made, ANY_MODEL, 1) for made in (*lists.lists(), *lists.pushes(), *lists.notices())]
    found += [_Base(lists.TELEGRAM, NAMES_ITSELF, 2)]
    found.append(_Base(encode.nulls(1, NOON, 401), 1, 1))
    everything = encode.container(STRUCTURE, _odd()[:40])
    bodies = (everything, encode.container(ARRAY, [everything] * 3), b"\x12\x01\x02")
    found += [_Base(encode.notification(body), ANY_MODEL, 1) for body in bodies]
    dates = bytes([encode.CLOCK_OCTETS]) + encode.date_time(NOON)
    dated = encode.push_of(Kind.ALERT, [encode.octets(encode.date_time(NOON)), b"\x04\x81\x80" + bytes(15) + b"\1"])
    found += [_Base(dated[:5] + head + dated[6:], ANY_MODEL, 2) for head in (dates, b"\x09" + dates, b"\x09\0")]
    return found


def _profiles(push: Push, model: int) -> list[_Base]:
    """Buffers of a push's profile; those of blocks are the most."""
    if push.kind is not Kind.BLOCK:
        return [_Base(encode.profile(push, NOON, 2, 2, compressed=True), model, 1),
                _Base(encode.compact(push, NOON, 2, 2), model, 1)]  # fmt: skip
    compressed = ((1, 2), (2, 4), (5, 4), (48, 1))
    found = [_Base(encode.profile(push, NOON, rows, rows, compressed=True), model, weight)
             for rows, weight in compressed]  # fmt: skip
    found.append(_Base(encode.profile(push, NOON - 3600, 4, 9, compressed=False), model, 3))
    return found + [_Base(encode.compact(push, NOON, rows, rows), model, weight)
                    for rows, weight in ((1, 2), (3, 5), (48, 1))]  # fmt: skip


def _many() -> _Base:
    return _Base(encode.nulls(1, NOON, 400), 1, 0)


def _odd() -> list[bytes]:
    """Data that are rare, at their limits, or none at all."""
    limits = [
        encode.number(tag, value)
        for tag, values in {
            3: (0, 1), 5: (-(2**31), 2**31 - 1), 6: (0, 2**32 - 1), 13: (0x99,), 15: (-128,), 16: (-(2**15), 2**15 - 1),
            17: (255,), 18: (65535,), 20: (-(2**63), 2**63 - 1, 2**53, 2**53 + 1, -(2**53)),
            21: (2**64 - 1, 2**63, 2**63 - 1), 22: (0, 255),
            23: (float("nan"), float("inf"), -float("inf"), 1e38, 1e-45, -0.0),
            24: (float("nan"), float("inf"), 1e308, 2.0**53, 9007199254740.991, -0.0005),
        }.items() for value in values
    ]  # fmt: skip
    texts = [encode.octets(bytes(size)) for size in (0, 1, 5, 6, 11, 12, 13, 127, 128, 300)]
    texts += [bytes([tag]) + encode.length(3) + b"abc" for tag in (10, 12)]
    bits = [b"\x04" + encode.length(count) + bytes((count + 7) // 8) for count in (0, 1, 7, 9, 127, 128, 129, 2047)]
    deep = [bytes([tag, 1]) * levels + b"\0" for tag in (1, 2) for levels in (1, 2, 12, 13, 14, 15, 16, 17, 200)]
    broad = [encode.container(tag, [b"\0"] * count) for tag in (1, 2) for count in (0, 1, 127, 128, 401)]
    wide = [bytes([tag]) + said for tag in (1, 2, 9, 10, 4) for said in _lengths()]
    compact = [
        b"\x13\x12\x06\0\1\0\2\0\3", b"\x13\2\2\x12\x11\6\0\1\7\0\2\7", b"\x13\1\0\2\x11\2\5\6", b"\x13\0\0",
        b"\x13\2\0\0", b"\x13\0\x05\1\2\3\4\5", b"\x13\1\xff\xff\x11\0", b"\x13\1\xff\xff\1\xff\xff\0\x02\1\2",
        b"\x13\x13\x11\1\2", b"\x13\x07\1\2", b"\x13\2\x84\xff\xff\xff\xff\x11\1\2", b"\x13\x11\x84\x7f\xff\xff\xff",
        b"\x13" + b"\2\1" * 40 + b"\x11\1\2", b"\x13" + b"\1\0\1" * 20 + b"\x11\1\2", b"\x13\x09\7\3abc\2xy",
        b"\x13\2\2\x09\x17\x05\x0c\1\2\3\4", b"\x13\x04\3\x09\xff\x80", b"\x13\2\1\xff\0", b"\x13\2\2\0\xff\x01\x01",
    ]  # fmt: skip
    rest = [b"\0", b"\xff", b"\x1a\7\xe9\7\1\2", b"\x1b\1\2\3\4", b"\x19" + _clocks()[0],
            *(bytes([tag]) + b"\1\2\3" for tag in (7, 8, 11, 14, 28, 100, 128, 254))]  # fmt: skip
    return [*limits, *map(encode.octets, _clocks()), *texts, *bits, *rest, *compact, *deep, *broad, *wide]


def _clocks() -> list[bytes]:
    """Date-times with all deviations and states, of days that are rare, and of days that are none."""
    usual = [encode.date_time(NOON, deviation, status) for deviation in (-330, 330, 0, -0x8000)
             for status in (0, 1, 2, 3, 0x80, 0xFF)]  # fmt: skip
    days = ((2024, 2, 29), (2023, 2, 29), (2000, 2, 29), (2096, 2, 29), (2025, 4, 31), (2025, 12, 31), (2099, 12, 31),
            (2100, 1, 1), (1999, 12, 31), (2000, 1, 1), (2025, 0, 1), (2025, 13, 1), (2025, 7, 0), (2025, 7, 32),
            (0xFFFF, 0xFF, 0xFF), (2025, 0xFD, 0xFE))  # fmt: skip
    return usual + [struct.pack(">HBB", *day) + usual[0][4:] for day in days]


def _lengths() -> list[bytes]:
    """Ways to say a length, true or not."""
    short = [bytes([octet]) for octet in (0, 1, 2, 5, 6, 8, 12, 0x7F, 0x80, 0x85, 0xFF)]
    long = [b"\x81\x00", b"\x81\x05", b"\x81\x0c", b"\x81\x80", b"\x81\xff", b"\x82\x00\x03", b"\x82\x00\x0c",
            b"\x82\x01\x90", b"\x82\x01\x91", b"\x82\xff\xff", b"\x83\x00\x00\x06", b"\x83\xff\xff\xff",
            b"\x84\x00\x00\x00\x0c", b"\x84\x7f\xff\xff\xff", b"\x84\x80\x00\x00\x00", b"\x84\xff\xff\xff\xff",
            b"\x85\x00\x00\x00\x00\x01"]  # fmt: skip
    return short + long


def _readings() -> list[bytes]:
    """Frames of readings, their device still to be written."""
    found = []
    for kind, rows in ((Kind.BLOCK, 1), (Kind.BLOCK, 5), (Kind.BLOCK, 48), (Kind.DAILY, 2), (Kind.INSTANT, 1)):
        for columns in (COLUMNS_OF[kind] & 0b1111, COLUMNS_OF[kind], CHANNEL_COLUMNS & ~(1 << FIRST_PHYSICAL)):
            places = columns.bit_count()
            times = NOON + 1800 * np.arange(rows)
            present = np.full(rows, columns, np.uint64)
            made = rows_of(times, present, np.zeros(rows, np.uint16), columns, np.arange(rows * places).reshape(
                rows, places), np.full(rows, 1800 if kind is Kind.BLOCK and rows == 1 else 0))  # fmt: skip
            found.append(frame_of(kind, 0, columns, made, [b"source", "id-é".encode()]))
    assert all(frame[0] == FIRST_OCTET and len(frame) > HEAD.size + ROW.itemsize for frame in found)
    return found


def _walk(datum: Datum, octets: bytes, parent: int, found: list[list[int]]) -> int:
    """Rows of DATUM for a datum and what it contains; its row, or -1 when there are enough."""
    if len(found) >= MOST_DATA:
        return -1
    row = len(found)
    body = datum.start + 1
    if datum.tag in (1, 2, 4, 9, 10, 12):
        body += 1 + max(0, octets[body] - 0x80)
    clock = int(datum.tag == 25 or (datum.tag == 9 and datum.end - body == encode.CLOCK_OCTETS))
    found.append([datum.start, datum.end, parent, body, clock, -1])
    if datum.tag in (1, 2):
        before = -1
        for item in datum.value:
            inner = _walk(item, octets, row, found)
            if before >= 0:
                found[before][5] = inner
            before = inner
    elif datum.tag == encode.COMPACT_ARRAY:
        _walk_compact(datum, row, found)
    return row


def _walk_compact(datum: Datum, row: int, found: list[list[int]]) -> None:
    """The types and the first values of a compact array as if each were a datum."""
    description, values = datum.value
    begin = datum.start + 1
    found += [[place, place + 1, row, place, 0, -1] for place in range(begin, begin + min(len(description), 20))]
    first = datum.end - len(values)
    said = begin + len(description)
    found.append([said, first, row, said + 1, 0, -1])
    for place in range(first, min(first + 60, datum.end)):
        found.append([place, place + 1, row, place, 0, -1])
    if values[:1] == bytes([encode.CLOCK_OCTETS]):
        found.append([first, first + 13, row, first + 1, 1, -1])


def _data(octets: bytes) -> list[list[int]]:
    """Rows of DATUM of a notification; a telegram has none."""
    if octets[0] == TEXT:
        return []
    at = BODY_AT + (octets[5] if octets[5] in (0, 12) else 1 + octets[6])
    if octets[0] == NOTICE:
        at = NOTICE_HEAD + (DATED if octets[1] else 0)
    found: list[list[int]] = []
    _walk(read_datum(octets, at)[0], octets, -1, found)
    # Kernels change data from the last to the first, so that the places before stay what they are.
    order = sorted(range(len(found)), key=lambda row: found[row][0])
    rank = {row: place for place, row in enumerate(order)}
    rank[-1] = -1
    return [[*found[row][:2], rank[found[row][2]], *found[row][3:5], rank[found[row][5]]] for row in order]


@cache
def corpus() -> Corpus:
    """All of it; made once, not to be written to."""
    bases = [*_bases(), _many()]
    data = [_data(base.octets) for base in bases]
    count = np.array([len(rows) for rows in data], np.int64)
    models = max(template.number for template in TEMPLATES)
    chosen = np.zeros((models + 1, CHOICES), np.int64)
    for model in range(models + 1):
        fitting = [row for row, base in enumerate(bases) if base.weight and (model == 0 or base.model in (model, 0))]
        often = np.repeat(fitting, [bases[row].weight for row in fitting])
        chosen[model] = often[np.arange(CHOICES) * len(often) // CHOICES] if len(often) >= CHOICES else (
            often[np.arange(CHOICES) % len(often)])  # fmt: skip
    return Corpus(
        bases=_texts([base.octets for base in bases]),
        model=np.array([base.model for base in bases], np.int64),
        data=np.array([tuple(row) for rows in data for row in rows], DATUM),
        first=np.cumsum(count) - count,
        counts=count,
        chosen=chosen,
        many=len(bases) - 1,
        odd=_texts(_odd()),
        lengths=_texts(_lengths()),
        clocks=_texts(_clocks()),
        readings=_texts(_readings()),
    )
