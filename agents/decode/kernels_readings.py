"""The kernel that reads a frame of readings which another head-end has decoded; see `pipeline.reading_frames`.

A frame is looked through before anything of it is written. Rows of a time at which the device stood elsewhere, or
nowhere, are left out, and the frame goes to `rejects` for them, while the others flow on: offered again, those are
copies, which VEE drops.
"""

from __future__ import annotations

import numpy as np

from agents.decode.kernels_clock import link_at
from agents.decode.kernels_open import GOOD, MALFORMED, TOO_LONG, UNREADABLE
from agents.decode.kernels_profile import MOST_PLACES, NO_ROOM
from agents.decode.kernels_push import CLOCK_UNUSABLE, NOT_LINKED
from pipeline.channels import FIRST_PHYSICAL, FIRST_REACTIVE
from pipeline.codes import REJECT_NUMBER, Flag, Kind
from pipeline.jit import inlined, kernel, peek2, peek8
from pipeline.reading_frames import (
    COLUMNS_OF,
    EARLIEST,
    HEAD,
    LARGEST,
    LARGEST_PHYSICAL,
    LATEST,
    MOST_ROWS,
    N_CHANNELS,
    ROW,
    SAID,
    TARGETS,
    VERSION,
)

HEAD_OCTETS, ROW_OCTETS = HEAD.size, ROW.itemsize
FROM_HEAD_END = int(Flag.HEAD_END)
NOT_SAID = 0xFFFF & ~int(SAID)
BLOCK, INSTANT = int(Kind.BLOCK), int(Kind.INSTANT)
KINDS = len(COLUMNS_OF)
FORBIDDEN = np.array([0, *(~COLUMNS_OF[Kind(kind)] for kind in range(1, KINDS + 1))], np.int64)
"""Columns that a kind may not have, by kind."""
PRESENT, FLAGS, QUALITY, ID, INTERVAL = (
    ROW.fields[name][1]  # type: ignore[index]
    for name in ("present", "flags", "quality", "id", "interval")
)
INTERVAL_OTHER = REJECT_NUMBER["INTERVAL_OTHER"]


@inlined
def _texts_end(octets, p, end, count):  # type: ignore[no-untyped-def]
    """Place behind `count` texts from `p` on, or beyond `end`."""
    for _ in range(count):
        if p + 2 > end:
            return end + 1
        p += 2 + peek2(octets, p)
    return p


@inlined
def _check_row(octets, p, kind, columns, texts):  # type: ignore[no-untyped-def]
    """Verdict on the row at `p`, which is known to be there."""
    present = peek8(octets, p + PRESENT)
    fits = present & ~columns == 0 and peek2(octets, p + FLAGS) & NOT_SAID == 0
    fits = fits and (kind == BLOCK or peek2(octets, p + INTERVAL) == 0)
    if not fits or max(peek2(octets, p + QUALITY), peek2(octets, p + ID)) > texts:
        return MALFORMED
    time = peek8(octets, p)
    if time < EARLIEST or time >= LATEST:
        return CLOCK_UNUSABLE
    place = p + ROW_OCTETS
    for target in range(TARGETS):
        if (columns >> target) & 1:
            value = peek8(octets, place)
            place += 8
            largest = LARGEST_PHYSICAL if FIRST_PHYSICAL <= target < N_CHANNELS else LARGEST
            if (present >> target) & 1 and not -largest <= value <= largest:
                return MALFORMED
    return GOOD


