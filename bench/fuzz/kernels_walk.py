"""Kernels that change the plaintext of a notification, by the places of its data.

Changes go from the last datum to the first, so that the places before a change stay what they are. Numbers of the kinds
are those of `bench.fuzz.kinds`, layer WALK.
"""

from __future__ import annotations

import numpy as np

from bench.fuzz.chance import roll, word
from pipeline.jit import kernel

ROOM = 20_000
"""Octets of a plaintext at most."""

CLOCK_OCTETS = 12
FIELDS = np.array([0, 1, 2, 12, 13, 23, 24, 28, 29, 30, 31, 32, 59, 60, 0x7F, 0x80, 0xFD, 0xFE, 0xFF, 7], np.uint8)
"""What a field of a clock is set to."""
TAGS = np.array([0, 1, 2, 3, 4, 5, 6, 9, 10, 12, 13, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 255], np.uint8)


@kernel
def replace(work, length, place, removed, source, first, count):  # type: ignore[no-untyped-def]
    """Put source[first:first + count] in place of `removed` octets of work[:length]; the new length.

    Nothing is done when there is no room. `source` must not be `work`.
    """
    place = min(max(place, 0), length)
    removed = min(max(removed, 0), length - place)
    after = length - removed + count
    if after > work.shape[0]:
        return length
    rest = length - place - removed
    if count < removed:
        for octet in range(rest):
            work[place + count + octet] = work[place + removed + octet]
    elif count > removed:
        for octet in range(rest - 1, -1, -1):
            work[place + count + octet] = work[place + removed + octet]
    for octet in range(count):
        work[place + octet] = source[first + octet]
    return after


@kernel
def change_octets(dice, work, first, length):  # type: ignore[no-untyped-def]
    """One to four octets of work[first:length] get another value."""
    if length <= first:
        return
    for _ in range(1 + roll(dice, 4)):
        at = first + roll(dice, length - first)
        work[at] ^= np.uint8(1 + roll(dice, 255)) if roll(dice, 2) else np.uint8(1 << roll(dice, 8))


@kernel
def grow(dice, work, length, spare):  # type: ignore[no-untyped-def]
    """Some octets behind; spare u8 is scratch."""
    count = 1 + roll(dice, 16)
    for octet in range(count):
        spare[octet] = word(dice) & np.uint64(255)
    return replace(work, length, length, 0, spare, 0, count)


@kernel
def _count_of(work, length, datum, change):  # type: ignore[no-untyped-def]
    """Add `change` to the count of a container, where that takes one octet."""
    at = datum.place + 1
    if at < length and 0 <= np.int64(work[at]) + change < 0x80:
        work[at] = np.int64(work[at]) + change


@kernel
def _from_texts(dice, work, length, place, removed, texts):  # type: ignore[no-untyped-def]
    one = roll(dice, texts.start.shape[0])
    return replace(work, length, place, removed, texts.octets, texts.start[one], texts.length[one])


@kernel
def _limits(dice, work, datum, length):  # type: ignore[no-untyped-def]
    """The contents of a datum at their limits."""
    form, last = roll(dice, 5), min(np.int64(datum.end), length)
    for place in range(datum.body, last):
        if form == 4:
            work[place] = word(dice) & np.uint64(255)
        else:
            work[place] = (0, 255, 127, 128)[form] if place == datum.body else (0, 255, 255, 0)[form]


@kernel
def _wrap(dice, work, datum, length, spare):  # type: ignore[no-untyped-def]
    """Containers of one element around a datum."""
    levels = 1 + roll(dice, 20)
    for level in range(levels):
        spare[2 * level], spare[2 * level + 1] = 1 + roll(dice, 2), 1
    return replace(work, length, datum.place, 0, spare, 0, 2 * levels)


@kernel
def _head(dice, work, length, spare):  # type: ignore[no-untyped-def]
    """Another head: APDU's tag, invoke id, date-time in the ways in which it is written, and in none."""
    form = roll(dice, 6)
    if form == 0:
        work[0] = word(dice) & np.uint64(255)
        return length
    if form == 1:
        change_octets(dice, work, 1, min(length, 6))
        return length
    count = CLOCK_OCTETS if form < 4 else roll(dice, 20)
    first = 0
    if form in (2, 5):
        spare[0], first = 9, 1
    spare[first] = count
    for octet in range(count):
        spare[first + 1 + octet] = word(dice) & np.uint64(255)
    return replace(work, length, 5, 1, spare, 0, first + 1 + count)


@kernel
def _exchange(work, length, datum, other, spare):  # type: ignore[no-untyped-def]
    """Two neighbours of a container change places, when they are short."""
    size, more = datum.end - datum.place, other.end - other.place
    if other.place != datum.end or size + more > spare.shape[0] or other.end > length:
        return
    for octet in range(more):
        spare[octet] = work[other.place + octet]
    for octet in range(size):
        spare[more + octet] = work[datum.place + octet]
    for octet in range(size + more):
        work[datum.place + octet] = spare[octet]


