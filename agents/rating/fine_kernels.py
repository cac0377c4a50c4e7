"""Kernels of rating: intervals into parts, and figures of days and months out of them."""

from __future__ import annotations

import numpy as np

from agents.rating.calendar import QUARTERS, day_of, month_first, month_of
from agents.rating.fine_state import (
    ACTUAL_VAH_BIT,
    ACTUAL_WH_BIT,
    DEMAND_VA_AT,
    DEMAND_W_AT,
    EXPORT,
    EXPORT_AT,
    FIGURES,
    HALF,
    IMPORT,
    INTERVAL_PARTS,
    LACKS_DEMAND,
    LACKS_SHIFT,
    LAG_AT,
    LAST_TIME,
    LEAD_AT,
    MONTH_MASK,
    OUTAGE_BIT,
    OUTAGE_MINUTES_AT,
    OUTAGES_AT,
    PART_WORDS,
    REACTIVE,
    SAID_PARTS,
    SUMS,
    TIME_BITS,
    VAH_AT,
    VAH_BITS,
    WH_AT,
    WH_BITS,
    WINDOW_AT,
    Ask,
)
from agents.rating.fine_words import (
    begin_part,
    bit_of,
    mark_months,
    month_place,
    part_of,
    put_said,
    said_word,
    set_word,
    signed,
    tag_of,
    word_of,
)
from agents.rating.rows import DAY_KIND
from pipeline.channels import VAH_IMP, WH_EXP, WH_IMP
from pipeline.jit import inlined, kernel, peek8, poke8
from pipeline.localtime import DAY_SECS
from schemas.quantities import TIME_ZONES

HOUR_SECS, MINUTE_SECS = 3600, 60
ASKS_APPARENT, ASKS_EXPORT = int(Ask.APPARENT), int(Ask.EXPORT)


@kernel
def _close(state, slice_, said):  # type: ignore[no-untyped-def]
    """Put a day that leaves the window into its month."""
    month = month_of(tag_of(state, slice_, said[0]))
    octets = state.months.octets
    head = peek8(octets, month_place(said, month, 0))
    if said_word(state, slice_, said, 0) != 0 and head & MONTH_MASK <= month:
        fresh = head & MONTH_MASK < month
        poke8(octets, month_place(said, month, 0), month if fresh else head)
        for place in range(FIGURES):
            at = month_place(said, month, place + 1)
            held, value = np.int64(0) if fresh else peek8(octets, at), said_word(state, slice_, said, place + 1)
            poke8(octets, at, held + value if place < SUMS else max(held, value))
        mark_months(state, said)
    for part in range(SAID_PARTS):
        begin_part(state, slice_, said[part], np.int64(0))


@kernel
def _begin_day(state, said, day):  # type: ignore[no-untyped-def]
    """Slide the window to `day`, the earlier day first; False when it has left the window."""
    slices = state.days.rows.shape[0]
    slice_ = day % slices
    if tag_of(state, slice_, said[0]) >= day:
        return tag_of(state, slice_, said[0]) == day
    while True:
        oldest, found = np.int64(-1), day
        for other in range(slices):
            tag = tag_of(state, other, said[0])
            if 0 < tag <= day - slices and tag < found:
                oldest, found = np.int64(other), tag
        if oldest < 0:
            break
        _close(state, oldest, said)
    for part in range(SAID_PARTS):
        begin_part(state, slice_, said[part], day)
    return True


@kernel
def keep_intervals(said, slots, start, place, words, state):  # type: ignore[no-untyped-def]
    """Keep n intervals, each in the stead of what was kept of it.

    said i64 (n, SAID_PARTS), slots i64 (n, 3): parts of the point, and those of its import, export and reactive energy,
    -1 for none; start i64 (n,) epoch s; place i64 (n,) as `places_of`; words i64 (n, 3); state: tables.State.
    """
    for row in range(start.shape[0]):
        day = day_of(start[row], state.offset)
        if _begin_day(state, said[row], day):
            for kind in range(3):
                if slots[row, kind] >= 0:
                    slice_ = day % state.days.rows.shape[0]
                    begin_part(state, slice_, slots[row, kind], day)
                    set_word(state, slice_, slots[row, kind], place[row] % PART_WORDS, words[row, kind])


