"""Kernels of losses: partials into balances, and which balances are to be said."""

from __future__ import annotations

from agents.losses.state import DAY, INTERVAL
from pipeline.jit import allocating_kernel
from pipeline.state import mark


@allocating_kernel
def add_partials(slots, partials, row, secs, start, table, changed, dirty, capacity):  # type: ignore[no-untyped-def]
    """Add partials BALANCE (n,) to the balances at slots i64 (n,): kind of row, length and start i64 (n,) of each."""
    for item in range(slots.shape[0]):
        total, part = table[0, slots[item]], partials[item]
        total.row = row
        total.node = part.node
        total.secs = secs[item]
        total.start = start[item]
        total.changed = 1
        total.input_wh += part.input_wh
        total.output_wh += part.output_wh
        total.estimated_wh += part.estimated_wh
        total.expected += part.expected
        total.actual += part.actual
        total.estimated += part.estimated
        total.inputs_expected += part.inputs_expected
        total.inputs_actual += part.inputs_actual
        mark(changed, dirty, 0, slots[item], capacity)


@allocating_kernel
def due_balances(closes, oldest, table, changed, dirty, capacity, chosen):  # type: ignore[no-untyped-def]
    """Slots i64 of balances to be emitted, into `chosen` (slots,); returns how many. Each gets its next revision.

    Those whose end is not after `closes` and that changed, and the days that begin before `oldest`.
    """
    count = 0
    for slot in range(table.shape[1]):
        row = table[0, slot]
        if row.row != INTERVAL and row.row != DAY:
            continue
        ended = row.start + row.secs <= closes and row.changed == 1
        if ended or (row.row == DAY and row.start < oldest):
            row.revision += 1
            row.changed = 0
            mark(changed, dirty, 0, slot, capacity)
            chosen[count] = slot
            count += 1
    return count
