"""The kernel over the frames of a batch that are open: verdicts, rows, and what state remembers.

A frame changes state (counter, event status word) only when all of it was good, so that what is offered again later,
with a key or a link that was missing, is judged afresh.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from agents.decode.kernels_axdr import COMPACT_ARRAY
from agents.decode.kernels_columns import CHANNEL_BITS, TEMPLATE_UNKNOWN, write_channels, write_snapshot
from agents.decode.kernels_compact import unpack
from agents.decode.kernels_drift import Limits, drift_flag, note_drift
from agents.decode.kernels_open import APDU_UNKNOWN, DATA_NOTIFICATION, DECRYPT_FAILED, GOOD, Policy
from agents.decode.kernels_profile import NO_ROOM, forget_rows, read_profile, share
from agents.decode.kernels_push import PROFILE, read_push
from agents.decode.kernels_readings import read_readings
from agents.decode.kernels_window import cell_of, enter, judge
from agents.decode.state import TOGETHER
from pipeline.channels import SNAPSHOT_INDEX
from pipeline.codes import Flag, Kind
from pipeline.columns import Array
from pipeline.gcm_single import ENCRYPTED
from pipeline.jit import AHEAD, inlined, kernel, prefetch
from pipeline.reading_frames import FIRST_OCTET as READINGS
from pipeline.state import mark
from pipeline.templates import SNAPSHOT_TARGET, WORD

PLAIN = int(Flag.PLAIN)
INSTANT, ALERT = int(Kind.INSTANT), int(Kind.ALERT)
NO_READINGS = -1
"""In place of a number of snapshots: the frame is not a head-end's."""
ESW_HIGH = SNAPSHOT_INDEX[WORD]

# Places of `done`.
FRAMES, ROWS, SNAPSHOTS, CHANGES, LACKING, ASIDE = range(6)
DONE = 6

NEVER = -1
"""In ASIDE: no frame is left to the decoder for single frames."""


class Tables(NamedTuple):
    """What `prepare` derives.

    devices: open-addressing index, DEVICE
    links: LINK (links,), the registry's rows
    pairs: u8 (keys, 32), encryption and authentication key of each row of the key ring
    pushes: PUSH (templates + 1, kinds + 1)
    columns: COLUMN (columns,)
    names: u8 (kinds + 1, 6), push-setup logical names
    spans: SPAN (k,), which key is when in force, of devices that have several
    others: CHECKED_KEY (m,), keys for `agents.decode.others`
    policy: settings
    drift: what of clocks is measured
    opening: stamps of some model's blocks open their interval
    """

    devices: Array
    links: Array
    pairs: Array
    pushes: Array
    columns: Array
    names: Array
    spans: Array
    others: Array
    policy: Policy
    drift: Limits
    opening: bool


class Rows(NamedTuple):
    """Columns of a DecodedBatch, zeroed, with room for a row and a snapshot a frame at least; more for profiles."""

    frame: Array
    service_point: Array
    device: Array
    link: Array
    kind: Array
    time: Array
    flags: Array
    counter: Array
    present: Array
    energy: Array
    reactive: Array
    physical: Array
    snapshot_row: Array
    snapshot: Array
    snapshot_present: Array


class Memory(NamedTuple):
    """State of the batch's devices: slots i64 (n,), and each table's rows and marks.

    windows i64 (n,): rows of counters and prints, the same slots but for frames under the former key of their device.
    """

    slots: Array
    windows: Array
    capacity: int
    counters: Array
    counters_changed: Array
    counters_dirty: Array
    prints: Array
    prints_changed: Array
    prints_dirty: Array
    words: Array
    words_changed: Array
    words_dirty: Array
    drifts: Array
    drifts_changed: Array
    drifts_dirty: Array


class Changes(NamedTuple):
    """Event status words that differ from the one in force: row of the batch; both words, u64 high and low half.

    late u8: the stamp is older than that of the word in force.
    """

    row: Array
    before: Array
    after: Array
    late: Array


class Scratch(NamedTuple):
    """Room that a call needs: values i64 (TARGETS,), stack i64 (NESTING,), pushed PUSHED (1,).

    above i64 (columns of the widest push,): places of the values that are in force in a profile.
    unpacked u8 (UNPACKED,): a compact array written out.
    """

    values: Array
    stack: Array
    pushed: Array
    above: Array
    unpacked: Array


