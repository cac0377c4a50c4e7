"""Kernels of node energy: readings into changes, changes into the sums of their nodes."""

from __future__ import annotations

import numpy as np

from pipeline.codes import Quality, Role
from pipeline.jit import AHEAD, allocating_kernel, expanded, prefetch
from pipeline.lookup import find
from pipeline.state import mark

AS_MEASURED = (1 << int(Quality.ACTUAL)) | (1 << int(Quality.MANUAL)) | (1 << int(Quality.DERIVED))
"""Bit n: quality n counts as an actual reading."""
ESTIMATED = int(Quality.ESTIMATED)
OUTPUT, INPUT = 0, 1

LINK = np.dtype([("point", "<u8"), ("output", "<u4"), ("input", "<u4"), ("moves", "<u1")])
"""Nodes that a link's energy is put to; 0: none. moves 1: they depend on the time."""

CHANGE = np.dtype(
    [("wh", "<i8"), ("estimated_wh", "<i8"), ("expected", "<i4"), ("actual", "<i4"), ("estimated", "<i4")]
)
"""What one reading changes."""


@allocating_kernel
def nodes_of(role, dt, feeder):  # type: ignore[no-untyped-def]
    """(node whose output it is, node whose input it is) of a service point; 0: none."""
    if role == Role.DT_METER:
        return feeder, dt
    if role == Role.FEEDER_METER:
        return np.uint32(0), feeder
    return (dt if dt != 0 else feeder), np.uint32(0)


@allocating_kernel
def link_nodes(service_point, valid_from, valid_to, index, keys, point, point_from, role, dt, feeder, links):  # type: ignore[no-untyped-def]
    """links LINK (n,) of n links of the registry."""
    for link in range(service_point.shape[0]):
        entry = links[link]
        entry.point = service_point[link]
        row = find(index, keys, service_point[link])
        if row < 0:
            continue
        while row + 1 < point.shape[0] and point[row + 1] == point[row] and point_from[row + 1] <= valid_from[link]:
            row += 1
        entry.output, entry.input = nodes_of(role[row], dt[row], feeder[row])
        after = row + 1
        entry.moves = after < point.shape[0] and point[after] == point[row] and point_from[after] < valid_to[link]


@allocating_kernel
def changes(quality, energy, prior_reading, prior_quality, prior_energy, out):  # type: ignore[no-untyped-def]
    """out CHANGE (n,): each reading less what it replaces; the first row of an interval is the one that is expected."""
    for row in range(quality.shape[0]):
        out[row].expected = 1
        out[row].wh = 0
        out[row].estimated_wh = 0
        out[row].actual = 0
        out[row].estimated = 0
        _add(out[row], np.int64(quality[row] & np.uint64(15)), energy[row, 0] - energy[row, 2], 1)
    for place in range(prior_reading.shape[0]):
        change = out[prior_reading[place]]
        change.expected = 0
        _add(change, np.int64(prior_quality[place]), prior_energy[place, 0] - prior_energy[place, 2], -1)


@expanded
def _add(change, quality, wh, sign):  # type: ignore[no-untyped-def]
    """Import less export; a suspect reading is not in the sums."""
    if (AS_MEASURED >> quality) & 1:
        change.wh += sign * wh
        change.actual += sign
    elif quality == ESTIMATED:
        change.wh += sign * wh
        change.estimated_wh += sign * wh
        change.estimated += sign


@allocating_kernel
def address(  # type: ignore[no-untyped-def]
    service_point, link, start, change, secs, links, index, column, point, point_from, role, dt, feeder, keys, rows,
    sides,
):  # fmt: skip
    """(node, interval) keys u64 of what n readings change, with the reading (rows i64) and the side (sides u1); at most
    2 n. The interval is the balance's of `secs` that the reading begins in. Returns how many."""
    made = 0
    for row in range(service_point.shape[0]):
        if row + AHEAD < service_point.shape[0]:
            prefetch(links, link[row + AHEAD])
        entry = change[row]
        if not (entry.wh | entry.estimated_wh | entry.expected | entry.actual | entry.estimated):
            continue
        output, input_ = np.uint32(0), np.uint32(0)
        known = link[row] < links.shape[0] and links[link[row]].point == service_point[row]
        if known and not links[link[row]].moves:
            output, input_ = links[link[row]].output, links[link[row]].input
        else:
            holder = find(index, column, service_point[row])
            if holder >= 0:
                while (
                    holder + 1 < point.shape[0]
                    and point[holder + 1] == service_point[row]
                    and point_from[holder + 1] <= start[row]
                ):
                    holder += 1
                output, input_ = nodes_of(role[holder], dt[holder], feeder[holder])
        begin = np.uint64(start[row] - start[row] % secs)
        if output != 0:
            keys[made] = (np.uint64(output) << np.uint64(32)) | begin
            rows[made], sides[made] = row, OUTPUT
            made += 1
        if input_ != 0:
            keys[made] = (np.uint64(input_) << np.uint64(32)) | begin
            rows[made], sides[made] = row, INPUT
            made += 1
    return made


@allocating_kernel
def collect(slots, rows, sides, change, secs, pending, changed, dirty, capacity):  # type: ignore[no-untyped-def]
    """Add changes to the sums of their (node, interval of `secs`)."""
    for item in range(slots.shape[0]):
        if item + AHEAD < slots.shape[0]:
            prefetch(pending, slots[item + AHEAD])
        slot = slots[item]
        entry = change[rows[item]]
        total = pending[0, slot]
        total.interval_secs = secs
        if sides[item] == INPUT:
            total.input_wh += entry.wh
            total.inputs_expected += entry.expected
            total.inputs_actual += entry.actual
        else:
            total.output_wh += entry.wh
            total.estimated_wh += entry.estimated_wh
            total.expected += entry.expected
            total.actual += entry.actual
            total.estimated += entry.estimated
        mark(changed, dirty, 0, slot, capacity)
