"""Determinants as Avro without Python per record.

The fields of the schema become a plan once: a row of three numbers a field says what to write (a number, a number or
null, a piece of text that is the same for many records, ...). One kernel carries the plan out for all records, so the
order and the nullability of fields are the schema's. A test holds the result to that of the general writer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from agents.rating.charges import FIXED, MONTH, TariffBook
from agents.rating.quantities import MOST, QUANTITY, UNITS, Asked, list_quantities
from agents.rating.rows import ROW, column_of
from agents.rating.state import ZONES
from pipeline.avro_bytes import avro_string
from pipeline.avro_columns import LONGEST_NUMBER, SLACK, put_number, put_octets
from pipeline.channels import ENERGY, N_ENERGY
from pipeline.columns import Array
from pipeline.errors import ContractError
from pipeline.jit import inlined, kernel, poke1
from pipeline.records import Values, piece_of

NUMBER, NULLABLE, REGISTERS, ZONE_LIST, QUANTITY_LIST, TARIFF, LINES, VERSIONS, TOPIC, PARTITION, OFFSET = range(11)
"""What a step of the plan writes; the second and third number are columns of the row seen as int64."""

_BY_NAME = {
    "registers": REGISTERS,
    "zones": ZONE_LIST,
    "quantities": QUANTITY_LIST,
    "tariff": TARIFF,
    "lines": LINES,
    "versions": VERSIONS,
    "source_topic_id": TOPIC,
    "source_partition": PARTITION,
    "source_offset": OFFSET,
}
_ENERGIES = tuple(channel.name for channel in ENERGY)

TARIFF_AT, HAS_TARIFF_AT, BILLED_AT = (column_of(name) for name in ("tariff", "has_tariff", "has_total_paise"))
OPENING_AT, CLOSING_AT, SOURCE_AT, ZONES_AT = (column_of(name) for name in ("opening", "closing", "source", "zones"))
HAS_OPENING_AT, HAS_CLOSING_AT = column_of("has_opening"), column_of("has_closing")
"""Columns that steps of more than one number read."""

QUANTITY_OCTETS = 48
"""Octets of a quantity at most: three numbers of 64 bits, and some small ones."""

CHUNK = 2_000
"""Rows encoded at once: their octets stay in the processor's cache until they are copied to where they are kept."""


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
    plan: Array, frame: Frame, rows: Array, base: Array, paise: Array, book: TariffBook, texts: Texts, asked: Asked
) -> Values:
    """Values of `rows` ROW (n,), with their bills base, paise i64 (n, lines), and what was asked of their tariffs."""
    shared = (frame.header, frame.versions, frame.topic, frame.partition, frame.offset)
    octets, cut = np.frombuffer(b"".join(shared), np.uint8), np.cumsum([0, *map(len, shared)]).astype(np.int64)
    numbers = rows.view(np.int64).reshape(len(rows), -1)
    fields = len(plan) + 4 * N_ENERGY + 2 * ZONES + 2 * base.shape[1] + 8
    most = LONGEST_NUMBER * fields + texts.longest + len(octets) + MOST * QUANTITY_OCTETS
    chunk = min(len(rows), CHUNK)
    out, pieces = np.empty(most * chunk + SLACK, np.uint8), []
    items, listed = np.empty(MOST * chunk, QUANTITY), np.empty(chunk, np.int64)
    for begin in range(0, len(rows), CHUNK):
        part = slice(begin, begin + CHUNK)
        ends = np.empty(len(rows[part]), np.int64)
        list_quantities(rows[part], asked, UNITS, items, listed)
        _encode(
            plan, numbers[part], base[part], paise[part], book.versions, book.lines, texts.raw, texts.cut, texts.first,
            texts.zones, items, listed, octets, cut, out, ends,
        )  # fmt: skip
        pieces.append(piece_of(out, ends))
    return Values(pieces)


@inlined
def _put_nullable(out, at, value, there):  # type: ignore[no-untyped-def]
    """A union of null and long."""
    if there == 0:
        poke1(out, at, 0)
        return at + 1
    poke1(out, at, 2)
    return put_number(out, at + 1, value)


@inlined
def _copy(out, at, raw, cut, piece):  # type: ignore[no-untyped-def]
    return put_octets(out, at, raw, cut[piece], cut[piece + 1] - cut[piece])