@inlined
def note_word(kind, fields, values, time, memory, slot, row, changes, changed):  # type: ignore[no-untyped-def]
    """Compare an alert's event status word, if it has one, with that in force, and keep it; the number of changes."""
    if kind != ALERT or (fields >> np.uint64(ESW_HIGH)) & np.uint64(1) == 0:
        return changed
    word = memory.words[slot]
    high = np.uint64(values[SNAPSHOT_TARGET + ESW_HIGH])
    low = np.uint64(values[SNAPSHOT_TARGET + ESW_HIGH + 1])
    late = time < word.time
    if high != word.high or low != word.low:
        changes.row[changed], changes.late[changed] = row, late
        changes.before[changed, 0], changes.before[changed, 1] = word.high, word.low
        changes.after[changed, 0], changes.after[changed, 1] = high, low
        changed += 1
    if not late:
        word.high, word.low, word.time = high, low, time
        mark(memory.words_changed, memory.words_dirty, 0, slot, memory.capacity)
    return changed


@inlined
def count_in(  # type: ignore[no-untyped-def]
    window, windows_changed, windows_dirty, prints, prints_changed, prints_dirty, slot, capacity, counter, own, check,
    strict,
):  # fmt: skip
    """Judge the counter of a frame that is good so far, and remember it; (code, flags)."""
    code, late = judge(window, prints, slot, counter, own, check, strict)
    if code == GOOD:
        enter(window, prints, prints_changed, prints_dirty, slot, capacity, counter, own, check)
        mark(windows_changed, windows_dirty, 0, slot, capacity)
    return code, late


@inlined
def put_push(rows, row, frame, point, device, counter, flags, values, pushed):  # type: ignore[no-untyped-def]
    """The row of a push, but for its snapshot."""
    there = pushed.there & np.uint64(CHANNEL_BITS)
    rows.frame[row], rows.service_point[row], rows.device[row] = frame, point, device
    rows.link[row], rows.kind[row], rows.time[row] = pushed.link, pushed.kind, pushed.time
    rows.flags[row] = pushed.flags | flags
    rows.counter[row], rows.present[row] = counter, there
    write_channels(there, values, row, rows.energy, rows.reactive, rows.physical)


@inlined
def put_snapshot(rows, row, snapshot, values, pushed, memory, slot, changes, changed):  # type: ignore[no-untyped-def]
    """The snapshot of a push that has one; (snapshots, changed words) that there are then."""
    if pushed.kind not in (INSTANT, ALERT):
        return snapshot, changed
    sent = pushed.there >> np.uint64(SNAPSHOT_TARGET)
    rows.snapshot_row[snapshot], rows.snapshot_present[snapshot] = row, sent
    write_snapshot(sent, values, snapshot, rows.snapshot)
    return snapshot + 1, note_word(pushed.kind, sent, values, pushed.time, memory, slot, row, changes, changed)


@inlined
def is_left(aside, plain, verdict, octets, start, length):  # type: ignore[no-untyped-def]
    """A frame without ciphering whose APDU is not one of ours, which somebody else may read."""
    left = aside and plain and verdict == APDU_UNKNOWN and length > 0
    return left and octets[start] != DATA_NOTIFICATION


@kernel
def read_many(  # type: ignore[no-untyped-def]
    code, security, octets, start, end, frame, device, point, first_link, tables, scratch, rows, row, snapshot, waiting
):
    """What has many rows: after PROFILE a profile's buffer, after APDU_UNKNOWN a head-end's readings.

    (code, rows, snapshots of readings or NO_READINGS); any other code stays as it is.
    """
    none = np.int64(NO_READINGS)
    if code == PROFILE:
        buffer, kind = scratch.pushed[0].buffer, scratch.pushed[0].kind
        if octets[buffer] == COMPACT_ARRAY:
            code, size = unpack(octets, buffer, end, scratch.unpacked)
            if code != GOOD:
                return code, np.int64(0), none
            octets, buffer, end = scratch.unpacked, np.int64(0), size
        code, count = read_profile(
            octets, buffer, end, kind, device, point, first_link, tables.links, tables.pushes, tables.columns,
            tables.policy.offset, tables.policy.zero_is_utc, scratch.values, scratch.stack, scratch.above, rows, row,
            snapshot, waiting,
        )  # fmt: skip
        return code, count, none
    if code == APDU_UNKNOWN and security == 0 and octets[start] == READINGS:
        # It was let pass though it is no notification. What was encrypted never is.
        return read_readings(octets, start, end, frame, device, point, first_link, tables.links, rows, row, snapshot,
                             waiting)  # fmt: skip
    return code, np.int64(0), none


