"""Rules of what stands beside the energies of a row, and what rule sets make of all that was found: one pass over
readings, for batches that have anything to be looked at.

Here the rules of a reading that have nothing to do with its energy are found: the meter's clock (V05) and status
(V10), reactive energy (V15), a current without energy (V26), voltages (V27), power factor (V29), channels that lack
(V33). They make the quality of their own channel suspect, never that of the energy. Like V03 they are told with the
row's own reading alone: the window keeps neither status nor voltages. V09 and V37 come here when a rule set has them
told, and no value is refused.

A rule in shadow is told where no other has failed: the reading then has the flag SHADOW, and its word nothing else.
"""

from __future__ import annotations

import numpy as np

from agents.vee.borrow import borrowed
from agents.vee.jit import inlined, kernel
from agents.vee.kernels_limits import row_of
from pipeline.batch import DecodedBatch
from pipeline.channels import CHANNELS, FIRST_PHYSICAL, FIRST_REACTIVE, N_ENERGY, N_REACTIVE, VAH_IMP, WH_EXP, WH_IMP
from pipeline.codes import RULE_BIT, Flag, Kind, Quality
from pipeline.localtime import DAY_SECS

V05, V09, V10, V11, V15 = (1 << RULE_BIT[code] for code in ("V05", "V09", "V10", "V11", "V15"))
V26, V27, V29, V33, V37 = (1 << RULE_BIT[code] for code in ("V26", "V27", "V29", "V33", "V37"))
INVALID, DOUBTFUL = int(Flag.CLOCK_INVALID), int(Flag.CLOCK_DOUBTFUL)
HEAD_END, SHADOW = int(Flag.HEAD_END), int(Flag.SHADOW)
SUSPECT, ACTUAL = int(Quality.SUSPECT), int(Quality.ACTUAL)
BLOCK = int(Kind.BLOCK)
VOLTAGES = 3
"""Phases: their currents stand behind the voltages."""
POWER_FACTOR = next(place for place, channel in enumerate(CHANNELS) if channel.name == "power_factor")
OF_FACTOR = POWER_FACTOR - FIRST_PHYSICAL
LARGEST_FACTOR = 1001
"""Thousandths: one, and a digit for what is rounded."""


def asks_for_rows(decoded: DecodedBatch, measured: int) -> bool:
    """Whether a batch has anything for the rules of rows; few operations a batch, nothing a row of most pushes.

    measured: energy channels (bits) that some model must send.
    """
    if not len(decoded.kind):
        return False
    flags, present = np.bitwise_or.reduce(decoded.flags), np.bitwise_or.reduce(decoded.present)
    if flags & (INVALID | DOUBTFUL) or present >> POWER_FACTOR & 1 or present >> FIRST_REACTIVE & 1:
        return True
    lacking = ~np.bitwise_and.reduce(decoded.present) & np.uint32(measured)
    return bool(lacking and (decoded.present[decoded.kind == BLOCK] & lacking != lacking).any())


