"""What is published of an interval of which something is said, and what is stored behind it.

An edit is in force whatever was sent. What was sent stays where it always is, and what is published beside it lies
where any other substitute of a sent value lies; so nothing is lost, and what is withdrawn leaves no trace.
Times are local seconds.
"""

from __future__ import annotations

import numpy as np

from agents.vee.jit import inlined, kernel
from agents.vee.kernels_cells import (
    V14,
    day_bit,
    energy_quality,
    half_of,
    is_amended,
    method_of,
    quality_of,
    read_published,
    read_sent,
    rules_of,
    scaled_of,
    sent_of,
    set_dirty,
    slice_of,
)
from agents.vee.kernels_limits import is_held
from agents.vee.kernels_links import remarks
from agents.vee.kernels_order import expected_now, seconds_behind
from agents.vee.kernels_reading import note_replaced
from agents.vee.kernels_said_rows import (
    DISCARD,
    EDIT,
    in_force,
    is_without_supply,
    said_kind,
    said_present,
)
from agents.vee.kernels_tick import provisional
from agents.vee.kernels_words import (
    GOOD_AS_SENT,
    cell_of,
    lacks_plane,
    read_words,
    word_at,
    write_energies,
)
from agents.vee.output import LACKING, READINGS
from agents.vee.state import (
    AMENDED,
    AS_SENT,
    EMPTY,
    GOOD,
    MANUAL,
    MEMBERS,
    NO_SUPPLY,
    NOTHING,
    ROUNDING,
)
from pipeline.channels import N_ENERGY
from pipeline.codes import Flag
from pipeline.localtime import DAY_SECS

DISCARDED = int(Flag.DISCARDED)

OLD, NEW, RAW, SCRATCH = 1, 2, 3, 4
"""Rows of `work` i64 (STATEMENT_WORK, ALL_PLANES): published before and after, sent in stored form."""


@inlined
def merge(counts, raw, present, said, out):  # type: ignore[no-untyped-def]
    """out i64 (4,) = the energies that are said; of the others what was sent, where that counts, else 0."""
    for channel in range(N_ENERGY):
        if (present >> channel) & 1:
            out[channel] = said[channel]
        else:
            out[channel] = raw[channel] if counts else 0


