"""Walk the bytes of many Avro records by a program (sinks.avro_program): skim them, or fill columns with them.

One function does both, compiled once for each, so that they can never disagree about where a field lies. It takes
nothing from outside of a record and says which record is broken.
"""

from __future__ import annotations

import numpy as np

from pipeline.jit import expanded, inlined, kernel, peek1, peek4, peek8, poke1, poke8
from sinks.avro_program import BEGIN, BOOL, END, TEXT

SKIM, FILL = range(2)

BASE, MARKS, WIDTH, LOWEST, HIGHEST, SYMBOLS = range(6)
"""Columns of `forms`, what FILL makes of a leaf: see `fill`."""

SLACK = 8
"""Octets behind each column that FILL may write: eight at once, however narrow a value or long a text is."""


@expanded
def number(data, place, end):  # type: ignore[no-untyped-def]
    """(zigzag number at `place`, place behind it); the place is -1 when it does not end in time."""
    octet = peek1(data, place) if place < end else 128
    if octet < 128:
        # Most have one octet.
        return (octet >> 1) ^ -(octet & 1), place + 1
    raw = np.uint64(0)
    shift = np.uint64(0)
    while place < end and shift < np.uint64(64):
        octet = peek1(data, place)
        place += 1
        raw |= np.uint64(octet & 127) << shift
        if octet < 128:
            return np.int64(raw >> np.uint64(1)) ^ -np.int64(raw & np.uint64(1)), place
        shift += np.uint64(7)
    return np.int64(0), np.int64(-1)


@expanded
def put_length(length, out, at):  # type: ignore[no-untyped-def]
    """Write `length` as LEB128 and return the place behind it."""
    while length >= 128:
        poke1(out, at, length & 127 | 128)
        length >>= 7
        at += 1
    poke1(out, at, length)
    return at + 1


@expanded
def copied(data, place, length, out, into):  # type: ignore[no-untyped-def]
    """Copy octets, eight at once: up to seven behind them are written too, which are not meant. See SLACK."""
    done = np.int64(0)
    # A slice would cost more than the bytes of a short text.
    while done < length and place + done + 8 <= data.shape[0]:
        poke8(out, into + done, peek8(data, place + done))
        done += 8
    while done < length:
        poke1(out, into + done, peek1(data, place + done))
        done += 1


@expanded
def length_size(length):  # type: ignore[no-untyped-def]
    """Bytes of `length` as LEB128."""
    size = 1
    while length >= 128:
        length >>= 7
        size += 1
    return size


@expanded
def block_count(data, place, end):  # type: ignore[no-untyped-def]
    """(items of the next block of an array or map, place behind); 0 at its end, the place -1 when that cannot be."""
    count, place = number(data, place, end)
    if place >= 0 and count < 0:
        # A negative count is followed by the block's size in bytes, for readers that skip it.
        count = -count
        _, place = number(data, place, end)
    # An item has a byte at least: a larger count is a lie, and would be believed for a long time.
    if count < 0 or count > end - place:
        return np.int64(0), np.int64(-1)
    return count, place


