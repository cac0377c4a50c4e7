"""The list of what is said of a point's intervals: planes of the few points of which anything is said.

A row takes ten words of a plane's ring: begin (local seconds, u32: 24 bits; its highest 8, kind 3, energies that are
said 4, bit 30 of each energy 4), number u64 (24, 24, 16 bits), lower 24 bits of the four energies, bits 24 to 29 of
each. Kind (pipeline.statement_frames.Statement) 0: the place is free. There is one row an interval, of the edit,
withdrawal or discarding with the largest number, and one for each begin of outages: its energies are the seconds in
force, 0 when it was taken back, and the longest that was ever said. What is taken back stays, so that an older
statement that comes later is known to be older. `planes` is i64 (ALL_PLANES,), as `find_planes` fills it.
"""

from __future__ import annotations

import numpy as np

from agents.vee.jit import inlined, kernel
from agents.vee.kernels_words import LOW, mark_word, put_word, word_at
from agents.vee.state import SAID, SAID_PLANES
from pipeline.channels import N_ENERGY
from pipeline.localtime import DAY_SECS
from pipeline.statement_frames import Statement

EDIT, WITHDRAW, OUTAGE, DISCARD = (
    int(kind) for kind in (Statement.EDIT, Statement.WITHDRAW, Statement.OUTAGE, Statement.DISCARD)
)
WORDS = 10
"""Of a row."""
SECS, LONGEST = 0, 1
"""Places of an outage's energies."""
KEPT_SECS = 32 * DAY_SECS
"""How long after its begin an outage that was taken back before it came is remembered."""
KIND_SHIFT, PRESENT_SHIFT, TOP_SHIFT = 8, 11, 15
LOW_64 = np.uint64(LOW)


@inlined
def is_said(planes):  # type: ignore[no-untyped-def]
    """The point has a list."""
    return planes[SAID] >= 0