@kernel
def _reckon(state, said, point, day, secs, zones, window, figures, dark):  # type: ignore[no-untyped-def]
    """figures i64 (FIGURES,): those of a day. zones u1 (96,): zone of each quarter hour; window u1 (96,): as
    `figures_of`; dark i64 (96,): scratch."""
    slice_ = day % state.days.rows.shape[0]
    begin = (day - month_first(month_of(day))) * QUARTERS
    for place in range(FIGURES):
        figures[place] = 0
    for quarter in range(QUARTERS):
        dark[quarter] = -1
    for part in range(INTERVAL_PARTS):
        for kind in (IMPORT, EXPORT, REACTIVE):
            slot = part_of(state, said[0], point, kind + part)
            if slot < 0 or tag_of(state, slice_, slot) != day:
                continue
            for place in range(part * PART_WORDS, (part + 1) * PART_WORDS):
                word = word_of(state, slice_, slot, place % PART_WORDS)
                quarter = place % HALF * 2 + place // HALF
                zone = np.int64(zones[quarter])
                low, high = signed(word, 0, WH_BITS), signed(word, WH_BITS, VAH_BITS)
                if kind == EXPORT:
                    figures[EXPORT_AT + zone] += low
                elif kind == REACTIVE:
                    figures[LAG_AT] += low
                    figures[LEAD_AT] += high
                elif word != 0:
                    dark[quarter] = bit_of(word, OUTAGE_BIT)
                    figures[WH_AT + zone] += low
                    figures[VAH_AT + zone] += high
                    time = LAST_TIME - (begin + quarter)
                    if bit_of(word, ACTUAL_WH_BIT):
                        _raise(figures, DEMAND_W_AT, zone, low, secs, time, window[quarter] == 1)
                    if bit_of(word, ACTUAL_VAH_BIT):
                        _raise(figures, DEMAND_VA_AT, zone, high, secs, time, window[quarter] == 2)
    _count_outages(figures, dark, secs)


