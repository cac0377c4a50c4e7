"""Texts of a column -> values, with the fault of each text that is none.

Texts in plain form are read all at once; only what is left is looked at one by one, each different text once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from connectors.registry.cell_texts import CellFault, TextReader
from connectors.registry.tables import Column, Kind, key_octets
from pipeline.columns import Array

PLAIN = {
    Kind.TITLE: r"^[0-9A-Fa-f]{16}$",
    Kind.ID: r"^[0-9]{1,18}$",
    Kind.NUMBER: r"^[0-9]{1,18}$",
    Kind.ASCII: r"^[ -~]+$",
}
"""Forms that are read all at once; a number of 18 digits is an i64."""

REPLACEMENT = "\ufffd"


@dataclass
class Parsed:
    """Values (n,) or (n, width); `given`: the cell is not empty; `fine`: it has a value, or is empty and may be.

    `faults`: (row, code, text, detail).
    """

    values: Array
    given: Array
    fine: Array
    faults: list[tuple[int, str, str, str]] = field(default_factory=list)


def empty_values(column: Column, rows: int) -> Array:
    """What empty cells stand for: zeros, or nothing."""
    if column.kind is Kind.DOCUMENT:
        return np.full(rows, b"", object)
    if column.kind in (Kind.TEXT, Kind.ASCII):
        return np.zeros(rows, f"S{column.most}")
    if column.kind is Kind.KEY:
        return np.zeros((rows, key_octets(column)), np.uint8)
    if column.kind is Kind.RATIO:
        return np.zeros((rows, 2), np.int64)
    return np.zeros(rows, np.uint64 if column.kind in (Kind.TITLE, Kind.ID) else np.int64)


def parse(cells: Sequence[str], reader: TextReader) -> Parsed:
    """Values of `cells`; spaces around a text do not matter, but in a document."""
    texts, broken = _characters(cells)
    column = reader.column
    if column.kind is not Kind.DOCUMENT:
        texts = pc.utf8_trim_whitespace(texts)
    given = np.array(pc.not_equal(texts, ""))
    parsed = Parsed(empty_values(column, len(cells)), given, ~given)
    plain = _read_plain(texts, reader, parsed)
    _read_one_by_one(texts, np.flatnonzero(given & ~plain), reader, parsed)
    parsed.given |= broken
    parsed.fine &= ~broken
    whole = column.kind is Kind.DOCUMENT
    for row in np.flatnonzero(broken).tolist():
        parsed.faults.append((row, "ENCODING", "" if whole else cells[row], ""))
    if column.required:
        missing = ~parsed.given
        parsed.fine[missing] = False
        parsed.faults.extend((int(row), "MISSING", "", "") for row in np.flatnonzero(missing))
    return parsed


def _characters(cells: Sequence[str]) -> tuple[Any, Array]:
    """Arrow strings, empty where octets were no characters, and where these are, bool (n,).

    A source puts U+FFFD in the place of such octets.
    """
    try:
        texts = pa.array(cells, pa.string())
    except UnicodeEncodeError:
        whole = [text.encode("utf-16", "surrogatepass").decode("utf-16", "replace") for text in cells]
        texts = pa.array(whole, pa.string())
    broken = pc.match_substring(texts, REPLACEMENT)
    return pc.if_else(broken, "", texts), np.array(broken)


def _read_plain(texts: Any, reader: TextReader, parsed: Parsed) -> Array:
    """Read all that is in plain form and in bounds; returns which these were."""
    column = reader.column
    form = rf"^[0-9A-Fa-f]{{{2 * key_octets(column)}}}$" if column.kind is Kind.KEY else PLAIN.get(column.kind)
    if form is None or reader.words or column.choices:
        return np.zeros(len(texts), bool)
    plain = np.array(pc.match_substring_regex(texts, form))
    values = _plain_values(texts.filter(pa.array(plain)), reader)
    if column.kind in (Kind.ID, Kind.NUMBER):
        most = min(column.most, 2**63 - 1) // reader.scale
        good = (values <= most) & (values * reader.scale >= column.least) if len(values) else np.zeros(0, bool)
        values = values * reader.scale
    elif column.kind is Kind.TITLE:
        good = values > 0
    elif column.kind is Kind.ASCII:
        good = np.char.str_len(values) <= column.most
    else:
        good = np.ones(len(values), bool)
    rows = np.flatnonzero(plain)
    plain[rows[~good]] = False
    parsed.values[rows[good]] = values[good].astype(parsed.values.dtype)
    parsed.fine[rows[good]] = True
    return plain


def _plain_values(found: Any, reader: TextReader) -> Array:
    kind = reader.column.kind
    if kind in (Kind.TITLE, Kind.KEY):
        octets = np.frombuffer(bytes.fromhex("".join(found.to_pylist())), np.uint8)
        return octets.reshape(-1, key_octets(reader.column)) if kind is Kind.KEY else octets.view(">u8")
    if kind is Kind.ASCII:
        return np.array(found.to_pylist(), "S") if len(found) else np.zeros(0, "S1")
    return np.array(pc.cast(found, pa.int64()), np.int64)


def _read_one_by_one(texts: Any, rows: Array, reader: TextReader, parsed: Parsed) -> None:
    if not len(rows):
        return
    encoded = texts.take(pa.array(rows)).dictionary_encode()
    unique = encoded.dictionary.to_pylist()
    values = empty_values(reader.column, len(unique))
    faults: dict[int, CellFault] = {}
    for place, text in enumerate(unique):
        try:
            value = reader.read(text)
        except CellFault as fault:
            faults[place] = fault
            continue
        values[place] = np.frombuffer(value, np.uint8) if reader.column.kind is Kind.KEY else value
    good = np.ones(len(unique), bool)
    good[list(faults)] = False
    of = np.array(encoded.indices)
    read = good[of]
    parsed.values[rows[read]] = values[of[read]]
    parsed.fine[rows[read]] = True
    for at in np.flatnonzero(~read).tolist():
        number = int(of[at])
        parsed.faults.append((int(rows[at]), faults[number].code, unique[number], faults[number].detail))