@kernel
def _repeat(dice, work, length, datum, spare):  # type: ignore[no-untyped-def]
    """A short datum behind itself, once or many times; (length, times)."""
    size = min(np.int64(datum.end), length) - datum.place
    if size <= 0 or size > spare.shape[0]:
        return length, np.int64(0)
    for octet in range(size):
        spare[octet] = work[datum.place + octet]
    times = np.int64(1) if roll(dice, 4) else 1 + roll(dice, 20)
    done = np.int64(0)
    for _ in range(times):
        longer = replace(work, length, datum.place, 0, spare, 0, size)
        if longer == length:
            break
        length = longer
        done += 1
    return length, done


@kernel
def change_datum(dice, kind, work, length, first, row, texts, spare):  # type: ignore[no-untyped-def]
    """Kinds that are about a datum: that of `row`, behind `first`, of the data of texts (Corpus). The new length."""
    data = texts.data
    datum = data[first + row]
    if kind == 1:
        work[datum.place] = TAGS[roll(dice, TAGS.shape[0])] if roll(dice, 4) else np.uint8(roll(dice, 256))
    elif kind == 2:
        removed = max(1, min(datum.body - datum.place - 1, 5))
        length = _from_texts(dice, work, length, datum.place + 1, removed, texts.lengths)
    elif kind == 3:
        length = _from_texts(dice, work, length, datum.place, datum.end - datum.place, texts.odd)
    elif kind == 4:
        length = replace(work, length, datum.place, datum.end - datum.place, spare, 0, 0)
        if datum.parent >= 0 and roll(dice, 2):
            _count_of(work, length, data[first + datum.parent], -1)
    elif kind == 5:
        length, times = _repeat(dice, work, length, datum, spare)
        if datum.parent >= 0 and roll(dice, 3):
            _count_of(work, length, data[first + datum.parent], times)
    elif kind == 9 and datum.clock and datum.end <= length and roll(dice, 4) == 0:
        one = texts.clocks.start[roll(dice, texts.clocks.start.shape[0])]
        for octet in range(CLOCK_OCTETS):
            work[datum.body + octet] = texts.clocks.octets[one + octet]
    elif kind == 9:
        at = datum.body + roll(dice, CLOCK_OCTETS) if datum.clock else np.int64(datum.body)
        if at < length:
            work[at] = FIELDS[roll(dice, FIELDS.shape[0])] if roll(dice, 4) else np.uint8(roll(dice, 256))
    else:
        length = change_further(dice, kind, work, length, first, row, texts, spare)
    return length


@kernel
def change_further(dice, kind, work, length, first, row, texts, spare):  # type: ignore[no-untyped-def]
    """The same for kinds from 10 on."""
    datum = texts.data[first + row]
    if kind == 10:
        spare[0] = 0 if roll(dice, 4) else 255
        return replace(work, length, datum.place, datum.end - datum.place, spare, 0, 1)
    if kind == 11:
        return _wrap(dice, work, datum, length, spare)
    if kind == 12:
        _limits(dice, work, datum, length)
    elif datum.next >= 0:
        _exchange(work, length, datum, texts.data[first + datum.next], spare)
    return length


@kernel
def _row_for(dice, kind, data, first, below):  # type: ignore[no-untyped-def]
    """A row of the data behind `first`, less than `below`, that the kind fits, if a few tries find one."""
    row = roll(dice, below)
    for _ in range(20):
        datum = data[first + row]
        fits = datum.clock != 0 if kind == 9 else datum.next >= 0 if kind == 14 else datum.parent >= 0 or kind < 3
        if fits:
            return row
        row = roll(dice, below)
    return row


@kernel
def change_plain(dice, kind, work, length, base, texts, spare):  # type: ignore[no-untyped-def]
    """Change the plaintext work[:length] of `base` by `kind`, and once or twice more now and then; the new length.

    dice: the frame's stream; texts: Corpus; spare u8 (1000,): scratch.
    """
    first, below = texts.first[base], texts.counts[base]
    for turn in range(1 + (roll(dice, 10) > 5) + (roll(dice, 10) > 7)):
        if turn:
            kind = roll(dice, 15)
        if kind == 0:
            change_octets(dice, work, 0, length)
        elif kind == 6:
            length = roll(dice, length) if length else length
        elif kind == 7:
            length = grow(dice, work, length, spare)
        elif kind == 8:
            other = roll(dice, texts.bases.start.shape[0])
            begin, size = texts.bases.start[other], min(np.int64(texts.bases.length[other]), 3000)
            cut = roll(dice, size)
            at = min(length, cut + roll(dice, 9) - 4)
            length = replace(work, length, at, length, texts.bases.octets, begin + cut, size - cut)
        elif kind == 13:
            length = _head(dice, work, length, spare)
        elif below > 0:
            row = _row_for(dice, kind, texts.data, first, below)
            if texts.data[first + row].place < length:
                length = change_datum(dice, kind, work, length, first, row, texts, spare)
            below = row
    return max(length, 1)
