"""How a warehouse column is written down: type, codec, comment, and where its values come from.

The tables (`packed_tables`, `plain_tables`) are made of these. Insert order, DDL and comments are rendered from them; a
test compares them with what the migrations make.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

TIME = "DateTime('UTC')"
TOPIC = "LowCardinality(String)"

# Codecs by what a column holds, chosen by measurement: bytes a row after merging, CPU of insert and merge.
STEADY = "DoubleDelta, LZ4"  # sorted or nearly constant: ids in key order, stamps, offsets
BITS = "T64, LZ4"  # small integers in wide types: energy, voltage, place in a record
COUNTS = "Delta, LZ4"  # grows by small steps within a service point
PLAIN = "LZ4"  # repeated or few values


@dataclass(frozen=True)
class Column:
    """One column. `alias` is the expression of a column that is calculated when read and never stored.

    `field` and `item` say where a packed batch has it: attribute, and place in a row (None: one value a row).
    `present` names the attribute whose bit `present_bit` is set where there is a value; elsewhere the column is null.
    """

    name: str
    type: str
    doc: str
    codec: str = ""
    alias: str = ""
    field: str = ""
    item: int | None = None
    present: str = ""
    present_bit: int = 0

    @property
    def ddl(self) -> str:
        """The column's line in CREATE TABLE."""
        kind = f" ALIAS {self.alias}" if self.alias else ""
        codec = f" CODEC({self.codec})" if self.codec else ""
        return f"`{self.name}` {self.type}{kind} COMMENT {quoted(self.doc)}{codec}"


@dataclass(frozen=True)
class Table:
    """One base table. `schema` is what its rows come from; `{timezone}` stands for the configured zone.

    `time` is the column that local day and month are made of, empty in a table without parts by month. The order key
    names columns; one that is calculated stands there as its expression.
    """

    name: str
    schema: str
    doc: str
    columns: tuple[Column, ...]
    engine: str
    time: str
    order_by: tuple[str, ...]

    @property
    def stored(self) -> tuple[Column, ...]:
        """The columns that are inserted, in insert order."""
        return tuple(column for column in self.columns if not column.alias)

    @property
    def order_expressions(self) -> tuple[str, ...]:
        """The order key as the DDL has it."""
        aliases = {column.name: column.alias for column in self.columns}
        return tuple(aliases[name] or name for name in self.order_by)


def quoted(text: str) -> str:
    """A string literal of ClickHouse."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def enum8(members: Iterable[tuple[str, int]]) -> str:
    """The type of a code table: names and numbers."""
    return "Enum8(" + ", ".join(f"{quoted(name)} = {number}" for name, number in members) + ")"


def enum_of(codes: type[IntEnum]) -> str:
    """The type of an enum of `pipeline.codes`."""
    return enum8((code.name, code.value) for code in codes)


def names_of_bits(expression: str, names: Iterable[tuple[int, str]]) -> str:
    """An expression: the names of the bits that are set, as an array."""
    by_bit = dict(names)
    listed = ", ".join(quoted(by_bit.get(bit, f"bit {bit}")) for bit in range(max(by_bit) + 1))
    return f"arrayMap(bit -> [{listed}][bit + 1], bitPositionsToArray({expression}))"


def local_day(column: str) -> str:
    """An expression: the local day of a time. A filter on the time itself still reaches an order key made of it."""
    return f"toDate({column}, '{{timezone}}')"


def month(column: str) -> str:
    """An expression: the local month of a time."""
    return f"toYYYYMM({column}, '{{timezone}}')"


def day_of(column: str) -> Column:
    """The column `day` of a table."""
    return Column("day", "Date", "local day", alias=local_day(column))
