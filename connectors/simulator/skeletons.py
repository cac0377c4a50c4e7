"""Pushes as skeletons: the octets that never change, and where which value goes in which form.

Made from `pipeline.templates`, the table that decode reads with. Every field of a push has a fixed width, so a push is
a copy of its skeleton and a few patches.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np

from pipeline.codes import Kind
from pipeline.columns import Array
from pipeline.templates import (
    BIT_STRING,
    BOOLEAN,
    FLOAT32,
    HEAD,
    IGNORED,
    INT8,
    INT16,
    OCTETS,
    PUSH_NAMES,
    TEMPLATES,
    UINT8,
    UINT16,
    UINT32,
    Push,
    PushColumn,
)

DATA_NOTIFICATION, STRUCTURE = 0x0F, 2
NAME_OCTETS, CLOCK_OCTETS, WORD_BITS = 9, 12, 128
SIGNAL_DBM = -71

FORM_FLOAT, FORM_WHOLE, FORM_TIME, FORM_CLOCK, FORM_NAME, FORM_WORD, FORM_INVOKE = range(7)

WIDTH: dict[int, int] = {FLOAT32: 4, UINT32: 4, UINT16: 2, INT16: 2, UINT8: 1, INT8: 1, BOOLEAN: 1}


@dataclass(frozen=True)
class Patch:
    """At `offset`, `width` octets in `form`; value of target `source`, times `multiplier`, by `divisor`."""

    offset: int
    form: int
    width: int
    source: int
    multiplier: int = 1
    divisor: int = 1


class Skeletons(NamedTuple):
    """The same for kernels; a push's number is 8 x template + kind.

    octets u8: skeletons one after the other; start, length i32 (numbers,), length 0 where there is no such push;
    patched, patches i32 (numbers,): first and number of its patches;
    patch i64 (patches, 6): offset, form, width, source, multiplier, divisor.
    """

    octets: Array
    start: Array
    length: Array
    patched: Array
    patches: Array
    patch: Array


def number_of(template: Array, kind: Array) -> Array:
    """Number of the push i64 (n,)."""
    return template.astype(np.int64) * 8 + kind


def _tag(column: PushColumn) -> int:
    # 50,000 mHz do not fit a signed 16-bit integer.
    return UINT16 if column.target == "frequency" and column.tag == INT16 else column.tag


def _column(column: PushColumn, out: bytearray, patches: list[Patch]) -> None:
    tag = _tag(column)
    out.append(tag)
    if tag == BIT_STRING:
        out += bytes((0x81, WORD_BITS))
        patches.append(Patch(len(out), FORM_WORD, WORD_BITS // 8, column.number))
        out += bytes(WORD_BITS // 8)
    elif tag == OCTETS:
        if column.number == IGNORED:
            out += bytes((CLOCK_OCTETS, *bytes(CLOCK_OCTETS)))
            return
        out.append(CLOCK_OCTETS)
        patches.append(Patch(len(out), FORM_TIME, CLOCK_OCTETS, column.number))
        out += bytes(CLOCK_OCTETS)
    elif column.number == IGNORED:
        constant = SIGNAL_DBM if tag == INT8 else 0
        out += constant.to_bytes(WIDTH[tag], "big", signed=tag == INT8)
    else:
        places = column.floating if tag == FLOAT32 else column.integer
        form = FORM_FLOAT if tag == FLOAT32 else FORM_WHOLE
        patches.append(Patch(len(out), form, WIDTH[tag], column.number, 10 ** max(-places, 0), 10 ** max(places, 0)))
        out += bytes(WIDTH[tag])


def skeleton(push: Push) -> tuple[bytes, list[Patch]]:
    """Octets and patches of one push: Data-Notification, invoke id, no date-time, structure."""
    out = bytearray((DATA_NOTIFICATION, 0, 0, 0, 0, 0, STRUCTURE, HEAD + len(push.columns)))
    patches = [Patch(2, FORM_INVOKE, 3, 0), Patch(10, FORM_NAME, NAME_OCTETS, 0)]
    out += bytes((OCTETS, NAME_OCTETS)) + bytes(NAME_OCTETS)
    out += bytes((OCTETS, 6, *PUSH_NAMES[push.kind]))
    out += bytes((OCTETS, CLOCK_OCTETS))
    patches.append(Patch(len(out), FORM_CLOCK, CLOCK_OCTETS, 0))
    out += bytes(CLOCK_OCTETS)
    for column in push.columns:
        _column(column, out, patches)
    return bytes(out), patches


@cache
def skeletons() -> Skeletons:
    """All pushes of all templates; made once, not to be written to."""
    numbers = 8 * (max(row.number for row in TEMPLATES) + 1)
    start, length, patched, count = (np.zeros(numbers, np.int32) for _ in range(4))
    octets, patches = bytearray(), list[Patch]()
    for template in TEMPLATES:
        for push in template.pushes:
            number = 8 * template.number + push.kind
            raw, own = skeleton(push)
            start[number], length[number] = len(octets), len(raw)
            patched[number], count[number] = len(patches), len(own)
            octets += raw
            patches += own
    table = np.array([(p.offset, p.form, p.width, p.source, p.multiplier, p.divisor) for p in patches], np.int64)
    return Skeletons(np.frombuffer(bytes(octets), np.uint8), start, length, patched, count, table)


def has_push(template: Array, kind: Kind) -> Array:
    """bool (n,): models that have a push of `kind`."""
    return skeletons().length[number_of(template, np.full(len(template), int(kind)))] > 0