@kernel
def read_frames(  # type: ignore[no-untyped-def]
    octets, opened, good, points, devices, received, tables, memory, rows, changes, drifts, scratch, done
):
    """Rows of the frames from done[FRAMES] on that are good so far; opened.code gets the verdicts.

    Stops at a frame that has done[LACKING] rows more than there is room for, and at one that it cannot read itself,
    which would get the code done[ASIDE]; all are read when both are 0. With NEVER in ASIDE such frames get their code.

    Args:
        octets: u8, the batch's payload with the protected octets opened in place.
        opened: Opened.
        good: u8 (n,), 1 where unsealing succeeded.
        points, devices: u64 (n,).
        received: i64 (n,), arrival, epoch s; 0: not to be measured by.
        tables, memory, rows, changes, drifts, scratch: see there.
        done: i64 (DONE,), how many frames, rows, snapshots and changed words there are so far.
    """
    # Bound once: a tuple's field costs a reference count wherever it is read.
    verdicts, securities, marks, first_links, checks = (
        opened.code, opened.security, opened.mark, opened.link, opened.check,
    )  # fmt: skip
    starts, lengths, counters = opened.frames.start, opened.frames.length, opened.frames.counter
    links, pushes, columns, names = tables.links, tables.pushes, tables.columns, tables.names
    offset, zero_is_utc, strict = tables.policy.offset, tables.policy.zero_is_utc, tables.policy.strict
    slots, capacity, windows, prints = memory.slots, memory.capacity, memory.counters, memory.prints
    window_slots = memory.windows
    windows_changed, windows_dirty = memory.counters_changed, memory.counters_dirty
    prints_changed, prints_dirty = memory.prints_changed, memory.prints_dirty
    values, stack, pushed, clocks = scratch.values, scratch.stack, scratch.pushed[0], memory.drifts
    row, snapshot, changed = done[ROWS], done[SNAPSHOTS], done[CHANGES]
    count, places, first = points.shape[0], prints.shape[1], done[FRAMES]
    aside, plain = done[ASIDE] != NEVER, tables.policy.plain
    done[FRAMES], done[LACKING], done[ASIDE] = count, 0, 0
    for item in range(first, count):
        coming = item + AHEAD
        if coming < count:
            print_row = cell_of(np.int64(counters[coming]))
            prefetch(links, first_links[coming])
            prefetch(windows, window_slots[coming])
            prefetch(prints, (print_row * places + window_slots[coming]) * TOGETHER)
            prefetch(prints_changed, print_row * prints_changed.shape[1] + (window_slots[coming] >> 6))
            prefetch(clocks, slots[coming])
        if verdicts[item] != GOOD and not is_left(aside, plain, verdicts[item], octets, starts[item], lengths[item]):
            continue
        security = securities[item]
        if security != 0 and good[item] == 0:
            verdicts[item] = DECRYPT_FAILED
            continue
        start, slot, counter = starts[item], slots[item], np.int64(counters[item])
        end = start + lengths[item]
        code = read_push(
            octets, start, end, devices[item], points[item], first_links[item], links, pushes, columns, names, offset,
            zero_is_utc, values, stack, pushed,
        )  # fmt: skip
        profile, fields = np.int64(0), NO_READINGS
        if code != GOOD and verdicts[item] == GOOD:
            code, profile, fields = read_many(
                code, security, octets, start, end, item, devices[item], points[item], first_links[item], tables,
                scratch, rows, row, snapshot, count - item - 1,
            )  # fmt: skip
            if code == NO_ROOM:
                done[FRAMES], done[LACKING] = item, profile
                break
        if fields != NO_READINGS:
            verdicts[item] = code
            row += profile
            snapshot += fields
            continue
        if aside and code in (TEMPLATE_UNKNOWN, APDU_UNKNOWN) and pushed.kind == 0:
            done[FRAMES], done[ASIDE] = item, code
            break
        late = 0
        if code == GOOD and security != 0:
            window = window_slots[item]
            code, late = count_in(
                windows[window], windows_changed, windows_dirty, prints, prints_changed, prints_dirty, window, capacity,
                counter, marks[item], checks[item], strict,
            )  # fmt: skip
        if code != GOOD:
            verdicts[item] = code
            forget_rows(rows, row, snapshot, profile, pushed.kind)
            continue
        kind = 0 if profile else pushed.kind
        note_drift(memory, slot, kind, pushed.time, received[item], tables.drift, row, drifts)
        flags = late | (0 if security & ENCRYPTED else PLAIN) | drift_flag(clocks[slot])
        if profile:
            share(rows, row, profile, item, points[item], devices[item], pushed.kind, counter, flags)
            row += profile
            snapshot += profile if pushed.kind == INSTANT else 0
            continue
        put_push(rows, row, item, points[item], devices[item], counter, flags, values, pushed)
        snapshot, changed = put_snapshot(rows, row, snapshot, values, pushed, memory, slot, changes, changed)
        row += 1
    done[ROWS], done[SNAPSHOTS], done[CHANGES] = row, snapshot, changed
