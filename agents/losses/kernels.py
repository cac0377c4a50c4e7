"""Kernels of losses: partials into balances."""

from __future__ import annotations

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