@kernel
def _encode(  # type: ignore[no-untyped-def]
    plan, numbers, base, paise, versions, lines, raw, cut, first, zones, items, listed, shared, shared_cut, out, ends
):
    """numbers: rows seen as i64 (n, COLUMNS); items, listed: their quantities, as `quantities.Listed`; out u8 takes the
    records, ends i64 (n,) where each ends."""
    at = np.int64(0)
    for item in range(numbers.shape[0]):
        tariff = numbers[item, TARIFF_AT] if numbers[item, HAS_TARIFF_AT] else np.int64(-1)
        at = _copy(out, at, shared, shared_cut, 0)
        for place in range(plan.shape[0]):
            step = plan[place, 0]
            if step == NUMBER:
                at = put_number(out, at, numbers[item, plan[place, 1]])
            elif step == NULLABLE:
                at = _put_nullable(out, at, numbers[item, plan[place, 1]], numbers[item, plan[place, 2]])
            elif step == REGISTERS:
                at = _put_registers(out, at, numbers, item)
            elif step == ZONE_LIST:
                at = _put_zones(out, at, numbers, item, tariff, raw, cut, first, zones)
            elif step == QUANTITY_LIST:
                at = _put_quantities(out, at, items, listed[item - 1] if item > 0 else np.int64(0), listed[item])
            elif step == TARIFF:
                poke1(out, at, 2 * np.int64(tariff >= 0))
                at += 1
                if tariff >= 0:
                    at = _copy(out, at, raw, cut, first[tariff])
            elif step == LINES:
                if numbers[item, BILLED_AT]:
                    texts, own = first[tariff] + 1 + zones[tariff], versions[tariff]
                    at = _put_lines(out, at, base, paise, item, own.first, own.lines, lines, raw, cut, texts)
                poke1(out, at, 0)
                at += 1
            else:
                at = _copy(out, at, shared, shared_cut, step - VERSIONS + 1)
        ends[item] = at


@kernel
def _put_registers(out, at, numbers, item):  # type: ignore[no-untyped-def]
    at = put_number(out, at, np.int64(N_ENERGY))
    for channel in range(N_ENERGY):
        at = put_number(out, at, np.int64(channel))
        at = _put_nullable(out, at, numbers[item, OPENING_AT + channel], numbers[item, HAS_OPENING_AT])
        at = _put_nullable(out, at, numbers[item, CLOSING_AT + channel], numbers[item, HAS_CLOSING_AT])
        at = put_number(out, at, numbers[item, SOURCE_AT])
    poke1(out, at, 0)
    return at + 1


@kernel
def _put_zones(out, at, numbers, item, tariff, raw, cut, first, zones):  # type: ignore[no-untyped-def]
    if tariff >= 0 and zones[tariff] > 0:
        at = put_number(out, at, zones[tariff])
        for zone in range(zones[tariff]):
            at = _copy(out, at, raw, cut, first[tariff] + 1 + zone)
            at = put_number(out, at, numbers[item, ZONES_AT + zone])
    poke1(out, at, 0)
    return at + 1


@kernel
def _put_quantities(out, at, items, begin, end):  # type: ignore[no-untyped-def]
    """Quantities QUANTITY [begin:end) as one block."""
    if end > begin:
        at = put_number(out, at, end - begin)
        for place in range(begin, end):
            item = items[place]
            at = put_number(out, at, np.int64(item.code))
            at = put_number(out, at, item.value)
            at = _put_nullable(out, at, item.delta, np.int64(item.has_delta))
            at = put_number(out, at, np.int64(item.unit))
            at = _put_nullable(out, at, item.at, item.at)
            at = put_number(out, at, np.int64(item.source))
    poke1(out, at, 0)
    return at + 1


@kernel
def _put_lines(out, at, base, paise, item, first_line, count, lines, raw, cut, texts):  # type: ignore[no-untyped-def]
    """The lines that have a base, as one block."""
    used = np.int64(0)
    for place in range(count):
        used += base[item, place] != 0
    if used == 0:
        return at
    at = put_number(out, at, used)
    for place in range(count):
        amount = base[item, place]
        if amount != 0:
            at = _copy(out, at, raw, cut, texts + 2 * place)
            at = put_number(out, at, amount // MONTH if lines[first_line + place].kind == FIXED else amount)
            at = _copy(out, at, raw, cut, texts + 2 * place + 1)
            at = put_number(out, at, paise[item, place])
    return at
