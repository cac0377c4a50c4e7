"""What the registry says of a service point: the meters that stood there, and what is to be remarked upon."""

from __future__ import annotations

from agents.vee.jit import inlined, kernel
from agents.vee.kernels_cells import V16, V32, method_of, sent_of
from agents.vee.state import NOTHING
from pipeline.channels import N_ENERGY
from pipeline.lookup import find

EXPORT = 2
"""Place of wh_exp."""


@kernel
def slot_grid(tables, point, start, end, out):  # type: ignore[no-untyped-def]
    """Links of `point` in [start, end) epoch s: out i64 (3,) = shortest interval, row of the latest, how many."""
    out[0], out[1], out[2] = 0, -1, 0
    place = find(tables.link_index, tables.link_keys, point)
    if place < 0:
        return
    while place < tables.order.shape[0]:
        row = tables.order[place]
        link = tables.links[row]
        if link.point != point:
            return
        if link.start < end and link.until > start:
            if out[2] == 0 or link.interval < out[0]:
                out[0] = link.interval
            out[1] = row
            out[2] += 1
        place += 1


@inlined
def remarks(tables, point, epoch, cell, energy):  # type: ignore[no-untyped-def]
    """Rules that only remark upon what was sent: V16, and V32 where export is not agreed."""
    rules = 0
    if sent_of(cell) != NOTHING and method_of(cell) == 0:
        rules = _apparent_below_active(energy)
        if energy[EXPORT] > 0 and _remarks_export(tables, point, epoch):
            rules |= V32
    return rules


@kernel
def _apparent_below_active(energy):  # type: ignore[no-untyped-def]
    """V16: VAh below Wh by more than 1 % and 1 Wh, import or export, where there is VAh at all."""
    rules = 0
    for channel in range(0, N_ENERGY, 2):
        active, apparent = energy[channel], energy[channel + 1]
        if apparent > 0 and 100 * apparent + 100 < 99 * active:
            rules |= V16
    return rules


@kernel
def _remarks_export(tables, point, time):  # type: ignore[no-untyped-def]
    """Whether export at this consumer is to be remarked upon (V32)."""
    row = find(tables.point_index, tables.point_keys, point)
    if row < 0:
        return False
    while row < tables.point_keys.shape[0] and tables.point_keys[row] == point:
        if tables.point_from[row] <= time < tables.point_to[row]:
            return tables.remark_export[row] == 1
        row += 1
    return False
