"""A settled day into the ring, into readings where they changed, and into its settlement row."""

from __future__ import annotations

import numpy as np

from agents.vee.jit import kernel
from agents.vee.kernels_cells import (
    ACTUAL,
    EDITED,
    ESTIMATED,
    LACKING,
    day_bit,
    energy_quality,
    half_of,
    is_amended,
    method_of,
    quality_of,
    sent_of,
    slice_of,
)
from agents.vee.kernels_links import remarks
from agents.vee.kernels_order import expected_of_settled
from agents.vee.kernels_registers import day_registers
from agents.vee.kernels_said import DISCARDED as FLAG_DISCARDED
from agents.vee.kernels_said import rules_said
from agents.vee.kernels_window import day_told, is_named_anew, named
from agents.vee.kernels_words import GOOD_AS_SENT, write_cell, write_energies
from agents.vee.output import DAYS, READINGS
from agents.vee.state import AMENDED, EMPTY, NOTHING
from agents.vee.work import (
    BAD,
    CARRIED_DAYS,
    CLOSING,
    COUNTS,
    DISCARDED,
    HELD,
    NO_PATTERN,
    NONE,
    OPENING,
    OUT,
    PLANES_AT,
    SAID_PRESENT,
    SPIKE,
    USED_IN_OUTAGE,
)
from agents.vee.work import EDITED as SAID_SO
from agents.vee.work import GOOD as USED
from pipeline.channels import N_ENERGY
from pipeline.codes import RULE_BIT
from pipeline.localtime import DAY_SECS

SCALED_TO_REGISTERS, SEVERAL_DAYS, OUTAGE_IN_DAY = 4, 8, 256
USE_IN_OUTAGE, USE_IN_OUTAGE_SHADOW = 512, 1024
"""V26: energy came in an interval that lies wholly in an outage; the rule is in shadow."""
COUNT_ESTIMATED = 1
V26 = 1 << RULE_BIT["V26"]


@kernel
def store_day(  # type: ignore[no-untyped-def]
    pages, tables, limits, revision, slot, day, low, per_day, scaled, work, readings, cursor
):
    """Store the cells of local `day`, positions [low, low + per_day); publish those that changed; whether any did."""
    record = pages.hot[slot]
    shift = np.uint32(4 * (day & 7))
    before = np.int64((record.scaled >> shift) & np.uint32(15))
    changed, fragile = False, False
    for at in range(low, low + per_day):
        position = work.cells[at]
        if position.state == NONE:
            continue
        fragile = fragile or position.state != USED
        if _differs(position, before, scaled) or is_named_anew(tables, position, record.dirty & day_bit(day)):
            changed = True
            store_position(pages, tables, limits, revision, before, scaled, work, position, readings, cursor)
    record.scaled = np.uint32((record.scaled & ~(np.uint32(15) << shift)) | (np.uint32(scaled) << shift))
    bit = day_bit(day)
    record.fragile = np.uint8(record.fragile | bit if fragile else record.fragile & ~bit)
    return changed


@kernel
def store_position(pages, tables, limits, revision, before, scaled, work, position, readings, cursor):  # type: ignore[no-untyped-def]
    """Store and publish one that changed."""
    _store(pages, limits, work, position)
    _publish(tables, limits, revision, before, scaled, position, readings[cursor[READINGS]])
    cursor[READINGS] += 1


@kernel
def _differs(position, before, scaled):  # type: ignore[no-untyped-def]
    if position.fresh != position.cell or (before != scaled and position.state == USED):
        return True
    differs = False
    for channel in range(N_ENERGY):
        differs = differs or position.new[channel] != position.published[channel]
    return differs


@kernel
def _store(pages, limits, work, position):  # type: ignore[no-untyped-def]
    half = half_of(limits, position.start, position.interval)
    slice_ = slice_of(limits, position.start)
    cell, planes = position.fresh, work.pad[PLANES_AT]
    if sent_of(cell) == NOTHING:
        write_energies(pages, planes, half, slice_, cell, position.new)
        return
    if is_amended(cell):
        write_energies(pages, planes, half | AMENDED, slice_, GOOD_AS_SENT, position.new)
    if cell != position.cell:
        write_cell(pages, planes, half, slice_, cell)


@kernel
def _publish(tables, limits, revision, before, scaled, position, reading):  # type: ignore[no-untyped-def]
    cell, old, link = position.fresh, position.cell, tables.links[position.link]
    reading.replaces = np.uint8(1 if old & 15 != EMPTY else 0)
    reading.prior_quality = np.uint8(quality_of(old, before, 0))
    for channel in range(N_ENERGY):
        reading.prior_energy[channel] = position.published[channel]
        reading.energy[channel] = position.new[channel]
    epoch = position.start - limits.offset
    reading.service_point, reading.device, reading.link = link.point, link.device, np.uint32(position.link)
    reading.interval_start, reading.interval_secs = epoch, np.uint32(position.interval)
    reading.revision, reading.frame, reading.source = revision, np.int32(-1), np.int32(-1)
    reading.method = np.uint8(method_of(cell))
    discarded = position.said & DISCARDED != 0
    reading.flags = np.uint16(FLAG_DISCARDED if discarded else 0)
    reading.rules = np.uint32(
        named(rules_said(cell, discarded), position) | remarks(tables, link.point, epoch, cell, position.new)
    )
    reading.quality = energy_quality(cell, scaled, link.present | position.said >> SAID_PRESENT)
    reading.expected_error = np.uint16(expected_of_settled(tables, position, quality_of(cell, scaled, 0)))


