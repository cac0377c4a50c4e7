"""What is published for the closed days of one service point: a function of what was sent and of the registers alone.

It does not look at what was published before, so the order of arrival leaves no trace.
"""

from __future__ import annotations

from agents.vee.jit import kernel
from agents.vee.kernels_estimate import estimate_bases, is_substituted, release_spikes, share_out
from agents.vee.kernels_window import doubt_day, forget_stuck, sum_tolerance_of, tell_changes
from agents.vee.state import AS_SENT, FLAT, MANUAL, MISSING, NO_SUPPLY, ROUNDING, SCALED, SPIKE_SCALED
from agents.vee.work import BEFORE, DISCARDED, EDITED, GAP, GOOD, HELD, NONE, OFFERED, OUT, SPIKE
from pipeline.channels import N_ENERGY


@kernel
def decide(tables, limits, work, total, per_day, spans):  # type: ignore[no-untyped-def]
    """Fill new and fresh of the first `total` positions, and span_scaled."""
    for span in range(spans):
        low, high = work.spans[span].first * per_day, work.spans[span].last * per_day
        _choose(tables, limits, work, span, low, high, per_day)
    estimate_bases(tables, work, total, per_day)
    for span in range(spans):
        low, high = work.spans[span].first * per_day, work.spans[span].last * per_day
        flat = _settle_span(tables, limits, work, span, low, high)
        _encode(work, span, low, high, flat)
    tell_changes(tables, work, total, per_day)


@kernel
def _choose(tables, limits, work, span, low, high, per_day):  # type: ignore[no-untyped-def]
    """Which intervals are substituted: gaps and bad ones always, spikes when the registers do not confirm them."""
    known = work.spans[span].known != 0
    energy, gaps, count = 0, 0, 0
    for at in range(low, high):
        if work.cells[at].state == BEFORE:
            work.cells[at].state = GAP if known else NONE
        if work.cells[at].state in (GOOD, HELD):
            energy += work.cells[at].sent[0]
            count += 1
        elif work.cells[at].state == EDITED:
            energy += work.cells[at].base[0]
        elif work.cells[at].state != NONE:
            gaps += 1
    need = work.spans[span].energy[0] - energy
    if known and need >= 0:
        return
    spikes = 0
    for day in range(low, high, per_day):
        spikes += doubt_day(tables, limits, work, day, day + per_day)
    if known and need + spikes < 0:
        release_spikes(work, low, high)
        forget_stuck(tables, work, low, high)


@kernel
def _settle_span(tables, limits, work, span, low, high):  # type: ignore[no-untyped-def]
    """New energies of a span; returns 1 when wh_imp of its substitutes had to be spread evenly."""
    flat = 0
    for channel in range(N_ENERGY):
        energy, count, good, last = 0, 0, 0, -1
        for at in range(low, high):
            if work.cells[at].state == GOOD:
                energy += work.cells[at].sent[channel]
                good += 1
                last = at
            elif work.cells[at].state in (EDITED, OUT):
                work.cells[at].new[channel] = work.cells[at].base[channel]
                energy += work.cells[at].base[channel]
            elif work.cells[at].state == HELD:
                energy += work.cells[at].sent[channel]
                good += 1
            elif is_substituted(work.cells[at].state):
                work.cells[count].pick, work.cells[count].weight = at, work.cells[at].base[channel]
                work.cells[at].new[channel] = work.cells[at].base[channel]
                count += 1
        if not (work.spans[span].known >> channel) & 1:
            continue
        need = work.spans[span].energy[channel] - energy
        if count and need >= 0:
            spread = share_out(work, count, need, channel)
            flat = spread if channel == 0 else flat
        elif need == 0 or _round(tables, limits, work, span, low, high, channel, need, count, last):
            continue
        elif good + count > 0:
            _scale_all(work, span, low, high, channel)
    return flat


