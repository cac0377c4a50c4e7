"""Plain records of a topic, many at once: kept as they came until a block is written, then taken apart into columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from pipeline.columns import Array
from pipeline.errors import ContractError
from pipeline.wire import HEADER, MAGIC, UNREADABLE, Contracts
from sinks import avro_kernels as kernels
from sinks.avro_program import TEXT, Leaf, holders_of, program_of, steps_of


@dataclass(frozen=True)
class PlainRows:
    """Avro records of one schema, without their headers.

    data u8; record i is data[starts[i]:ends[i]), offsets[i] its place in its topic (all i64 (n,)). origins i64 (n, 3)
    is (partition, offset, index) of the log that it was made from. producers[i] numbers, within these rows, the pair
    of log and stage that made it: `said[producers[i]]`; an empty log means none. sizes i64 (leaves, 2): values of each
    leaf and bytes of its texts, at most.
    """

    schema: str
    data: Array
    starts: Array
    ends: Array
    offsets: Array
    origins: Array
    producers: Array
    said: tuple[tuple[str, str], ...]
    sizes: Array

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def nbytes(self) -> int:
        """Bytes of the records."""
        return int((self.ends - self.starts).sum())

    def kept(self, mask: Array) -> PlainRows:
        """The rows whose mask is set."""
        if mask.all():
            return self
        return PlainRows(
            self.schema, self.data, self.starts[mask], self.ends[mask], self.offsets[mask], self.origins[mask],
            self.producers[mask], self.said, self.sizes,
        )  # fmt: skip


def plain_rows(
    contracts: Contracts, schema: str, where: str, offsets: Sequence[int], values: Sequence[bytes]
) -> PlainRows:
    """The values at `offsets` of a topic; raises ContractError for the first that does not fit the schema.

    Values of former releases are written anew as today's: they are few, those that an upgrade finds in its topics.
    """
    data = np.frombuffer(b"".join(values), np.uint8)
    ends = np.cumsum(np.fromiter(map(len, values), np.int64, len(values)))
    starts = np.concatenate((np.zeros(1, np.int64), ends[:-1]))
    other = _other(contracts, schema, data, starts, ends)
    if other >= 0:
        former = _former(contracts, schema)
        if _id_of(values[other]) not in former:
            raise ContractError(
                "SCHEMA_OTHER",
                where=f"{where} at offset {offsets[other]}",
                what=f"the value does not begin as {schema} (id {contracts.ids[schema]})",
                do="check which topic and which schema registry are meant",
            )
        today = [
            _today(contracts, schema, value, f"{where} at offset {offset}") if _id_of(value) in former else value
            for offset, value in zip(offsets, values, strict=True)
        ]
        return plain_rows(contracts, schema, where, offsets, today)
    origins, spans = np.full((len(values), 3), -1, np.int64), np.zeros((len(values), 4), np.int64)
    sizes = np.zeros((len(program_of(schema).leaves), 2), np.int64)
    broken = kernels.skim(data, starts + HEADER.size, ends, steps_of(schema), origins, spans, sizes)
    if broken >= 0:
        raise _broken(schema, f"{where} at offset {offsets[broken]}")
    holders = holders_of(schema)
    sizes[:, 0] = np.where(holders < 0, len(values), sizes[holders, 0])
    producers, said = _producers(data, spans)
    places = np.fromiter(offsets, np.int64, len(offsets))
    return PlainRows(schema, data, starts + HEADER.size, ends, places, origins, producers, said, sizes)


def _other(contracts: Contracts, schema: str, data: Array, starts: Array, ends: Array) -> int:
    """The first value that does not begin as the schema; -1: there is none."""
    heads = [int.from_bytes(HEADER.pack(MAGIC, number), "little") for number in contracts.accepted(schema)]
    return int(kernels.begins_otherwise(data, starts, ends, np.array(heads, np.int64)))


def _former(contracts: Contracts, schema: str) -> set[int]:
    """Ids of records of former releases, whose fields were others."""
    return {number for number, (name, _) in contracts.known.items() if name == schema} - set(contracts.accepted(schema))


def _id_of(value: bytes) -> int:
    """Schema id in the header; -1 without one."""
    return int(HEADER.unpack_from(value)[1]) if len(value) >= HEADER.size and value[0] == MAGIC else -1


def _today(contracts: Contracts, schema: str, value: bytes, where: str) -> bytes:
    """A value of a former release as today's schema has it."""
    try:
        return contracts.encode(schema, contracts.decode(value, schema))
    except UNREADABLE as error:
        raise _broken(schema, where) from error


