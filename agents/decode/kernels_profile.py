"""The kernel that reads the buffer of a profile: an array of rows {clock, the columns of the template's push}.

A row may leave out what follows from the one above (Blue Book, class 7, compressed buffers): null-data in place of the
clock is the stamp above and the capture period, null-data in another column the value above. The first row is whole.
The period of blocks is the meter's interval, that of daily registers a day; of momentary values none is known.
"""

from __future__ import annotations

import numpy as np

from agents.decode.kernels_axdr import NULL, SIZES, STRUCTURE, behind, length_at
from agents.decode.kernels_clock import BLOCK, DAY, UNUSABLE, clock, clock_flags, clock_place
from agents.decode.kernels_columns import (
    CHANNEL_BITS,
    NUMBER,
    TEMPLATE_UNKNOWN,
    read_number,
    read_other,
    write_snapshot,
)
from agents.decode.kernels_open import GOOD, MALFORMED, TOO_LONG
from agents.decode.kernels_push import CLOCK_UNUSABLE, place_row
from pipeline.channels import FIRST_PHYSICAL, FIRST_REACTIVE, N_ENERGY, N_PHYSICAL, N_REACTIVE
from pipeline.codes import Kind
from pipeline.jit import inlined, kernel
from pipeline.reading_frames import MOST_ROWS as MOST_ROWS
from pipeline.templates import SNAPSHOT_TARGET

DAILY, INSTANT = int(Kind.DAILY), int(Kind.INSTANT)


MOST_PLACES = 2**20 - 4096
"""Rows of a record at most: revisions have 20 bits for the place within it, some of which are for its tick."""

NO_ROOM = 254
"""In place of a code: there are more rows than the batch has room for."""

REACTIVE_BITS = np.uint64(((1 << N_REACTIVE) - 1) << FIRST_REACTIVE)

ABSENT = np.int64(-1)
"""Place of a value that the row above has not."""


@inlined
def over(octets, p, end, stack):  # type: ignore[no-untyped-def]
    """Place behind the datum at `p` of a row; it is known to be whole."""
    size = np.int64(SIZES[octets[p]])
    return p + 1 + size if size >= 0 else behind(octets, p, end, 3, stack)


@inlined
def read_columns(  # type: ignore[no-untyped-def]
    octets, p, end, width, columns, column, whole, offset, zero_is_utc, values, stack, above
):
    """The `width` columns of a row from `p` on, read as columns[column:]; (code, bits that are there, place behind)."""
    there = np.uint64(0)
    for place in range(width):
        start = p
        p = over(octets, p, end, stack)
        if octets[start] != NULL:
            above[place] = start
        elif whole:
            return MALFORMED, there, p
        start = above[place]
        if start == ABSENT:
            continue
        if columns[column + place].form == NUMBER:
            code, bits = read_number(octets, start, columns[column + place], values)
        else:
            code, bits = read_other(octets, start, end, columns[column + place], offset, zero_is_utc, values)
        if code != GOOD:
            return code, there, p
        there |= bits
    for place in range(width, above.shape[0]):
        above[place] = ABSENT
    return GOOD, there, p


@inlined
def put_channels(there, values, row, energy, reactive, physical):  # type: ignore[no-untyped-def]
    """The channels that were sent to their columns; as `write_channels`, without a branch for each.

    Only `reactive` has to be zero before (see `forget_rows`): of most meters nothing is written there.
    """
    for channel in range(N_ENERGY):
        energy[row, channel] = values[channel] if (there >> np.uint64(channel)) & np.uint64(1) else np.int64(0)
    if there & REACTIVE_BITS:
        for channel in range(N_REACTIVE):
            bit = (there >> np.uint64(FIRST_REACTIVE + channel)) & np.uint64(1)
            reactive[row, channel] = values[FIRST_REACTIVE + channel] if bit else np.int64(0)
    for channel in range(N_PHYSICAL):
        bit = (there >> np.uint64(FIRST_PHYSICAL + channel)) & np.uint64(1)
        physical[row, channel] = values[FIRST_PHYSICAL + channel] if bit else np.int64(0)


@inlined
def next_stamp(kind, time, interval):  # type: ignore[no-untyped-def]
    """The stamp a capture period after `time`, or UNUSABLE."""
    if kind == BLOCK:
        return time + interval
    return time + np.int64(DAY) if kind == DAILY else np.int64(UNUSABLE)