@kernel
def _round(tables, limits, work, span, low, high, channel, need, count, last):  # type: ignore[no-untyped-def]
    """Put a small difference on one interval: what whole watt-hours of a fractional factor lose, or the tolerance.

    Each interval loses less than one watt-hour and each meter's register difference gains less than one, so a span of n
    intervals and d meters lacks at most n + d. The last good interval takes it; the largest gives it.
    """
    if count or last < 0:
        return False
    lost, intervals = False, 0
    for at in range(low, high):
        if work.cells[at].state != NONE:
            intervals += 1
            lost = lost or tables.links[work.cells[at].link].denominator != 1
    rounded = lost and 0 < need <= intervals + work.spans[span].devices
    if not rounded and abs(need) > sum_tolerance_of(tables, limits, work, low, high):
        return False
    taker = last
    if need < 0:
        for at in range(low, high):
            if work.cells[at].state == GOOD and work.cells[at].sent[channel] > work.cells[taker].sent[channel]:
                taker = at
        for at in range(high - 1, low - 1, -1):
            if work.cells[at].state == GOOD and work.cells[at].sent[channel] == work.cells[taker].sent[channel]:
                taker = at
    if work.cells[taker].new[channel] + need < 0:
        return False
    work.cells[taker].new[channel] += need
    work.cells[taker].fresh |= ROUNDING
    return True


@kernel
def _scale_all(work, span, low, high, channel):  # type: ignore[no-untyped-def]
    """Rule V12: the intervals contradict the registers, and the registers are what is billed.

    An edit is not scaled: what it leaves of the registers, if anything, is shared out among the others.
    """
    count, left = 0, work.spans[span].energy[channel]
    for at in range(low, high):
        if work.cells[at].state in (EDITED, OUT):
            left -= work.cells[at].base[channel]
            continue
        if work.cells[at].state == NONE:
            continue
        as_sent = work.cells[at].state in (GOOD, HELD)
        weight = work.cells[at].sent[channel] if as_sent else work.cells[at].base[channel]
        work.cells[count].pick, work.cells[count].weight = at, weight
        count += 1
    share_out(work, count, max(left, 0), channel)
    work.spans[span].scaled |= 1 << channel


@kernel
def _encode(work, span, low, high, flat):  # type: ignore[no-untyped-def]
    """The cells' bytes; _round has already said ROUNDING."""
    known, scaled = work.spans[span].known != 0, work.spans[span].scaled != 0
    for at in range(low, high):
        state, kept = work.cells[at].state, work.cells[at].fresh & ~15
        if state == NONE:
            continue
        if state == HELD:
            work.cells[at].fresh = kept | (SCALED if scaled else AS_SENT)
            continue
        if state == GOOD:
            if scaled:
                work.cells[at].fresh = kept | SCALED
            elif work.cells[at].fresh & 15 != ROUNDING:
                work.cells[at].fresh = kept | AS_SENT
            continue
        if state in (EDITED, OUT):
            work.cells[at].fresh = kept | (MANUAL if state == EDITED else NO_SUPPLY)
            continue
        published, discarded = work.cells[at].method, work.cells[at].said & DISCARDED != 0
        if state == OFFERED and _as_offered(work, at):
            published = AS_SENT
        elif known:
            published = FLAT if flat else (SPIKE_SCALED if state == SPIKE or discarded else SCALED)
        elif published == 0:
            published = MISSING if state == GAP or discarded else AS_SENT
            if published == AS_SENT:
                _restore(work, at)
        work.cells[at].fresh = kept | published


@kernel
def _as_offered(work, at):  # type: ignore[no-untyped-def]
    """The head-end's estimate stands as it is: no register says otherwise, or they say the same."""
    same = True
    for channel in range(N_ENERGY):
        same = same and work.cells[at].new[channel] == work.cells[at].sent[channel]
    return same


@kernel
def _restore(work, at):  # type: ignore[no-untyped-def]
    for channel in range(N_ENERGY):
        work.cells[at].new[channel] = work.cells[at].sent[channel]
