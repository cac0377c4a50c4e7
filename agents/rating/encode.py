"""Determinants as Avro without Python per record.

The fields of the schema become a plan once: a row of three numbers a field says what to write (a number, a number or
null, a piece of text that is the same for many records, ...). One kernel carries the plan out for all records, so the
order and the nullability of fields are the schema's. A test holds the result to that of the general writer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from agents.rating.charges import FIXED, MONTH, TariffBook
from agents.rating.rows import ROW, column_of
from agents.rating.state import ZONES
from pipeline.channels import ENERGY, N_ENERGY
from pipeline.columns import Array
from pipeline.errors import ContractError
from pipeline.jit import allocating_kernel

NUMBER, NULLABLE, REGISTERS, ZONE_LIST, TARIFF, LINES, VERSIONS, TOPIC, PARTITION, OFFSET = range(10)
"""What a step of the plan writes; the second and third number are columns of the row seen as int64."""

_BY_NAME = {
    "registers": REGISTERS,
    "zones": ZONE_LIST,
    "tariff": TARIFF,
    "lines": LINES,
    "versions": VERSIONS,
    "source_topic_id": TOPIC,
    "source_partition": PARTITION,
    "source_offset": OFFSET,
}
_ENERGIES = tuple(channel.name for channel in ENERGY)

LONGEST_NUMBER = 10
"""Bytes of a 64-bit zigzag number at most."""


@dataclass(frozen=True)
class Texts:
    """Pieces of Avro, laid end to end: `raw` u8, piece n is raw[cut[n]:cut[n + 1]].

    first i64 (versions,) piece of a tariff version: its code; then a piece a zone; then two a line (code; unit and
    rate). zones i64 (versions,) zones of it.
    """

    raw: Array
    cut: Array
    first: Array
    zones: Array
    longest: int


def avro_string(text: str) -> bytes:
    """Length as a zigzag number, then UTF-8."""
    raw = text.encode()
    return avro_long(len(raw)) + raw


def avro_long(value: int) -> bytes:
    """A zigzag number."""
    rest = value << 1 if value >= 0 else (-value << 1) - 1
    out = bytearray()
    while rest > 127:
        out.append(rest & 127 | 128)
        rest >>= 7
    out.append(rest)
    return bytes(out)


def avro_map(items: Sequence[tuple[str, str]]) -> bytes:
    """A map of strings, in the order given."""
    body = b"".join(avro_string(key) + avro_string(value) for key, value in items)
    return avro_long(len(items)) + body + b"\x00" if items else b"\x00"


def text_table(book: TariffBook) -> Texts:
    """The pieces of all tariffs of a book."""
    pieces: list[bytes] = []
    first, longest = [], 0
    for tariff, lines in zip(book.tariffs, book.texts, strict=True):
        first.append(len(pieces))
        pieces.append(avro_string(tariff.code))
        pieces += [avro_string(zone.code) for zone in tariff.zones]
        for line in lines:
            pieces += [avro_string(line.code), avro_string(line.base_unit) + avro_string(line.rate)]
        longest = max(longest, sum(map(len, pieces[first[-1] :])))
    return Texts(
        np.frombuffer(b"".join(pieces) or b"\x00", np.uint8),
        np.cumsum([0, *map(len, pieces)]).astype(np.int64),
        np.array(first, np.int64),
        np.array([len(tariff.zones) for tariff in book.tariffs], np.int64),
        longest,
    )


def plan_of(schema: Mapping[str, Any]) -> Array:
    """Steps i64 (fields, 3) of a parsed record schema; raises ContractError for a field that no row has."""
    steps = []
    for field in schema["fields"]:
        name = field["name"]
        if name in _BY_NAME:
            steps.append((_BY_NAME[name], 0, 0))
        elif name in (ROW.names or ()) or name.removeprefix("delta_") in _ENERGIES:
            nullable = isinstance(field["type"], list)
            steps.append(
                (NULLABLE, column_of(name), column_of(f"has_{name}")) if nullable else (NUMBER, column_of(name), 0)
            )
        else:
            raise ContractError(
                "FIELD_UNKNOWN", where=f"Determinant.{name}", what="rating has no such value", do="add it to ROW"
            )
    return np.array(steps, np.int64)


@dataclass(frozen=True)
class Frame:
    """What all records of a batch share: wire header, and the encoded fields versions, topic id, partition, offset."""

    header: bytes
    versions: bytes
    topic: bytes
    partition: bytes
    offset: bytes


def encode_rows(
    plan: Array, frame: Frame, rows: Array, base: Array, paise: Array, book: TariffBook, texts: Texts
) -> list[bytes]:
    """Values of `rows` ROW (n,), with their bills base, paise i64 (n, lines)."""
    shared = (frame.header, frame.versions, frame.topic, frame.partition, frame.offset)
    numbers = len(plan) + 4 * N_ENERGY + 2 * ZONES + 2 * base.shape[1] + 8
    most = LONGEST_NUMBER * numbers + texts.longest + sum(map(len, shared))
    out, ends = np.empty(most * len(rows), np.uint8), np.empty(len(rows), np.int64)
    _encode(
        plan, rows, rows.view(np.int64).reshape(len(rows), -1), base, paise, book.versions, book.lines, texts.raw,
        texts.cut, texts.first, texts.zones, np.frombuffer(b"".join(shared), np.uint8),
        np.cumsum([0, *map(len, shared)]).astype(np.int64), out, ends,
    )  # fmt: skip
    raw = out[: int(ends[-1]) if len(ends) else 0].tobytes()
    return [raw[begin:end] for begin, end in pairwise([0, *ends.tolist()])]


@allocating_kernel
def _put(out, at, value):  # type: ignore[no-untyped-def]
    """A zigzag number; returns the next place."""
    rest = np.uint64((value << 1) ^ (value >> 63))
    while rest > np.uint64(127):
        out[at] = np.uint8(rest & np.uint64(127)) | np.uint8(128)
        rest >>= np.uint64(7)
        at += 1
    out[at] = np.uint8(rest)
    return at + 1


@allocating_kernel
def _put_nullable(out, at, value, there):  # type: ignore[no-untyped-def]
    """A union of null and long."""
    if there == 0:
        out[at] = 0
        return at + 1
    out[at] = 2
    return _put(out, at + 1, value)


@allocating_kernel
def _copy(out, at, raw, cut, piece):  # type: ignore[no-untyped-def]
    for place in range(cut[piece], cut[piece + 1]):
        out[at] = raw[place]
        at += 1
    return at


@allocating_kernel
def _encode(  # type: ignore[no-untyped-def]
    plan, rows, numbers, base, paise, versions, lines, raw, cut, first, zones, shared, shared_cut, out, ends
):
    at = 0
    for item in range(rows.shape[0]):
        row = rows[item]
        at = _copy(out, at, shared, shared_cut, 0)
        for place in range(plan.shape[0]):
            step = plan[place, 0]
            if step == NUMBER:
                at = _put(out, at, numbers[item, plan[place, 1]])
            elif step == NULLABLE:
                at = _put_nullable(out, at, numbers[item, plan[place, 1]], numbers[item, plan[place, 2]])
            elif step == REGISTERS:
                at = _put_registers(out, at, row)
            elif step == ZONE_LIST:
                at = _put_zones(out, at, row, raw, cut, first, zones)
            elif step == TARIFF:
                out[at] = 2 * (row.has_tariff != 0)
                at += 1
                if row.has_tariff:
                    at = _copy(out, at, raw, cut, first[row.tariff])
            elif step == LINES:
                if row.has_total_paise:
                    texts = first[row.tariff] + 1 + zones[row.tariff]
                    own = versions[row.tariff]
                    at = _put_lines(out, at, base[item], paise[item], own.first, own.lines, lines, raw, cut, texts)
                out[at] = 0
                at += 1
            else:
                at = _copy(out, at, shared, shared_cut, step - VERSIONS + 1)
        ends[item] = at


@allocating_kernel
def _put_registers(out, at, row):  # type: ignore[no-untyped-def]
    at = _put(out, at, np.int64(N_ENERGY))
    for channel in range(N_ENERGY):
        at = _put(out, at, np.int64(channel))
        at = _put_nullable(out, at, row.opening[channel], row.has_opening)
        at = _put_nullable(out, at, row.closing[channel], row.has_closing)
        at = _put(out, at, row.source)
    out[at] = 0
    return at + 1


@allocating_kernel
def _put_zones(out, at, row, raw, cut, first, zones):  # type: ignore[no-untyped-def]
    if row.has_tariff and zones[row.tariff] > 0:
        at = _put(out, at, zones[row.tariff])
        for zone in range(zones[row.tariff]):
            at = _copy(out, at, raw, cut, first[row.tariff] + 1 + zone)
            at = _put(out, at, row.zones[zone])
    out[at] = 0
    return at + 1


@allocating_kernel
def _put_lines(out, at, base, paise, first_line, count, lines, raw, cut, texts):  # type: ignore[no-untyped-def]
    """The lines that have a base, as one block."""
    used = 0
    for place in range(count):
        used += base[place] != 0
    if used == 0:
        return at
    at = _put(out, at, np.int64(used))
    for place in range(count):
        if base[place] != 0:
            at = _copy(out, at, raw, cut, texts + 2 * place)
            at = _put(out, at, base[place] // MONTH if lines[first_line + place].kind == FIXED else base[place])
            at = _copy(out, at, raw, cut, texts + 2 * place + 1)
            at = _put(out, at, paise[place])
    return at