@kernel
def write_day(  # type: ignore[no-untyped-def]
    pages, tables, limits, revision, slot, first, day, per_day, state, work, days_out, cursor
):
    """The settlement row of day `first + day`, unless no meter stood there; whether there is one."""
    bits, row = day_registers(pages, tables, limits, slot, work, first + day)
    if row < 0:
        return False
    out, span = days_out[cursor[DAYS]], work.spans[work.spans[day].of_day]
    out.service_point, out.link = pages.keys[slot], np.uint32(row)
    out.start = (first + day) * DAY_SECS - limits.offset
    out.revision, out.state = revision, np.uint8(state)
    _sum_day(work, day * per_day, per_day, span.scaled, out)
    _demand(limits, work, day * per_day, per_day, span.scaled, out)
    carried = span.first == 0 and work.pad[COUNTS, CARRIED_DAYS]
    if span.known and (carried or span.last - span.first > 1):
        bits |= SEVERAL_DAYS
    if span.known and out.counts[COUNT_ESTIMATED]:
        bits |= SCALED_TO_REGISTERS
    bits |= day_told(work, day * per_day, per_day)
    if _knew_outage(work, day * per_day, per_day):
        bits |= OUTAGE_IN_DAY | _used_in_outage(tables, work, day * per_day, per_day)
    out.registers = np.uint16(bits)
    for channel in range(N_ENERGY):
        out.opening[channel], out.closing[channel] = work.pad[OPENING, channel], work.pad[CLOSING, channel]
        energy, left = np.int64(0), np.int64(0)
        if (span.known >> channel) & 1 and not bits & SEVERAL_DAYS:
            energy = span.energy[channel]
            left = energy - out.actual[channel] - out.estimated[channel]
        out.register_energy[channel], out.unexplained[channel] = energy, left
    cursor[DAYS] += 1
    return True


@kernel
def _knew_outage(work, low, per_day):  # type: ignore[no-untyped-def]
    for at in range(low, low + per_day):
        position = work.cells[at]
        if position.state == OUT or (position.state != NONE and position.said & NO_PATTERN):
            return True
    return False


@kernel
def _used_in_outage(tables, work, low, per_day):  # type: ignore[no-untyped-def]
    """V26 of a day, as bits of its settlement row; readings stay as they are, as for V14 that is told."""
    bits = 0
    for at in range(low, low + per_day):
        position = work.cells[at]
        if position.state == USED and position.said & USED_IN_OUTAGE:
            limit = tables.limit_rows[position.limits]
            if limit.shadow & V26:
                bits |= USE_IN_OUTAGE_SHADOW
            elif not limit.off & V26:
                bits |= USE_IN_OUTAGE
    return bits


@kernel
def _sum_day(work, low, per_day, scaled, out):  # type: ignore[no-untyped-def]
    """Sums, and counts by the quality of wh_imp; an edit counts as actual."""
    for channel in range(N_ENERGY):
        out.actual[channel], out.estimated[channel], out.suspect[channel] = 0, 0, 0
        out.counts[channel] = np.uint16(0)
    for at in range(low, low + per_day):
        position = work.cells[at]
        if position.state == NONE:
            continue
        for channel in range(N_ENERGY):
            quality = quality_of(position.fresh, scaled, channel)
            if quality in (ACTUAL, EDITED):
                out.actual[channel] += position.new[channel]
            elif quality == ESTIMATED:
                out.estimated[channel] += position.new[channel]
            if position.state in (BAD, SPIKE, HELD):
                out.suspect[channel] += position.sent[channel]
        quality = quality_of(position.fresh, scaled, 0)
        item = 0 if quality in (ACTUAL, EDITED) else (1 if quality == ESTIMATED else (2 if quality == LACKING else 3))
        out.counts[item] += np.uint16(1)


@kernel
def _demand(limits, work, low, per_day, scaled, out):  # type: ignore[no-untyped-def]
    """Largest actual interval of wh_imp and vah_imp, as the meter sent it, or as edited; of equals the first."""
    for channel in range(2):
        out.demand[channel], out.demand_start[channel] = 0, 0
        for at in range(low, low + per_day):
            position = work.cells[at]
            said = position.state == SAID_SO
            if said or (position.state == USED and quality_of(position.fresh, scaled, channel) == ACTUAL):
                energy = position.new[channel] if said else position.sent[channel]
                if out.demand_start[channel] == 0 or energy > out.demand[channel]:
                    out.demand[channel] = energy
                    out.demand_start[channel] = position.start - limits.offset
