"""The kernel that reads one push: structure, clock, link, template, columns.

A push is a Data-Notification (0F, invoke id u32, date-time or 00) whose datum is a structure: device id, push-setup
logical name, clock, then the columns of the template. All but alerts may carry the buffer of their profile instead
(class 7, attribute 2): device id, logical name, and an array or compact array of rows, which `kernels_profile` reads.
"""

from __future__ import annotations

import numpy as np

from agents.decode.kernels_axdr import (
    ARRAY,
    BROKEN,
    COMPACT_ARRAY,
    OCTETS,
    SIZES,
    STRUCTURE,
    behind,
    length_at,
    string_place,
)
from agents.decode.kernels_clock import CLOCK_LENGTH, UNUSABLE, clock, clock_flags, clock_place, link_at
from agents.decode.kernels_columns import NUMBER, TEMPLATE_UNKNOWN, read_number, read_other
from agents.decode.kernels_open import APDU_UNKNOWN, DATA_NOTIFICATION, GOOD, MALFORMED
from pipeline.codes import REJECT_NUMBER, Flag, Kind
from pipeline.jit import inlined, kernel
from pipeline.templates import HEAD

CLOCK_UNUSABLE = REJECT_NUMBER["CLOCK_UNUSABLE"]
NOT_LINKED = REJECT_NUMBER["NOT_LINKED"]
UNVERIFIED = int(Flag.TEMPLATE_UNVERIFIED)
ALERT = int(Kind.ALERT)

PROFILE = 255
"""In place of a code: a push with a profile's buffer, whose rows begin at `pushed.buffer`."""

LINK = np.dtype(
    [
        ("device", "<u8"),
        ("valid_from", "<i8"),
        ("valid_to", "<i8"),
        ("service_point", "<u8"),
        ("template", "<i4"),
        ("interval_secs", "<i4"),
        ("opens", "<i4"),  # s from a block's stamp to the end of its interval
        ("spare", "<i4"),
    ]
)
"""What a frame needs of its link."""

PUSH = np.dtype([("first", "<i4"), ("width", "<i4"), ("required", "<i4"), ("verified", "<i4")])
"""A push of a template, by (template, kind): see TemplateArrays."""

PUSHED = np.dtype(
    [("time", "<i8"), ("link", "<i8"), ("kind", "<i4"), ("flags", "<i4"), ("there", "<u8"), ("buffer", "<i8")]
)
"""What one push turned out to be; `kind` is 0 until its logical name is known; `there`: bit n is set when value n was
sent."""


@inlined
def kind_of(octets, p, names):  # type: ignore[no-untyped-def]
    """Kind whose push-setup logical name (names u8 (kinds, 6)) is the datum at `p`, or 0."""
    name = string_place(octets, p, names.shape[1])
    if name == BROKEN:
        return 0
    for kind in range(1, names.shape[0]):
        same = True
        for place in range(6):
            same = same and octets[name + place] == names[kind, place]
        if same:
            return kind
    return 0


@inlined
def body_start(octets, p, end):  # type: ignore[no-untyped-def]
    """Place of a Data-Notification's datum, or BROKEN. Some meters write the tag of an octet string before the time."""
    p += 5
    if p < end and octets[p] == OCTETS:
        p += 1
    if p >= end:
        return np.int64(BROKEN)
    length = np.int64(octets[p])
    return p + 1 + length if length in (0, CLOCK_LENGTH) and p + 1 + length < end else np.int64(BROKEN)


@inlined
def place_row(columns, device, point, first_link, links, pushes, kind, time):  # type: ignore[no-untyped-def]
    """What `columns` columns with a stamp are read by: (code, row of the link, first column, flag of the template)."""
    link = link_at(links, first_link, device, kind, time, False)
    if link < 0 or links[link].service_point != point:
        return NOT_LINKED, link, np.int64(0), 0
    model = links[link].template
    if model >= pushes.shape[0]:
        return TEMPLATE_UNKNOWN, link, np.int64(0), 0
    push = pushes[model, kind]
    # A model that names its quantities has no pushes, so not even one without columns.
    if columns > push.width or columns < push.required or push.width == 0:
        return TEMPLATE_UNKNOWN, link, np.int64(0), 0
    return GOOD, link, np.int64(push.first), (0 if push.verified else UNVERIFIED)


@inlined
def place_push(octets, p, columns, device, point, first_link, links, pushes, offset, zero_is_utc, pushed):  # type: ignore[no-untyped-def]
    """From the clock at `p`: time, link and template of a push of `columns` columns; (code, its first column)."""
    place = clock_place(octets, p)
    time = clock(octets, place, offset, zero_is_utc) if place >= 0 else UNUSABLE
    if time == UNUSABLE:
        return CLOCK_UNUSABLE, np.int64(0)
    code, link, column, flag = place_row(columns, device, point, first_link, links, pushes, pushed.kind, time)
    if code == GOOD:
        pushed.time, pushed.link, pushed.flags = time, link, clock_flags(octets, place) | flag
    return code, column


@kernel
def read_push(  # type: ignore[no-untyped-def]
    octets, p, end, device, point, first_link, links, pushes, columns, names, offset, zero_is_utc, values, stack, pushed
):
    """Read the APDU in [p, end) to `values` i64 (TARGETS,) and `pushed` (PUSHED); returns a code, or PROFILE.

    The order of the verdicts is fixed: broken octets, no push, clock, link, template. stack i64 (NESTING,) is scratch.
    """
    pushed.kind = 0
    if octets[p] != DATA_NOTIFICATION:
        return APDU_UNKNOWN
    p = body_start(octets, p, end)
    if p == BROKEN:
        return MALFORMED
    if octets[p] != STRUCTURE:
        return TEMPLATE_UNKNOWN if behind(octets, p, end, 0, stack) == end else MALFORMED
    count, p = length_at(octets, p + 1, end)
    if p == BROKEN or count > end - p:
        return MALFORMED
    code, column, there = (GOOD if count >= HEAD else TEMPLATE_UNKNOWN), np.int64(0), np.uint64(0)
    for element in range(count):
        start = p
        size = np.int64(SIZES[octets[p]]) if p < end else np.int64(BROKEN)
        p = p + 1 + size if 0 <= size < end - p else behind(octets, p, end, 1, stack)
        if p == BROKEN:
            return MALFORMED
        if code != GOOD or element == 0:
            continue
        if element >= HEAD:
            if columns[column].form == NUMBER:
                code, bits = read_number(octets, start, columns[column], values)
            else:
                code, bits = read_other(octets, start, p, columns[column], offset, zero_is_utc, values)
            there |= bits
            column += 1
        elif element == 1:
            pushed.kind = kind_of(octets, start, names)
            code = GOOD if pushed.kind > 0 else TEMPLATE_UNKNOWN
        elif octets[start] in (ARRAY, COMPACT_ARRAY) and count == HEAD and pushed.kind != ALERT:
            code, pushed.buffer = PROFILE, start
        else:
            code, column = place_push(
                octets, start, count - HEAD, device, point, first_link, links, pushes, offset, zero_is_utc, pushed
            )
    pushed.there = there
    return code if p == end else MALFORMED