@kernel
def _raise(figures, first, zone, energy, secs, time, windowed):  # type: ignore[no-untyped-def]
    """Let a mean power count towards its zone, and the window's largest where it is in that and of its unit."""
    packed = (max(energy, np.int64(0)) * HOUR_SECS // secs) << np.int64(TIME_BITS) | time
    figures[first + zone] = max(figures[first + zone], packed)
    if windowed:
        figures[WINDOW_AT] = max(figures[WINDOW_AT], packed)


@kernel
def _count_outages(figures, dark, secs):  # type: ignore[no-untyped-def]
    before = np.int64(0)
    for quarter in range(QUARTERS):
        if dark[quarter] >= 0:
            if dark[quarter] == 1:
                figures[OUTAGE_MINUTES_AT] += secs // MINUTE_SECS
                figures[OUTAGES_AT] += 1 - before
            before = dark[quarter]


@kernel
def _month(state, said, month, figures):  # type: ignore[no-untyped-def]
    """figures i64 (FIGURES,): closed days of a month, and its days in the window of which something was said. Returns
    what the month lacks."""
    octets = state.months.octets
    head = peek8(octets, month_place(said, month, 0))
    kept = head & MONTH_MASK == month
    for place in range(FIGURES):
        figures[place] = peek8(octets, month_place(said, month, place + 1)) if kept else np.int64(0)
    for slice_ in range(state.days.rows.shape[0]):
        day = tag_of(state, slice_, said[0])
        if month_first(month) <= day < month_first(month + 1) and said_word(state, slice_, said, 0) != 0:
            for place in range(FIGURES):
                value = said_word(state, slice_, said, place + 1)
                figures[place] = figures[place] + value if place < SUMS else max(figures[place], value)
    return head >> np.int64(LACKS_SHIFT) if kept else np.int64(0)


@inlined
def _makes_up(figures, row, asks):  # type: ignore[no-untyped-def]
    """Whether the zones are the determinant's energy, of all energies that the tariff asks for by zone."""
    energy, apparent, export = np.int64(0), np.int64(0), np.int64(0)
    for zone in range(TIME_ZONES):
        energy += figures[WH_AT + zone]
        apparent += figures[VAH_AT + zone]
        export += figures[EXPORT_AT + zone]
    return (
        energy == row.energy[WH_IMP]
        and (not asks & ASKS_APPARENT or apparent == row.energy[VAH_IMP])
        and (not asks & ASKS_EXPORT or export == row.energy[WH_EXP])
    )


@kernel
def figures_of(rows, said, table, zones, windows, asks, version, state, figures, delta, lacks, known, moved, dark):  # type: ignore[no-untyped-def]
    """Figures of n determinants, days before their month as `settle` writes them; what is said of days is kept.

    rows ROW (n,); said i64 (n, SAID_PARTS) slots; zones u1 (tables, 96), of which row n uses table[n] i64; windows u1
    (versions, 96), of which it uses version[n]: 1 where W and 2 where VA count; asks i64 (versions,) Ask; state:
    tables.State. Out: figures i64 (n, FIGURES), delta i64 (n, SUMS), lacks i64 (n,), known u1 (n,): 1 where they make
    up the determinant's energies. Scratch: moved i64 (SUMS,), dark i64 (96,).
    """
    for item in range(rows.shape[0]):
        row, own = rows[item], figures[item]
        if item == 0 or rows[item - 1].service_point != row.service_point or rows[item - 1].kind != DAY_KIND:
            for place in range(SUMS):
                moved[place] = 0
        if row.kind == DAY_KIND:
            day = day_of(row.period_start, state.offset)
            point, secs = np.uint64(row.service_point), DAY_SECS // max(row.intervals_expected, np.int64(1))
            if not _begin_day(state, said[item], day):
                known[item] = 0
                continue
            _reckon(state, said[item], point, day, secs, zones[table[item]], windows[version[item]], own, dark)
            slice_ = day % state.days.rows.shape[0]
            for place in range(FIGURES):
                before = said_word(state, slice_, said[item], place + 1)
                if place < SUMS:
                    delta[item, place] = own[place] - before
                    moved[place] += delta[item, place]
                put_said(state, slice_, said[item], place + 1, own[place])
            put_said(state, slice_, said[item], np.int64(0), np.int64(1))
        else:
            lacks[item] = _month(state, said[item], row.month, own)
            for place in range(SUMS):
                delta[item, place] = own[place] if row.revision == 1 else moved[place]
        known[item] = _makes_up(own, row, asks[version[item]])


@kernel
def amend_months(rows, said, asks, state, change, raised, gone, lacking, figures, lacks, known):  # type: ignore[no-untyped-def]
    """Put corrections of days that have left the window into the months of n determinants, once each.

    rows ROW (n,) of months; said as `figures_of`; asks i64 (n,) Ask; change i64 (n, SUMS) is added; raised i64 (n,
    LARGEST) largest powers that are new, gone i64 (n, LARGEST) those that they replace; lacking i64 (n,) what nobody
    knows any longer. Out: figures, lacks and known as `figures_of`.
    """
    octets = state.months.octets
    for item in range(rows.shape[0]):
        row, at = rows[item], month_place(said[item], rows[item].month, 0)
        head = peek8(octets, at)
        if head & MONTH_MASK == row.month:
            lost = lacking[item]
            for place in range(FIGURES):
                own = month_place(said[item], row.month, place + 1)
                if place < SUMS:
                    poke8(octets, own, peek8(octets, own) + change[item, place])
                else:
                    was, now = gone[item, place - SUMS], raised[item, place - SUMS]
                    if was > now and was >= peek8(octets, own):
                        lost |= np.int64(LACKS_DEMAND)
                    poke8(octets, own, max(peek8(octets, own), now))
            poke8(octets, at, head | lost << np.int64(LACKS_SHIFT))
            mark_months(state, said[item])
        lacks[item] = _month(state, said[item], row.month, figures[item])
        known[item] = _makes_up(figures[item], row, asks[item])


@kernel
def versions_of(rows, tariff, place, first, last, versions, out):  # type: ignore[no-untyped-def]
    """out i64 (n,): row of the tariff version of rows ROW (n,) when their period begins, -1 for none."""
    for item in range(rows.shape[0]):
        out[item] = -1
        if rows[item].holder >= 0:
            number = place[tariff[rows[item].holder]]
            if number >= 0:
                row = last[number]
                while row >= first[number] and versions[row].valid_from > rows[item].period_start:
                    row -= 1
                out[item] = row if row >= first[number] else np.int64(-1)
