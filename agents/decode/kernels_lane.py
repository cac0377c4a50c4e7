"""The kernel that writes what the decoder for single frames has read, after the same verdicts as of any other frame."""

from __future__ import annotations

import numpy as np

from agents.decode.kernels_clock import link_at
from agents.decode.kernels_columns import CHANNEL_BITS, write_channels, write_snapshot
from agents.decode.kernels_drift import drift_flag
from agents.decode.kernels_open import GOOD
from agents.decode.kernels_push import NOT_LINKED
from agents.decode.kernels_rows import ALERT, CHANGES, INSTANT, PLAIN, ROWS, SNAPSHOTS, count_in, note_word
from pipeline.gcm_single import ENCRYPTED
from pipeline.jit import kernel
from pipeline.templates import SNAPSHOT_TARGET

LOG = 0
"""In place of a kind: an entry of an event log, which makes no row."""

ENTRY = np.dtype([("time", "<i8"), ("there", "<u8"), ("link", "<i8"), ("kind", "<i4"), ("flags", "<i4")])
"""An entry of a frame: stamp, bits of the values that are there; kind (LOG makes no row); link and flags are made whole
here."""


@kernel
def put_entries(entries, values, item, opened, points, devices, tables, memory, rows, changes, done):  # type: ignore[no-untyped-def]
    """Judge links and counter of frame `item`, then write its entries; returns a code, and changes nothing unless GOOD.

    entries ENTRY (n,); values i64 (n, TARGETS), with room for n rows and snapshots in `rows`; the others as in
    `read_frames`. At most one entry is an alert.
    """
    links, device, point, first_link = tables.links, devices[item], points[item], opened.link[item]
    for place in range(entries.shape[0]):
        entry = entries[place]
        link = link_at(links, first_link, device, entry.kind, entry.time, False)
        if link < 0 or links[link].service_point != point:
            return NOT_LINKED
        entry.link = link
    security, counter, slot = opened.security[item], np.int64(opened.frames.counter[item]), memory.slots[item]
    window = memory.windows[item]
    late = 0
    if security != 0:
        code, late = count_in(
            memory.counters[window], memory.counters_changed, memory.counters_dirty, memory.prints,
            memory.prints_changed, memory.prints_dirty, window, memory.capacity, counter, opened.mark[item],
            opened.check[item], tables.policy.strict,
        )  # fmt: skip
        if code != GOOD:
            return code
    flags = late | (0 if security & ENCRYPTED else PLAIN) | drift_flag(memory.drifts[slot])
    row, snapshot, changed = done[ROWS], done[SNAPSHOTS], done[CHANGES]
    for place in range(entries.shape[0]):
        entry = entries[place]
        entry.flags |= flags
        if entry.kind == LOG:
            continue
        there = entry.there & np.uint64(CHANNEL_BITS)
        rows.frame[row], rows.service_point[row], rows.device[row] = item, point, device
        rows.link[row], rows.kind[row], rows.time[row] = entry.link, entry.kind, entry.time
        rows.flags[row], rows.counter[row], rows.present[row] = entry.flags, counter, there
        write_channels(there, values[place], row, rows.energy, rows.reactive, rows.physical)
        if entry.kind in (INSTANT, ALERT):
            sent = entry.there >> np.uint64(SNAPSHOT_TARGET)
            rows.snapshot_row[snapshot], rows.snapshot_present[snapshot] = row, sent
            write_snapshot(sent, values[place], snapshot, rows.snapshot)
            snapshot += 1
            changed = note_word(entry.kind, sent, values[place], entry.time, memory, slot, row, changes, changed)
        row += 1
    done[ROWS], done[SNAPSHOTS], done[CHANGES] = row, snapshot, changed
    return GOOD
