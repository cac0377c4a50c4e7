"""What is said of the intervals that are settled: edits stand, what is discarded is estimated, outages are zero."""

from __future__ import annotations

import numpy as np

from agents.vee.jit import kernel
from agents.vee.kernels_cells import sent_of
from agents.vee.kernels_said_rows import (
    DISCARD,
    EDIT,
    OUTAGE,
    is_without_supply,
    lacks_supply,
    said_energy,
    said_kind,
    said_places,
    said_present,
    said_start,
)
from agents.vee.state import GOOD as SENT_GOOD
from agents.vee.work import (
    BAD,
    BEFORE,
    DISCARDED,
    EDITED,
    GAP,
    GOOD,
    HELD,
    NO_PATTERN,
    NONE,
    OUT,
    PLANES_AT,
    SAID_PRESENT,
    USED_IN_OUTAGE,
)
from pipeline.channels import N_ENERGY, WH_IMP
from pipeline.localtime import DAY_SECS


@kernel
def heed(pages, limits, work, first, total):  # type: ignore[no-untyped-def]
    """Change state, base and said of the gathered positions [0, total) from local day `first` on."""
    planes, outages = work.pad[PLANES_AT], False
    for place in range(said_places(limits, planes)):
        kind = said_kind(pages, limits, planes, place)
        outages = outages or kind == OUTAGE
        if kind in (EDIT, DISCARD):
            at = _position(limits, work, said_start(pages, limits, planes, place), first, total)
            if at >= 0:
                _heed_one(pages, limits, planes, place, kind, work.cells[at])
    if outages:
        for at in range(total):
            _heed_outage(pages, limits, planes, work.cells[at])


@kernel
def _position(limits, work, start, first, total):  # type: ignore[no-untyped-def]
    """Position of the interval from local `start` on, -1: it is not among them."""
    at = 2 * ((start - first * DAY_SECS) // limits.slot_secs)
    for half in range(2):
        if 0 <= at + half < total and work.cells[at + half].state != NONE and work.cells[at + half].start == start:
            return at + half
    return np.int64(-1)


@kernel
def _heed_one(pages, limits, planes, place, kind, position):  # type: ignore[no-untyped-def]
    if kind == DISCARD:
        if position.state != GAP and position.state != BEFORE:
            position.state, position.said = BAD, DISCARDED
        return
    present = said_present(pages, limits, planes, place)
    counts = sent_of(position.cell) == SENT_GOOD or position.state == HELD
    for channel in range(N_ENERGY):
        if (present >> channel) & 1:
            position.base[channel] = said_energy(pages, limits, planes, place, channel)
        else:
            position.base[channel] = position.sent[channel] if counts else 0
    position.state, position.said = EDITED, present << SAID_PRESENT


@kernel
def _heed_outage(pages, limits, planes, position):  # type: ignore[no-untyped-def]
    """What did not come, or cannot be used, is zero in an outage; what came is no pattern for estimates."""
    state, end = position.state, position.start + position.interval
    if state in (GAP, BEFORE, BAD):
        if is_without_supply(pages, limits, planes, position.start, end):
            position.state = OUT
            for channel in range(N_ENERGY):
                position.base[channel] = 0
    elif state == GOOD and lacks_supply(pages, limits, planes, position.start, end):
        position.said |= NO_PATTERN
        # In a part of it there may have been supply.
        if position.sent[WH_IMP] > 0 and is_without_supply(pages, limits, planes, position.start, end):
            position.said |= USED_IN_OUTAGE