def _broken(schema: str, where: str) -> ContractError:
    return ContractError(
        "RECORD_BROKEN", where=where, what=f"the bytes are no {schema}", do="check the producer of this topic"
    )


def _producers(data: Array, spans: Array) -> tuple[Array, tuple[tuple[str, str], ...]]:
    """Number of each row's producer, and the producers. One follows another seldom: only changes are looked at here."""
    anew = np.zeros(len(spans), np.uint8)
    kernels.said_anew(data, spans, anew)
    known: dict[tuple[str, str], int] = {}
    numbers = []
    for row in np.flatnonzero(anew):
        texts = (data[place : place + length].tobytes() for place, length in spans[row].reshape(2, 2))
        log, stage = (text.decode("utf-8", "replace") for text in texts)
        numbers.append(known.setdefault((log, stage), len(known)))
    return np.array(numbers, np.int64)[np.cumsum(anew, dtype=np.int64) - 1], tuple(known)


class Form(NamedTuple):
    """How the values of a leaf are put: numpy code, least and largest (what is beyond becomes these), each symbol's."""

    type: str = "<i8"
    lowest: int = -(1 << 63)
    highest: int = (1 << 63) - 1
    symbols: tuple[int, ...] = ()


@dataclass(frozen=True)
class LeafColumn:
    """Values of one leaf: numbers in their form, or texts u8 (each a LEB128 length and its bytes); marks u8 is 1 where
    null.

    For an array or map the numbers are counts of items, i64; for its items' leaves there is a value an item.
    """

    leaf: Leaf
    numbers: Array
    marks: Array
    texts: Array


def leaf_columns(
    schema: str, parts: Sequence[PlainRows], forms: Mapping[str, Form] | None = None
) -> dict[str, LeafColumn]:
    """The columns of all rows of `parts`, in order, by name of the leaf (`array.field` for an item's).

    `forms` by name of the leaf; without one numbers are i64, and symbols are their places in the schema.
    """
    leaves, steps = program_of(schema).leaves, steps_of(schema)
    sizes = sum((part.sizes for part in parts), np.zeros((len(leaves), 2), np.int64))
    put = [(forms or {}).get(leaf.name) or Form(symbols=tuple(range(len(leaf.symbols)))) for leaf in leaves]
    table, symbols, first, length = _laid_out(leaves, put, sizes)
    out, at = np.empty(length, np.uint8), np.stack((np.zeros(len(leaves), np.int64), first), axis=1)
    for part in parts:
        broken = kernels.fill(part.data, part.starts, part.ends, steps, at, table, symbols, out)
        assert broken < 0, "rows were walked when they came"
    found = {}
    for leaf, form, row, text, (count, end) in zip(leaves, put, table.tolist(), first, at.tolist(), strict=True):
        base, marks, width = row[: kernels.LOWEST]
        found[leaf.name] = LeafColumn(
            leaf,
            out[base : base + count * width].view(form.type),
            out[marks : marks + count] if leaf.nullable else np.zeros(count, np.uint8),
            out[text:end],
        )
    return found


def _laid_out(leaves: Sequence[Leaf], forms: Sequence[Form], sizes: Array) -> tuple[Array, Array, Array, int]:
    """(`forms` and `symbols` for the kernel, place of each leaf's texts, octets of all) for leaves of these sizes."""
    rows: list[list[int]] = []
    first: list[int] = []
    symbols: list[int] = []
    place = 0
    for leaf, form, (values, texts) in zip(leaves, forms, sizes.tolist(), strict=True):
        width = 0 if leaf.kind == TEXT else np.dtype(form.type).itemsize
        places = []
        for octets in (values * width, values * leaf.nullable, texts):
            places.append(place)
            # Columns begin at whole words.
            place += (octets + kernels.SLACK + 7) & -8
        rows.append([*places[:2], width, form.lowest, form.highest, len(symbols)])
        first.append(places[2])
        symbols += form.symbols
    return np.array(rows, np.int64), np.array(symbols, np.int64), np.array(first, np.int64), place