@kernel
def said_places(limits, planes):  # type: ignore[no-untyped-def]
    """How many rows the list has room for."""
    count = 0
    while count < SAID_PLANES and planes[SAID + count] >= 0:
        count += 1
    return count * (limits.slices // WORDS)


@inlined
def _where(limits, planes, place):  # type: ignore[no-untyped-def]
    """(slot, first word) of a place."""
    rows = limits.slices // WORDS
    return planes[SAID + place // rows], WORDS * (place % rows)


@kernel
def said_kind(pages, limits, planes, place):  # type: ignore[no-untyped-def]
    """EDIT, WITHDRAW, OUTAGE, DISCARD, or 0."""
    slot, first = _where(limits, planes, place)
    return (word_at(pages, first + 1, slot) >> KIND_SHIFT) & 7


@kernel
def said_start(pages, limits, planes, place):  # type: ignore[no-untyped-def]
    """Local begin."""
    slot, first = _where(limits, planes, place)
    return word_at(pages, first, slot) | (word_at(pages, first + 1, slot) & 255) << 24


@kernel
def said_present(pages, limits, planes, place):  # type: ignore[no-untyped-def]
    """Energies (bits) that are said."""
    slot, first = _where(limits, planes, place)
    return (word_at(pages, first + 1, slot) >> PRESENT_SHIFT) & 15


@kernel
def said_number(pages, limits, planes, place):  # type: ignore[no-untyped-def]
    """Number u64 of the statement."""
    slot, first = _where(limits, planes, place)
    low, middle = np.uint64(word_at(pages, first + 2, slot)), np.uint64(word_at(pages, first + 3, slot))
    return low | middle << np.uint64(24) | np.uint64(word_at(pages, first + 4, slot)) << np.uint64(48)


@kernel
def said_energy(pages, limits, planes, place, channel):  # type: ignore[no-untyped-def]
    """Energy of a channel, or SECS and LONGEST of an outage."""
    slot, first = _where(limits, planes, place)
    middle = (word_at(pages, first + 5 + N_ENERGY, slot) >> (6 * channel)) & 63
    top = (word_at(pages, first + 1, slot) >> (TOP_SHIFT + channel)) & 1
    return word_at(pages, first + 5 + channel, slot) | middle << 24 | top << 30


@kernel
def edited_energies(pages, limits, planes, place, out):  # type: ignore[no-untyped-def]
    """out i64 (4,) = what the row at `place` says."""
    for channel in range(N_ENERGY):
        out[channel] = said_energy(pages, limits, planes, place, channel)


@kernel
def put_said(pages, limits, planes, place, start, kind, present, number, energies):  # type: ignore[no-untyped-def]
    """Write a row; energies i64 (4,), each in 0 .. 2^31 - 1."""
    slot, first = _where(limits, planes, place)
    middle, top = np.int64(0), np.int64(0)
    for channel in range(N_ENERGY):
        put_word(pages, first + 5 + channel, slot, energies[channel] & LOW)
        middle |= ((energies[channel] >> 24) & 63) << (6 * channel)
        top |= ((energies[channel] >> 30) & 1) << channel
    put_word(pages, first, slot, start & LOW)
    head = (start >> 24) & 255 | kind << KIND_SHIFT | present << PRESENT_SHIFT | top << TOP_SHIFT
    put_word(pages, first + 1, slot, head)
    put_word(pages, first + 2, slot, np.int64(number & LOW_64))
    put_word(pages, first + 3, slot, np.int64((number >> np.uint64(24)) & LOW_64))
    put_word(pages, first + 4, slot, np.int64(number >> np.uint64(48)))
    put_word(pages, first + 5 + N_ENERGY, slot, middle)
    for word in range(first, first + WORDS):
        mark_word(pages, word, slot)


@kernel
def _is_over(pages, limits, planes, place, oldest):  # type: ignore[no-untyped-def]
    """The row says nothing of what is not older than `oldest`, local seconds."""
    start = said_start(pages, limits, planes, place)
    if said_kind(pages, limits, planes, place) != OUTAGE:
        return start < oldest
    longest = said_energy(pages, limits, planes, place, LONGEST)
    return start + (longest if longest else KEPT_SECS) <= oldest


@kernel
def free_said(pages, limits, planes, oldest):  # type: ignore[no-untyped-def]
    """The first place that holds nothing of the window; -1: there is none."""
    for place in range(said_places(limits, planes)):
        if said_kind(pages, limits, planes, place) == 0 or _is_over(pages, limits, planes, place, oldest):
            return place
    return -1


@kernel
def says_nothing(pages, limits, planes, oldest):  # type: ignore[no-untyped-def]
    """No row says anything of the window."""
    for place in range(said_places(limits, planes)):
        if said_kind(pages, limits, planes, place) and not _is_over(pages, limits, planes, place, oldest):
            return False
    return True


@kernel
def find_said(pages, limits, planes, start, outage):  # type: ignore[no-untyped-def]
    """Place of the row of the interval, or of the outage, that begins at `start`; -1: there is none."""
    for place in range(said_places(limits, planes)):
        kind = said_kind(pages, limits, planes, place)
        if kind and (kind == OUTAGE) == outage and said_start(pages, limits, planes, place) == start:
            return place
    return -1


@kernel
def in_force(pages, limits, planes, start):  # type: ignore[no-untyped-def]
    """Place of the edit or discarding of the interval from `start`, -1: there is none in force."""
    place = find_said(pages, limits, planes, start, False)
    return -1 if place >= 0 and said_kind(pages, limits, planes, place) == WITHDRAW else place


@kernel
def is_newer(pages, limits, planes, place, number, kind, present, energies):  # type: ignore[no-untyped-def]
    """The statement takes the place of the row: larger number; of equal ones larger kind, energies said, values."""
    known = said_number(pages, limits, planes, place)
    if number != known:
        return number > known
    other = said_kind(pages, limits, planes, place)
    if kind != other:
        return kind > other
    other = said_present(pages, limits, planes, place)
    if present != other:
        return present > other
    for channel in range(N_ENERGY):
        other = said_energy(pages, limits, planes, place, channel)
        if energies[channel] != other:
            return energies[channel] > other
    return False


# ------------------------------------------------------------------------------------------- outages


@kernel
def supply_until(pages, limits, planes, start, end):  # type: ignore[no-untyped-def]
    """Where the outages end that hold `start`, one after the other; at most `end`, and `start` where there is none."""
    until, further = start, True
    while further and until < end:
        further = False
        for place in range(said_places(limits, planes)):
            if said_kind(pages, limits, planes, place) == OUTAGE:
                begin = said_start(pages, limits, planes, place)
                over = begin + said_energy(pages, limits, planes, place, SECS)
                if begin <= until < over:
                    until, further = over, True
    return min(until, end)


@kernel
def is_without_supply(pages, limits, planes, start, end):  # type: ignore[no-untyped-def]
    """[start, end) lies wholly in outages."""
    return supply_until(pages, limits, planes, start, end) == end


@kernel
def lacks_supply(pages, limits, planes, start, end):  # type: ignore[no-untyped-def]
    """Some outage touches [start, end)."""
    for place in range(said_places(limits, planes)):
        if said_kind(pages, limits, planes, place) == OUTAGE:
            begin, secs = said_start(pages, limits, planes, place), said_energy(pages, limits, planes, place, SECS)
            if secs and begin < end and begin + secs > start:
                return True
    return False
