"""Scratch for settling one service point: made once a tick, used for every point."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from agents.vee.state import ALL_PLANES, Limits
from pipeline.channels import N_ENERGY
from pipeline.columns import Array

# What an interval is to its settlement.
NONE = 0  # no meter stood there
GOOD = 1  # sent, and good by itself
BAD = 2  # sent, and not to be used
GAP = 3  # not sent
SPIKE = 4  # sent, and taken for a spike
BEFORE = 5  # not sent, and older than the log: a gap only when registers say what was used
OFFERED = 6  # estimated by its head-end, or put together from cut rows: a substitute to begin with
EDITED = 7  # a person said its energies: `base`
OUT = 8  # nothing was used: an outage

# What is said of an interval: bits of `said`, and from SAID_PRESENT on the energies that an edit says.
DISCARDED, NO_PATTERN, USED_IN_OUTAGE = 1, 2, 4
SAID_PRESENT = 8
HELD = 9  # sent, suspect, and in force all the same: so a rule set has it

CELL = np.dtype(
    [
        ("start", "<i8"),  # local seconds
        ("interval", "<i8"),
        ("link", "<i8"),
        ("state", "<i8"),  # above
        ("cell", "<i8"),  # byte in the ring before
        ("fresh", "<i8"),  # and after
        ("method", "<i8"),  # of the base estimate
        ("said", "<i8"),  # bits: DISCARDED, NO_PATTERN (an outage fell into it), USED_IN_OUTAGE, energies of an edit
        ("sent", "<i8", (N_ENERGY,)),
        ("published", "<i8", (N_ENERGY,)),  # before
        ("base", "<i8", (N_ENERGY,)),  # estimate before scaling
        ("new", "<i8", (N_ENERGY,)),  # published after
        ("pick", "<i8"),  # lists of `share_out`: positions, weights, remainders
        ("weight", "<i8"),
        ("remainder", "<i8"),
        ("limits", "<i8"),  # row of the table of limits
        ("linear", "<i8"),  # longest gap that a line fills there, seconds
        ("gap", "<i8"),  # seconds of the gap in the closed days that it is estimated in; 0: it is not
        ("told", "<i8"),  # rules (bits) that the day found here beside those of `fresh`
    ]
)
"""An interval of the closed days; its position is ((day x places of a day) + place) x 2 + half."""

SPAN = np.dtype(
    [
        ("first", "<i8"),  # days counted from the first closed one
        ("last", "<i8"),  # and the day after
        ("known", "<i8"),  # channels (bits) whose registers are known at both ends
        ("scaled", "<i8"),  # channels (bits) whose intervals were all scaled
        ("devices", "<i8"),
        ("energy", "<i8", (N_ENERGY,)),  # of the registers, billed
        ("of_day", "<i8"),  # by day: its span
        ("opens", "<i8"),  # by day: a span may begin at its midnight
        ("closes", "<i8"),  # by day: a span may end at its midnight
    ]
)

SUMS = np.dtype(
    [
        ("good", "<i8"),  # intervals that are as they were sent, and good
        ("early", "<i8"),  # intervals that came though they are older than the log
        ("third", "<i8"),  # third largest wh_imp, -1: there are fewer
        ("second", "<i8"),
        ("energy", "<i8", (N_ENERGY,)),
        ("peak", "<i8", (2,)),  # largest wh_imp and vah_imp
        ("peak_at", "<i8", (2,)),  # and the place of the day where it lies first
    ]
)
"""A day of one slot, over its good intervals."""

BLOCK_SLOTS = 64
"""Slots that are summed together; capacities of pages are multiples of it."""

MOST_LINKS = 64
"""Meters of one service point within the hot window."""

# Rows of `pad`.
PLANES_AT, OPENING, CLOSING, SCRATCH, COUNTS = range(5)
PAD_WIDTH = ALL_PLANES

# Places in pad[COUNTS].
LINK_COUNT, FIRST_DAY, CARRIED_DAYS, WANTED = range(4)

# Rows of `lines`, a number for each interval of a plain meter's closed days. Those of the four energies follow each
# other; of an interval that did not come SENT is 0. From ODD on these are lists, each day's from its first position on:
# ODD what is not simply good as it was sent, PICK what of it is substituted.
SENT_LINE, NEW_LINE, OLD_LINE = 0, N_ENERGY, 2 * N_ENERGY
STATE_LINE, CELL_LINE, WORD_LINE, FRESH_LINE, METHOD_LINE, CHANGED_LINE = range(12, 18)
ODD_LINE, PICK_LINE, WEIGHT_LINE, REMAINDER_LINE = range(18, 22)
GAP_LINE = 22  # as in CELL
LINES = 23

# Places in `facts` of a day. REGISTER: at the midnight before it, of the meter if DEVICE; KNOWN, ENERGY: channels
# (bits) and energies that registers say; SUM: of its good intervals; ODD, COUNT: how many its lists ODD and PICK have.
REGISTER, ENERGY, SUM = 0, N_ENERGY, 2 * N_ENERGY
DEVICE, KNOWN, ODD, COUNT = range(12, 16)
FACTS = 16

MOST_WANTED = 4096
"""Points that lack planes and are noted before a settlement stops to have them granted."""


class Work(NamedTuple):
    """cells CELL (positions,); spans SPAN (days + 1,); links i64: rows of the point's links.

    pad: planes of the point, registers, scratch; COUNTS: how many links, first closed day (local), and how many days
    before that day its opening register was read (0: at its midnight), how many points are in wanted. block: SUMS
    (BLOCK_SLOTS,). lines i64 (LINES, intervals), facts i64 (days + 1, FACTS): see above. wanted i64 (MOST_WANTED, 2):
    slots that lack planes, and which (bits).
    """

    cells: Array
    spans: Array
    links: Array
    pad: Array
    block: Array
    lines: Array
    facts: Array
    wanted: Array


def make_work(limits: Limits) -> Work:
    """Room for the closed days of a window."""
    positions = limits.hot_days * 2 * (86_400 // limits.slot_secs)
    return Work(
        np.zeros(positions, CELL),
        np.zeros(limits.hot_days + 1, SPAN),
        np.zeros(MOST_LINKS, np.int64),
        np.zeros((5, PAD_WIDTH), np.int64),
        np.zeros(BLOCK_SLOTS, SUMS),
        np.zeros((LINES, positions // 2), np.int64),
        np.zeros((limits.hot_days + 1, FACTS), np.int64),
        np.zeros((MOST_WANTED, 2), np.int64),
    )