@kernel
def check_readings(octets, p, end, device):  # type: ignore[no-untyped-def]
    """(code, kind, rows, columns, octets of a row) of the frame of `device` in [p, end); the first fault decides."""
    nothing = np.int64(0)
    if end - p < HEAD_OCTETS or octets[p + 1] != VERSION or octets[p + 3] != 0:
        return MALFORMED, nothing, nothing, nothing, nothing
    kind, count, texts = np.int64(octets[p + 2]), peek2(octets, p + 4), peek2(octets, p + 6)
    columns = peek8(octets, p + 16)
    if kind < 1 or kind > KINDS or columns & FORBIDDEN[kind] != 0:
        return MALFORMED, nothing, nothing, nothing, nothing
    if count < 1 or count > (1 if kind == INSTANT else MOST_ROWS):
        return MALFORMED, nothing, nothing, nothing, nothing
    size = np.int64(ROW_OCTETS)
    for target in range(TARGETS):
        size += 8 * ((columns >> target) & 1)
    tail = p + HEAD_OCTETS + count * size
    if tail > end or _texts_end(octets, tail, end, texts) != end:
        return MALFORMED, nothing, nothing, nothing, nothing
    for item in range(count):
        code = _check_row(octets, p + HEAD_OCTETS + item * size, kind, columns, texts)
        if code != GOOD:
            return code, nothing, nothing, nothing, nothing
    if np.uint64(peek8(octets, p + 8)) != device:
        return UNREADABLE, nothing, nothing, nothing, nothing
    return GOOD, kind, count, columns, size


@inlined
def _write_row(octets, p, columns, rows, row):  # type: ignore[no-untyped-def]
    """Stamp, flags and channels of the row at `p`."""
    present = peek8(octets, p + PRESENT)
    rows.time[row], rows.present[row] = peek8(octets, p), present & ((1 << N_CHANNELS) - 1)
    rows.flags[row] = peek2(octets, p + FLAGS) | FROM_HEAD_END
    place = p + ROW_OCTETS
    for target in range(N_CHANNELS):
        if (columns >> target) & 1:
            value = peek8(octets, place) if (present >> target) & 1 else np.int64(0)
            place += 8
            if target < FIRST_REACTIVE:
                rows.energy[row, target] = value
            elif target < FIRST_PHYSICAL:
                rows.reactive[row, target - FIRST_REACTIVE] = value
            else:
                rows.physical[row, target - FIRST_PHYSICAL] = value


@inlined
def _write_fields(octets, p, columns, rows, place):  # type: ignore[no-untyped-def]
    """The snapshot fields of the row at `p` to snapshot `place`."""
    present, at = peek8(octets, p + PRESENT), p + ROW_OCTETS
    rows.snapshot_present[place] = present >> N_CHANNELS
    for target in range(TARGETS):
        if (columns >> target) & 1:
            if target >= N_CHANNELS and (present >> target) & 1:
                rows.snapshot[place, target - N_CHANNELS] = peek8(octets, at)
            at += 8


@kernel
def read_readings(octets, p, end, frame, device, point, first_link, links, rows, row, snapshot, waiting):  # type: ignore[no-untyped-def]
    """Read the frame in [p, end) to `rows` (Rows) from `row` and `snapshot` on; (code, rows, snapshots) of it.

    The code is NO_ROOM, and nothing is read, when there is no room for its rows and a row of each of `waiting` frames;
    then `rows` counts those. With NOT_LINKED and INTERVAL_OTHER there may be rows too.
    """
    code, kind, count, columns, size = check_readings(octets, p, end, device)
    if code != GOOD:
        return code, np.int64(0), np.int64(0)
    if row + count + waiting > MOST_PLACES:
        return TOO_LONG, np.int64(0), np.int64(0)
    if row + count + waiting > rows.frame.shape[0]:
        return NO_ROOM, count, np.int64(0)
    written, snapshots, other = np.int64(0), np.int64(0), False
    for item in range(count):
        start = p + HEAD_OCTETS + item * size
        link = link_at(links, first_link, device, kind, peek8(octets, start), True)
        if link < 0 or links[link].service_point != point:
            continue
        declared = peek2(octets, start + INTERVAL)
        if declared != 0 and declared != links[link].interval_secs:
            other = True
            continue
        place = row + written
        rows.frame[place], rows.service_point[place], rows.device[place] = frame, point, device
        rows.link[place], rows.kind[place], rows.counter[place] = link, kind, 0
        _write_row(octets, start, columns, rows, place)
        if kind == INSTANT:
            rows.snapshot_row[snapshot] = place
            _write_fields(octets, start, columns, rows, snapshot)
            snapshots += 1
        written += 1
    code = INTERVAL_OTHER if other else GOOD if written == count else NOT_LINKED
    return code, written, snapshots
