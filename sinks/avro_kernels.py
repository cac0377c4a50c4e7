"""Walk the bytes of many Avro records by a program (sinks.avro_program): skim them, or fill columns with them.

One kernel does both, so that they can never disagree about where a field lies. It reads no byte outside of a
record and says which record is broken.
"""

from __future__ import annotations

import numpy as np

from pipeline.jit import allocating_kernel, expanded
from sinks.avro_program import BEGIN, BOOL, END, TEXT

SKIM, FILL = range(2)


@expanded
def number(data, place, end):  # type: ignore[no-untyped-def]
    """(zigzag number at `place`, place behind it); the place is -1 when it does not end in time."""
    raw = np.uint64(0)
    shift = np.uint64(0)
    while place < end and shift < np.uint64(64):
        octet = np.uint64(data[place])
        place += 1
        raw |= (octet & np.uint64(127)) << shift
        if octet < np.uint64(128):
            return np.int64(raw >> np.uint64(1)) ^ -np.int64(raw & np.uint64(1)), place
        shift += np.uint64(7)
    return np.int64(0), np.int64(-1)


@expanded
def put_length(length, out, at):  # type: ignore[no-untyped-def]
    """Write `length` as LEB128 and return the place behind it."""
    while length >= 128:
        out[at] = np.uint8(length & 127 | 128)
        length >>= 7
        at += 1
    out[at] = np.uint8(length)
    return at + 1


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


@allocating_kernel
def walk(  # type: ignore[no-untyped-def]  # noqa: C901
    data, starts, ends, steps, mode, origins, spans, sizes, at, numbers, marks, texts
):
    """Walk records data u8 [starts[i]:ends[i]); return the first broken record, or -1.

    SKIM  origins i64 (n, 3): partition, offset, index; spans i64 (n, 4): place and length of topic id and of stage;
          sizes i64 (leaves, 2): values, and bytes of texts (each with its length before it).
    FILL  at i64 (leaves, 2): next place of a leaf in `numbers` i64 and `marks` u8 (the same; zeros), and in `texts` u8.
    What a mode does not use may be empty.
    """
    for record in range(starts.shape[0]):
        place, end = np.int64(starts[record]), np.int64(ends[record])
        step, begin, left, items = 0, 0, np.int64(0), np.int64(0)
        while step < steps.shape[0]:
            kind, leaf, slot = steps[step, 0], steps[step, 1], steps[step, 4]
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
                    step = begin + 1
                    continue
                if mode == SKIM:
                    sizes[leaf, 0] += 1
                else:
                    numbers[at[leaf, 0]] = items
                    at[leaf, 0] += 1
                step = steps[begin, 3]
                continue
            there = True
            if steps[step, 2]:
                branch, place = number(data, place, end)
                if place < 0 or branch < 0 or branch > 1:
                    return record
                there = branch == 1
            value, length = np.int64(0), np.int64(0)
            if there:
                if kind == BOOL:
                    if place >= end:
                        return record
                    value = np.int64(data[place] != 0)
                    place += 1
                else:
                    value, place = number(data, place, end)
                    symbols = steps[step, 5]
                    if place < 0 or (symbols and (value < 0 or value >= symbols)):
                        return record
                    if kind == TEXT:
                        length = value
                        if length < 0 or length > end - place:
                            return record
                        value = place
                        place += length
            if mode == SKIM:
                sizes[leaf, 0] += 1
                if kind == TEXT:
                    sizes[leaf, 1] += length_size(length) + length
                if slot >= 3:
                    spans[record, 2 * (slot - 3)] = value
                    spans[record, 2 * (slot - 3) + 1] = length
                elif slot >= 0:
                    origins[record, slot] = value
            else:
                row = at[leaf, 0]
                if not there:
                    marks[row] = 1
                if kind == TEXT:
                    into = put_length(length, texts, at[leaf, 1])
                    # A slice would cost more than the bytes of a short text.
                    for octet in range(length):
                        texts[into + octet] = data[value + octet]
                    at[leaf, 1] = into + length
                else:
                    numbers[row] = value
                at[leaf, 0] = row + 1
            step += 1
        if place != end:
            return record
    return -1


@allocating_kernel
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
