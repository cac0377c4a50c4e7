"""A plain record's Avro schema as a table of steps, which a kernel carries out for many records at once.

Each leaf of the schema becomes a column: numbers (int, long, boolean, the place of an enum's symbol) as int64, texts
(string, bytes) as lengths and bytes. A nullable leaf has a mark beside it. An array of records or a map becomes a
column of counts and the columns of its items, which have a row an item. Layout: Avro 1.11 specification, binary
encoding.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np

from pipeline.columns import Array
from pipeline.errors import ConfigError
from schemas.load import schema_text

NUMBER, TEXT, BOOL, BEGIN, END = range(5)
"""What a step reads; BEGIN and END stand around the items of an array or map."""

ORIGIN = ("source_partition", "source_offset", "source_index")
SAID = ("source_topic_id", "stage")
"""Fields that SKIM reads: numbers of the origin, and texts that tell one producer from another."""


@dataclass(frozen=True)
class Leaf:
    """One column. `scope` is 0 for a field of the record, else the number of the array whose items have it."""

    name: str
    kind: int
    scope: int
    nullable: bool
    symbols: tuple[str, ...] = ()


@dataclass
class Program:
    """`steps` i64 (n, 6): what to read, its leaf, nullable, where to go on after an array, slot for SKIM, symbols.

    A leaf of an array's items is named `array.field`, one of a map's `map.key` and `map.value`.
    """

    leaves: list[Leaf] = field(default_factory=list)
    rows: list[list[int]] = field(default_factory=list)
    scopes: int = 1

    @property
    def steps(self) -> Array:
        """The table for the kernel."""
        return np.array(self.rows, np.int64)

    @property
    def holders(self) -> Array:
        """i64 (leaves,): the leaf of the array or map that counts a leaf's values; -1 for a field of the record."""
        counted = [place for place, leaf in enumerate(self.leaves) if leaf.kind == BEGIN]
        return np.array([counted[leaf.scope - 1] if leaf.scope else -1 for leaf in self.leaves], np.int64)

    def leaf(self, name: str, kind: int, scope: int, nullable: bool, symbols: tuple[str, ...] = ()) -> int:
        """Add a column and return its number."""
        self.leaves.append(Leaf(name, kind, scope, nullable, symbols))
        return len(self.leaves) - 1


@cache
def program_of(schema: str) -> Program:
    """The program of a shipped schema; raises ConfigError for what a plain record may not hold."""
    program = Program()
    _record(program, json.loads(schema_text(schema)), "", 0)
    return program


@cache
def steps_of(schema: str) -> Array:
    """Its steps."""
    return program_of(schema).steps


@cache
def holders_of(schema: str) -> Array:
    """Who counts the values of its leaves."""
    return program_of(schema).holders


def _record(program: Program, record: Mapping[str, Any], prefix: str, scope: int) -> None:
    for each in record["fields"]:
        _value(program, each["type"], prefix + each["name"], scope)


def _value(program: Program, kind: Any, name: str, scope: int, nullable: bool = False) -> None:
    if isinstance(kind, list):
        if len(kind) != 2 or kind[0] != "null":
            raise _unsupported(name, "a union other than of null and one type")
        _value(program, kind[1], name, scope, nullable=True)
    elif kind in ("int", "long"):
        _step(program, NUMBER, program.leaf(name, NUMBER, scope, nullable), nullable)
    elif kind in ("string", "bytes"):
        _step(program, TEXT, program.leaf(name, TEXT, scope, nullable), nullable)
    elif kind == "boolean":
        _step(program, BOOL, program.leaf(name, BOOL, scope, nullable), nullable)
    elif isinstance(kind, dict) and kind["type"] == "enum":
        number = program.leaf(name, NUMBER, scope, nullable, tuple(kind["symbols"]))
        _step(program, NUMBER, number, nullable)
    elif isinstance(kind, dict) and kind["type"] in ("array", "map") and scope == 0 and not nullable:
        _items(program, kind, name)
    else:
        raise _unsupported(name, f"{kind if isinstance(kind, str) else kind['type']} inside of an array, or nullable")


def _items(program: Program, kind: Mapping[str, Any], name: str) -> None:
    begin = len(program.rows)
    _step(program, BEGIN, program.leaf(name, BEGIN, 0, nullable=False), nullable=False)
    scope = program.scopes
    program.scopes += 1
    if kind["type"] == "map":
        _value(program, "string", f"{name}.key", scope)
        _value(program, kind["values"], f"{name}.value", scope)
    else:
        _record(program, kind["items"], f"{name}.", scope)
    _step(program, END, program.rows[begin][1], nullable=False)
    program.rows[begin][3] = len(program.rows)


def _step(program: Program, kind: int, leaf: int, nullable: bool) -> None:
    name = program.leaves[leaf].name
    slot = (ORIGIN + SAID).index(name) if name in ORIGIN + SAID else -1
    program.rows.append([kind, leaf, int(nullable), 0, slot, len(program.leaves[leaf].symbols)])


def _unsupported(name: str, what: str) -> ConfigError:
    return ConfigError(
        "SCHEMA_NOT_PLAIN", where=name, what=what, do="keep plain records to leaves, and arrays and maps of leaves"
    )