@inlined
def walked(data, starts, ends, steps, mode, origins, spans, sizes, at, forms, symbols, out):  # type: ignore[no-untyped-def]  # noqa: C901
    """Walk records data u8 [starts[i]:ends[i]) as `skim` and `fill` say; return the first broken record, or -1.

    Places in small tables are unsigned: a signed one is looked at each time, whether it counts from the end.
    """
    for record in range(starts.shape[0]):
        place, end = starts[record], ends[record]
        step, begin, left, items = np.uint64(0), np.uint64(0), np.int64(0), np.int64(0)
        while step < np.uint64(steps.shape[0]):
            kind, leaf = steps[step, np.uint64(0)], np.uint64(steps[step, np.uint64(1)])
            if kind in (BEGIN, END):
                if kind == BEGIN:
                    begin, left, items = step, np.int64(0), np.int64(0)
                else:
                    left -= 1
                    items += 1
                if left == 0:
                    left, place = block_count(data, place, end)
                    if place < 0:
                        return record
                if left > 0:
                    step = begin + np.uint64(1)
                    continue
                if mode == SKIM:
                    sizes[leaf, np.uint64(0)] += items
                else:
                    row = at[leaf, np.uint64(0)]
                    poke8(out, forms[leaf, np.uint64(BASE)] + 8 * row, items)
                    at[leaf, np.uint64(0)] = row + 1
                step = np.uint64(steps[begin, np.uint64(3)])
                continue
            there = True
            if steps[step, np.uint64(2)]:
                branch, place = number(data, place, end)
                if place < 0 or branch < 0 or branch > 1:
                    return record
                there = branch == 1
            value, length = np.int64(0), np.int64(0)
            if there:
                if kind == BOOL:
                    if place >= end:
                        return record
                    value = np.int64(peek1(data, place) != 0)
                    place += 1
                else:
                    value, place = number(data, place, end)
                    known = steps[step, np.uint64(5)]
                    if place < 0 or (known and (value < 0 or value >= known)):
                        return record
                    if kind == TEXT:
                        length = value
                        if length < 0 or length > end - place:
                            return record
                        value = place
                        place += length
            if mode == SKIM:
                slot = steps[step, np.uint64(4)]
                if kind == TEXT:
                    sizes[leaf, np.uint64(1)] += length_size(length) + length
                if slot >= 3:
                    spans[record, 2 * (slot - 3)] = value
                    spans[record, 2 * (slot - 3) + 1] = length
                elif slot >= 0:
                    origins[record, slot] = value
            else:
                row = at[leaf, np.uint64(0)]
                at[leaf, np.uint64(0)] = row + 1
                if steps[step, np.uint64(2)]:
                    poke1(out, forms[leaf, np.uint64(MARKS)] + row, np.int64(not there))
                if kind == TEXT:
                    into = put_length(length, out, at[leaf, np.uint64(1)])
                    at[leaf, np.uint64(1)] = into + length
                    copied(data, value, length, out, into)
                else:
                    if steps[step, np.uint64(5)]:
                        value = symbols[np.uint64(forms[leaf, np.uint64(SYMBOLS)] + value)]
                    value = min(max(value, forms[leaf, np.uint64(LOWEST)]), forms[leaf, np.uint64(HIGHEST)])
                    poke8(out, forms[leaf, np.uint64(BASE)] + forms[leaf, np.uint64(WIDTH)] * row, value)
            step += np.uint64(1)
        if place != end:
            return record
    return -1


@kernel
def skim(data, starts, ends, steps, origins, spans, sizes):  # type: ignore[no-untyped-def]
    """Check records data u8 [starts[i]:ends[i]) and say where they are from; return the first broken one, or -1.

    origins i64 (n, 3): partition, offset, index; spans i64 (n, 4): place and length of topic id and of stage;
    sizes i64 (leaves, 2), zeros: items of an array or map; bytes of texts, each with its length before it.
    """
    return walked(data, starts, ends, steps, SKIM, origins, spans, sizes, sizes, sizes, starts, data)


@kernel
def fill(data, starts, ends, steps, at, forms, symbols, out):  # type: ignore[no-untyped-def]
    """Put the values of records data u8 [starts[i]:ends[i]) into columns of `out` u8; return as `skim` does.

    at i64 (leaves, 2): values that a leaf has so far, and the place of its next text. forms i64 (leaves, 6): places of
    its first value and (nullable) mark, octets of a value, its least and largest (others become these), and the place
    in `symbols` i64 of what its first symbol becomes. There are SLACK octets behind each column.
    """
    return walked(data, starts, ends, steps, FILL, at, at, at, at, forms, symbols, out)


@kernel
def begins_otherwise(data, starts, ends, heads):  # type: ignore[no-untyped-def]
    """The first value data u8 [starts[i]:ends[i]) that begins with none of `heads` i64, or -1.

    A head is five octets as a little-endian number.
    """
    for record in range(starts.shape[0]):
        if ends[record] - starts[record] < 5:
            return record
        head = peek1(data, starts[record]) | peek4(data, starts[record] + 1) << 8
        known = False
        for other in heads:
            known |= other == head
        if not known:
            return record
    return -1


@kernel
def said_anew(data, spans, out):  # type: ignore[no-untyped-def]
    """out u8 (n,) = 1 where a record's topic id or stage is another than that of the record before it."""
    for record in range(spans.shape[0]):
        out[record] = record == 0
        if record == 0:
            continue
        for text in range(2):
            one, length = spans[record - 1, 2 * text], spans[record - 1, 2 * text + 1]
            other = spans[record, 2 * text]
            if spans[record, 2 * text + 1] != length:
                out[record] = 1
                break
            for octet in range(length):
                if data[one + octet] != data[other + octet]:
                    out[record] = 1
                    break