@kernel
def judge_rows(readings, tables, offset, present, energy, reactive, physical):  # type: ignore[no-untyped-def]
    """Complete readings READING (n,) in the order of their rows.

    present u4 (rows,), energy, reactive i64 (rows, 4), physical i32 (rows, N_PHYSICAL): of the decoded rows that
    readings say they come from, meter side. offset: local time less UTC, seconds.
    """
    readings, tables = borrowed(readings), borrowed(tables)
    present, energy, reactive, physical = borrowed(present), borrowed(energy), borrowed(reactive), borrowed(physical)
    alone = 0
    for item in range(readings.shape[0]):
        reading = readings[item]
        link = tables.links[reading.link]
        limit = tables.limit_rows[row_of(tables, link, (reading.interval_start + offset) // DAY_SECS)]
        source, found = np.int64(reading.source), np.int64(reading.rules)
        # Of a test every revision tells it: it is of the day, not of the row.
        found |= V11 if limit.testing else 0
        if source >= 0:
            found |= _of_status(reading, link, limit, present[source])
            found |= _of_power(reading, limit, energy, reactive, physical, source, present[source])
            before = alone if item > 0 and _follows(readings[item - 1], reading) else 0
            alone = _alone(energy, reactive, source, present[source], before)
            if alone >= limit.reactive_intervals:
                found |= V15
                if alone == limit.reactive_intervals:
                    _doubt_reactive(readings, tables, offset, item - alone + 1, item)
        else:
            alone = 0
        if limit.told_percent and _is_beyond(reading, link, limit.told_percent):
            found |= V09
        _finish(reading, limit, found)


@inlined
def _of_status(reading, link, limit, present):  # type: ignore[no-untyped-def]
    """V05, V10, V33 and, where it is told, V37."""
    found, flags = 0, np.int64(reading.flags)
    if flags & DOUBTFUL:
        found |= V05
    if flags & INVALID:
        found |= V10
    if np.int64(present) & link.measured != link.measured and not flags & HEAD_END:
        found |= V33
    if flags & limit.told_doubted:
        found |= V37
    return found


@kernel
def _of_power(reading, limit, energy, reactive, physical, source, present):  # type: ignore[no-untyped-def]
    """V15 of one interval, V26, V27, V29."""
    found = _of_supply(limit, energy, physical, source, np.int64(present))
    wh, vah, has = energy[source, WH_IMP], energy[source, VAH_IMP], np.int64(present)
    if has >> FIRST_REACTIVE & 1:
        varh, square = np.float64(reactive[source, 0]), limit.factor_percent * limit.factor_percent
        if wh > 0 and varh > 0 and varh * varh * square > np.float64(wh) * np.float64(wh) * (10_000 - square):
            found |= V15
    if limit.voltage_most:
        for phase in range(VOLTAGES):
            voltage = np.int64(physical[source, phase])
            there = has >> (FIRST_PHYSICAL + phase) & 1
            # Without supply there is no voltage to be judged.
            if there and (voltage != 0 or wh != 0) and not limit.voltage_low <= voltage <= limit.voltage_high:
                found |= V27
                if (voltage < 0 or voltage > limit.voltage_most) and limit.doubts & V27:
                    _suspect(reading, FIRST_PHYSICAL + phase)
    if has >> POWER_FACTOR & 1:
        factor, tolerance = abs(np.int64(physical[source, OF_FACTOR])), limit.factor_permille
        digits = vah >= 1000 // max(tolerance, 1)
        if factor > LARGEST_FACTOR or (digits and abs(factor * vah - abs(wh) * 1000) > tolerance * vah):
            found |= V29
            if limit.doubts & V29:
                _suspect(reading, POWER_FACTOR)
    return found


@inlined
def _of_supply(limit, energy, physical, source, has):  # type: ignore[no-untyped-def]
    """V26: no energy flows in or out though a phase has voltage and current."""
    found = 0
    # Where the meter does not say what flows out, a current may be that.
    if limit.supply_mv and has >> WH_EXP & 1 and energy[source, WH_IMP] == 0 and energy[source, WH_EXP] == 0:
        for phase in range(VOLTAGES):
            both = has >> (FIRST_PHYSICAL + phase) & has >> (FIRST_PHYSICAL + VOLTAGES + phase) & 1
            supplied = physical[source, phase] > limit.supply_mv
            if both and supplied and physical[source, VOLTAGES + phase] > limit.supply_ma:
                found = V26
    return found


@inlined
def _follows(before, reading):  # type: ignore[no-untyped-def]
    """The next interval of the same frame. Where frames end and batches are cut must leave no trace."""
    end = before.interval_start + np.int64(before.interval_secs)
    return before.frame == reading.frame and end == reading.interval_start


@inlined
def _alone(energy, reactive, source, present, before):  # type: ignore[no-untyped-def]
    """How many intervals of this frame up to this one have reactive energy, and no active."""
    has = np.int64(present) >> FIRST_REACTIVE & 1
    return before + 1 if has and energy[source, WH_IMP] == 0 and reactive[source, 0] > 0 else 0


@kernel
def _doubt_reactive(readings, tables, offset, first, after):  # type: ignore[no-untyped-def]
    """V15 of the intervals [first, after) too, with which the row began."""
    for item in range(first, after):
        reading = readings[item]
        link = tables.links[reading.link]
        limit = tables.limit_rows[row_of(tables, link, (reading.interval_start + offset) // DAY_SECS)]
        _finish(reading, limit, np.int64(reading.rules) | V15)


@inlined
def _suspect(reading, channel):  # type: ignore[no-untyped-def]
    """The quality of a channel that is there."""
    shift = np.uint64(4 * channel)
    if reading.quality >> shift & np.uint64(15):
        kept = reading.quality & ~(np.uint64(15) << shift)
        reading.quality = kept | np.uint64(SUSPECT) << shift


@kernel
def _is_beyond(reading, link, percent):  # type: ignore[no-untyped-def]
    """V09 of a value that stands as it was sent, billed."""
    if reading.method or reading.quality & np.uint64(15) != ACTUAL or link.limit == 0:
        return False
    most = link.limit * percent // 100 * np.int64(link.numerator) // np.int64(link.denominator)
    beyond = False
    for channel in range(N_ENERGY):
        beyond = beyond or reading.energy[channel] > most
    return beyond


@kernel
def _finish(reading, limit, found):  # type: ignore[no-untyped-def]
    """What is told of what was found: rules that are off are not, rules in shadow where no other has failed."""
    found &= ~limit.off
    counts = found & ~limit.shadow
    if found and counts == 0:
        reading.rules = np.uint32(found)
        reading.flags = np.uint16(reading.flags | SHADOW)
        return
    reading.rules, reading.flags = np.uint32(counts), np.uint16(np.int64(reading.flags) & ~SHADOW)
    if counts & V15 & limit.doubts:
        for channel in range(FIRST_REACTIVE, FIRST_REACTIVE + N_REACTIVE):
            _suspect(reading, channel)