@inlined
def counts_as_sent(tables, link_row, start, sent):  # type: ignore[no-untyped-def]
    """What was sent of the interval from local `start` on is good, or suspect and in force."""
    return sent == GOOD or is_held(tables, tables.links[link_row], start // DAY_SECS, sent)


@inlined
def rules_said(cell, discarded):  # type: ignore[no-untyped-def]
    """Rules of a cell; that a good value was discarded is no spike."""
    rules = rules_of(cell)
    return rules & ~V14 if discarded else rules


@inlined
def _is_closed(limits, clock, start):  # type: ignore[no-untyped-def]
    return (start // DAY_SECS + 1) * DAY_SECS <= clock.closed + limits.offset


@kernel
def settle_again(pages, limits, clock, slot, start):  # type: ignore[no-untyped-def]
    """Have the day of `start` settled at the next tick, if it is closed."""
    if _is_closed(limits, clock, start):
        set_dirty(pages, slot, day_bit(start // DAY_SECS))


@kernel
def _lacks_both(pages, planes, half, slice_, fresh, raw, new):  # type: ignore[no-untyped-def]
    """Bits of the planes that a cell needs with what was sent and what is published."""
    if sent_of(fresh) == NOTHING:
        return lacks_plane(planes, half, fresh, new)
    lacking = lacks_plane(planes, half, fresh, raw)
    if is_amended(fresh):
        lacking |= lacks_plane(planes, half | AMENDED, GOOD_AS_SENT, new)
    return lacking


@kernel
def _write_both(pages, planes, half, slice_, fresh, raw, new):  # type: ignore[no-untyped-def]
    if sent_of(fresh) == NOTHING:
        write_energies(pages, planes, half, slice_, fresh, new)
        return
    write_energies(pages, planes, half, slice_, fresh, raw)
    if is_amended(fresh):
        write_energies(pages, planes, half | AMENDED, slice_, GOOD_AS_SENT, new)


@kernel
def _tell(  # type: ignore[no-untyped-def]
    pages, tables, limits, clock, slot, planes, link_row, start, interval, cell, fresh, present, discarded, revision,
    frame, old, new, out, cursor,
):  # fmt: skip
    """A reading that a statement made, or a row that came behind one."""
    reading, link = out[cursor[READINGS]], tables.links[link_row]
    cursor[READINGS] += 1
    epoch, scaled = start - limits.offset, scaled_of(pages, slot, start)
    note_replaced(cell, scaled, old, reading)
    reading.service_point, reading.device, reading.link = link.point, link.device, np.uint32(link_row)
    reading.interval_start, reading.interval_secs = epoch, np.uint32(interval)
    reading.revision, reading.frame, reading.source = revision, np.int32(frame), np.int32(-1)
    reading.counter, reading.flags = np.uint32(0), np.uint16(DISCARDED if discarded else 0)
    reading.method = np.uint8(method_of(fresh))
    reading.rules = np.uint32(rules_said(fresh, discarded) | remarks(tables, link.point, epoch, fresh, new))
    reading.quality = energy_quality(fresh, scaled, link.present | present)
    quality = quality_of(fresh, scaled, 0)
    reading.expected_error = np.uint16(
        expected_now(pages, tables, limits, clock, planes, link_row, start, interval, fresh, quality)
    )
    for channel in range(N_ENERGY):
        reading.energy[channel] = new[channel]


@kernel
def restate(  # type: ignore[no-untyped-def]
    pages, tables, limits, clock, slot, start, interval, link_row, kind, present, energies, before, revision, frame,
    work, out, cursor,
):  # fmt: skip
    """Publish an interval as it is now that `kind` (0: nothing) is said of it; `before`: what was said until now.

    work[0] has the point's planes. Returns the bits of the planes that are lacking, and has done nothing then.
    """
    planes, old, new, raw = work[0], work[OLD], work[NEW], work[RAW]
    half, slice_ = half_of(limits, start, interval), slice_of(limits, start)
    cell = cell_of(word_at(pages, slice_, planes[half * MEMBERS]))
    sent, published = sent_of(cell), cell & 15
    read_words(pages, planes, half, slice_, False, raw)
    read_published(pages, planes, slice_, half, cell, old)
    for channel in range(N_ENERGY):
        new[channel] = old[channel]
    code, estimate = published, False
    if kind == EDIT:
        code = MANUAL
        merge(counts_as_sent(tables, link_row, start, sent), raw, present, energies, new)
    elif sent == NOTHING:
        if is_without_supply(pages, limits, planes, start, start + interval):
            code = NO_SUPPLY
            new[:N_ENERGY] = 0
        else:
            estimate = published >= MANUAL or (kind == DISCARD and published == EMPTY)
    elif kind == DISCARD:
        estimate = published in (AS_SENT, MANUAL, ROUNDING)
    elif before in (EDIT, DISCARD):
        code = AS_SENT
        read_sent(pages, planes, slice_, half, cell, new)
    if estimate:
        seconds = seconds_behind(pages, limits, clock, planes, start, interval)
        code = provisional(
            pages, tables, link_row, limits, clock, start, interval, half, planes, seconds, new, work[SCRATCH]
        )  # fmt: skip
    # Of what is substituted already, a reading says from now on that it was discarded.
    discarded = kind == DISCARD and sent != NOTHING
    fresh, changed = (cell & ~15) | code, code != published or (discarded and before != DISCARD)
    for channel in range(N_ENERGY):
        changed = changed or new[channel] != old[channel]
    if not changed:
        return 0
    lacking = _lacks_both(pages, planes, half, slice_, fresh, raw, new)
    if lacking:
        return lacking
    _write_both(pages, planes, half, slice_, fresh, raw, new)
    _tell(
        pages, tables, limits, clock, slot, planes, link_row, start, interval, cell, fresh,
        present if kind == EDIT else 0, discarded, revision, frame, old, new, out, cursor,
    )  # fmt: skip
    return 0


@kernel
def store_behind(  # type: ignore[no-untyped-def]
    pages, tables, limits, clock, rows, row, slot, planes, start, interval, cell, fresh, raw, offset, work, out, cursor
):
    """Store what has come of an interval that is edited or discarded, as `fresh` with energies `raw` (as stored).

    Returns whether that is so. Sets cursor[LACKING], and does nothing, when the point lacks a plane. work i64
    (4, ALL_PLANES): row 3 is scratch, and the places from N_ENERGY on of row 0.
    """
    place = in_force(pages, limits, planes, start)
    code = cell & 15
    if place < 0 or code in (EMPTY, AS_SENT):
        return False
    half, slice_, edited = half_of(limits, start, interval), slice_of(limits, start), False
    old, new = work[3][:N_ENERGY], work[3][N_ENERGY : 2 * N_ENERGY]
    read_published(pages, planes, slice_, half, cell, old)
    present = np.int64(0)
    if said_kind(pages, limits, planes, place) == EDIT:
        edited, present = True, said_present(pages, limits, planes, place)
    changed = rules_of(fresh & ~15 | code) != rules_of(cell)
    for channel in range(N_ENERGY):
        new[channel] = old[channel]
    if edited:
        merge(counts_as_sent(tables, rows.link[row], start, sent_of(fresh)), raw, present, old, new)
    for channel in range(N_ENERGY):
        changed = changed or new[channel] != old[channel]
    fresh = (fresh & ~15) | code
    cursor[LACKING] = _lacks_both(pages, planes, half, slice_, fresh, raw, new)
    if cursor[LACKING]:
        return False
    _write_both(pages, planes, half, slice_, fresh, raw, new)
    settle_again(pages, limits, clock, slot, start)
    if changed:
        revision = (np.uint64(offset) << np.uint64(20)) | np.uint64(row)
        _tell(
            pages, tables, limits, clock, slot, planes, rows.link[row], start, interval, cell, fresh, present,
            not edited, revision, rows.frame[row], old, new, out, cursor,
        )  # fmt: skip
    return True
