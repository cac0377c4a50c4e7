"""V28: the maximum demand that a meter tells against the largest interval of a day.

Momentary values and billing rows have the maximum since the last reset and when it was. A maximum of a day up to `day`,
told behind that day, covers what came after it: had it been reset since, its time would be later. So no interval of
`day` can be larger; and where the maximum is of that very day and is integrated over an interval, the largest interval
is it. Only days that leave the hot window are judged, and only where `demand_secs` says so, since the state is for
every meter.
"""

from __future__ import annotations

import numpy as np

from agents.exceptions.figures import FIGURED
from agents.usage.config import UsageConfig
from agents.usage.kernels import OPEN
from agents.usage.kernels_code import LARGEST_CODE, code_of, figure_of
from agents.usage.limits import Prepared
from agents.usage.state import DEMAND
from pipeline.batch import ReadingBatch
from pipeline.channels import SNAPSHOT_INDEX
from pipeline.codes import Flag
from pipeline.columns import Array
from pipeline.jit import kernel
from pipeline.localtime import DAY_SECS
from pipeline.rules import RULE_BIT
from pipeline.state import StateStore, mark

V28 = RULE_BIT["V28"]
MAXIMUM, MAXIMUM_AT = SNAPSHOT_INDEX["demand_w"], SNAPSHOT_INDEX["demand_w_time"]
THOUSAND = 1000
ACTUAL = 0
"""Place of `day_counts`."""


def see_demands(batch: ReadingBatch, store: StateStore, offset_secs: int) -> None:
    """Take maxima of momentary values into the state of their points."""
    both = np.uint32(1 << MAXIMUM | 1 << MAXIMUM_AT)
    there = batch.snapshot_present & both == both
    rows = np.flatnonzero(there & (batch.snapshot_flags & np.uint16(Flag.CLOCK_INVALID) == 0))
    if not len(rows):
        return
    points = np.ascontiguousarray(batch.snapshot_service_point[rows])
    slots, area = store.locate(points, points), store.areas["demands"]
    days = (batch.snapshot[rows, MAXIMUM_AT] + offset_secs) // DAY_SECS
    heard = (batch.snapshot_time[rows] + offset_secs) // DAY_SECS
    note_demands(
        slots, np.ascontiguousarray(batch.snapshot[rows, MAXIMUM]), days, heard, area.flat[0], area.marks, area.dirty,
        store.capacity,
    )  # fmt: skip


@kernel
def note_demands(slots, watts, days, heard, demands, changed, dirty, capacity):  # type: ignore[no-untyped-def]
    """Keep maxima i64 (n,) W of local days i64 (n,), told on days `heard`, unless a later day has told another."""
    for item in range(slots.shape[0]):
        record = demands[slots[item]]
        day, told = days[item], heard[item]
        if watts[item] <= 0 or told < np.int64(record.heard) or not 0 < day <= told or told > LARGEST_CODE:
            continue
        code = code_of(watts[item])
        if code != np.int64(record.code) or day != np.int64(record.day) or told != np.int64(record.heard):
            record.code, record.day, record.heard = np.uint16(code), np.uint16(day), np.uint16(told)
            mark(changed, dirty, 0, slots[item], capacity)


@kernel
def figures_of(codes, out):  # type: ignore[no-untyped-def]
    """out i64 (n,): figures of codes i64 (n,)."""
    for item in range(codes.shape[0]):
        out[item] = figure_of(codes[item])


def judge_demands(
    items: Array, slots: Array, batch: ReadingBatch, store: StateStore, prepared: Prepared, config: UsageConfig
) -> Array:
    """FIGURED (n,) of final days ITEM (n,) at slots i64 (n,) whose largest interval does not fit the maximum."""
    told: Array = store.areas["demands"].flat[0][slots].astype(DEMAND)
    day, link = items["day"], batch.day_link[items["row"]].astype(np.int64)
    judged = (told["heard"] > day) & (told["day"] <= day) & (told["code"] > 0) & (items["peak"] > 0)
    chosen = np.flatnonzero(judged & (link < len(prepared.interval_secs)))
    items, told, link = items[chosen], told[chosen], link[chosen]
    maximum, block = np.empty(len(chosen), np.int64), np.empty(len(chosen), np.int64)
    figures_of(told["code"].astype(np.int64), maximum)
    figures_of(np.ascontiguousarray(items["peak"]), block)
    maximum = maximum * prepared.numerator[link] // prepared.denominator[link]
    limits = prepared.limits[items["limits"]]
    share = THOUSAND + limits["demand_tolerance_permille"]
    counts = batch.day_counts[items["row"]].astype(np.int64)
    whole = (counts.sum(axis=1) == counts[:, ACTUAL]) & (told["day"] == items["day"])
    same = whole & (prepared.interval_secs[link] == config.demand_secs)
    wrong = (block * THOUSAND > maximum * share) | (same & (maximum * THOUSAND > block * share))
    wrong &= limits["rules"] >> config.place_of("V28") & 1 != 0
    made = np.zeros(int(wrong.sum()), FIGURED)
    made["row"], made["bit"], made["state"], made["wh"] = items["row"][wrong], V28, OPEN, -1
    made["first"] = made["last"] = items["day"][wrong]
    made["found"], made["expected"] = maximum[wrong], block[wrong]
    return made
