"""Which key of a device that has several a frame is tried with.

An exchange of keys is where a key begins that the device has not from the first. Meters take a new key when they are
told to, a little before or behind that moment, and send afterwards what they had queued under the former one.
"""

from __future__ import annotations

import numpy as np

from pipeline.jit import inlined, kernel

SPAN = np.dtype([("device", "<u8"), ("since", "<i8"), ("row", "<i4"), ("check", "<u4")])
"""A key of a device that has several: from when on it is in force, epoch s; row in `Tables.pairs`; check value.

Sorted by device and time. The first of a device is in force before, too.
"""

NO_KEY = -1
FIRST_SPAN = -2
"""In place of a key row: FIRST_SPAN less the row of the device's first SPAN."""


@inlined
def span_at(spans, first, time):  # type: ignore[no-untyped-def]
    """The row of `spans` that is in force at `time`, of the device whose rows begin at `first`."""
    following = first + 1
    while following < spans.shape[0] and spans[following].device == spans[first].device:
        if spans[following].since > time:
            break
        first = following
        following += 1
    return first


@inlined
def neighbour(spans, span, time, overlap):  # type: ignore[no-untyped-def]
    """The row of the key on the other side of the exchange that lies nearest to `time`; -1: none within `overlap` s."""
    device, found, nearest = spans[span].device, np.int64(-1), np.int64(overlap)
    if span > 0 and spans[span - 1].device == device:
        behind = time - spans[span].since
        if behind < nearest:
            found, nearest = span - 1, behind
    if span + 1 < spans.shape[0] and spans[span + 1].device == device:
        ahead = spans[span + 1].since - time
        if ahead < nearest:
            found = span + 1
    return found


@kernel
def neighbours(chosen, span, received, spans, overlap, found):  # type: ignore[no-untyped-def]
    """`neighbour` of the frames chosen i64 (n,), into found i64 (n,); span i64 and received i64 of all frames."""
    for place in range(chosen.shape[0]):
        item = chosen[place]
        found[place] = neighbour(spans, span[item], received[item], overlap)


@kernel
def take_over(fits, chosen, fresh, again, octets, opened, good):  # type: ignore[no-untyped-def]
    """Put what the second try has opened in the place of what the first could not.

    fits i64 (k,): of chosen i64 (m,), the frames that were tried again; `again` is their Opened, over `fresh` u8.
    """
    for place in range(fits.shape[0]):
        tried = fits[place]
        item = chosen[tried]
        source, target = again.frames.start[tried], opened.frames.start[item]
        for octet in range(again.frames.length[tried]):
            octets[target + octet] = fresh[source + octet]
        opened.check[item], opened.span[item] = again.check[tried], again.span[tried]
        good[item] = 1