@kernel
def read_rows(  # type: ignore[no-untyped-def]
    octets, p, end, kind, device, point, first_link, links, pushes, columns, offset, zero_is_utc, values, stack, above,
    rows, row, snapshot,
):  # fmt: skip
    """Read the array at `p`, which is known to be whole, to `rows` (Rows) from `row` and `snapshot` on; returns a code.

    Written of each row: link, time, flags (clock and template), present and its channels; of momentary values also a
    snapshot. above i64: scratch, for the widest push. The order of the verdicts within a row is that of a push; the
    first row that is not good decides.
    """
    out_link, out_time, out_flags, out_present = rows.link, rows.time, rows.flags, rows.present
    energy, reactive, physical = rows.energy, rows.reactive, rows.physical
    count, p = length_at(octets, p + 1, end)
    time, status, link = np.int64(0), 0, np.int64(0)
    known, column, flag = np.int64(0), np.int64(0), 0
    for item in range(count):
        if octets[p] != STRUCTURE:
            return TEMPLATE_UNKNOWN
        width, p = length_at(octets, p + 1, end)
        if width == 0:
            return TEMPLATE_UNKNOWN
        if octets[p] == NULL and item > 0:
            time = next_stamp(kind, time, np.int64(links[link].interval_secs))
        else:
            place = clock_place(octets, p)
            time = clock(octets, place, offset, zero_is_utc) if place >= 0 else UNUSABLE
            if time != UNUSABLE:
                status = clock_flags(octets, place)
        if time == UNUSABLE:
            return CLOCK_UNUSABLE
        p = over(octets, p, end, stack)
        # Seldom does a day see two links: while the first one found is in force, and no other is looked for.
        ended = time + (links[link].opens if kind == BLOCK else 0)
        inside = links[link].valid_from < ended and ended <= links[link].valid_to - (kind != BLOCK)
        if width != known or link != first_link or not inside:
            code, link, column, flag = place_row(width - 1, device, point, first_link, links, pushes, kind, time)
            if code != GOOD:
                return code
            known = width
        code, there, p = read_columns(
            octets, p, end, width - 1, columns, column, item == 0, offset, zero_is_utc, values, stack, above
        )
        if code != GOOD:
            return code
        out_link[row], out_time[row], out_flags[row] = link, time, status | flag
        out_present[row] = there & np.uint64(CHANNEL_BITS)
        put_channels(there, values, row, energy, reactive, physical)
        if kind == INSTANT:
            sent = there >> np.uint64(SNAPSHOT_TARGET)
            rows.snapshot_row[snapshot], rows.snapshot_present[snapshot] = row, sent
            write_snapshot(sent, values, snapshot, rows.snapshot)
            snapshot += 1
        row += 1
    return GOOD


@kernel
def read_profile(  # type: ignore[no-untyped-def]
    octets, p, end, kind, device, point, first_link, links, pushes, columns, offset, zero_is_utc, values, stack, above,
    rows, row, snapshot, waiting,
):  # fmt: skip
    """As `read_rows`, if there is room for them and for a row of each of `waiting` frames; (code, number of rows).

    The code is NO_ROOM, and nothing is read, when `rows` must grow first.
    """
    count, _ = length_at(octets, p + 1, end)
    if count == 0:
        return TEMPLATE_UNKNOWN, count
    if count > MOST_ROWS or row + count + waiting > MOST_PLACES:
        return TOO_LONG, np.int64(0)
    if row + count + waiting > rows.frame.shape[0]:
        return NO_ROOM, count
    if kind == INSTANT and snapshot + count + waiting > rows.snapshot_row.shape[0]:
        return NO_ROOM, count
    code = read_rows(
        octets, p, end, kind, device, point, first_link, links, pushes, columns, offset, zero_is_utc, values, stack,
        above, rows, row, snapshot,
    )  # fmt: skip
    return code, count


@inlined
def share(rows, row, count, frame, point, device, kind, counter, flags):  # type: ignore[no-untyped-def]
    """What all rows of a profile's frame have in common."""
    for place in range(row, row + count):
        rows.frame[place], rows.service_point[place], rows.device[place] = frame, point, device
        rows.kind[place], rows.counter[place] = kind, counter
        rows.flags[place] |= flags


@kernel
def forget_rows(rows, row, snapshot, count, kind):  # type: ignore[no-untyped-def]
    """Zero again what `read_rows` wrote for a frame that is not taken."""
    for place in range(snapshot, snapshot + (count if kind == INSTANT else 0)):
        rows.snapshot_row[place], rows.snapshot_present[place] = 0, 0
        for field in range(rows.snapshot.shape[1]):
            rows.snapshot[place, field] = 0
    for place in range(row, row + count):
        rows.link[place], rows.time[place], rows.flags[place], rows.present[place] = 0, 0, 0, 0
        for channel in range(rows.energy.shape[1]):
            rows.energy[place, channel] = 0
        for channel in range(rows.reactive.shape[1]):
            rows.reactive[place, channel] = 0
        for channel in range(rows.physical.shape[1]):
            rows.physical[place, channel] = 0
