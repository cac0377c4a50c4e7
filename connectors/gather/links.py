"""Under which row of the registry something was measured; and frames of readings cut where a meter was moved.

A frame of readings is built for one installation, by the registry that its connector has then. A registry that comes
later may say that the meter stood at two service points within the frame; then it is cut before it goes on.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from pipeline.codes import Kind
from pipeline.columns import Array
from pipeline.lookup import find_many
from pipeline.reading_frames import COLUMNS_OF, FIRST_OCTET, HEAD, ROW, VERSION
from pipeline.reference import Registry


def links_at(device: Array, moment: Array, registry: Registry) -> Array:
    """Row i64 (n,) of the registry that holds for device u64 (n,) at `moment`, epoch s UTC i64 (n,).

    Before its first link a device has the first one, behind the end of its last one the last one; -1 where it is not
    known.
    """
    first = np.full(len(device), -1, np.int64)
    find_many(*registry.by_device, np.ascontiguousarray(device, np.uint64), first)
    link, count = first.copy(), len(registry.device)
    while True:
        after = np.minimum(link + 1, max(count - 1, 0))
        later = (link >= 0) & (link + 1 < count)
        if not later.any():
            return link
        later &= (registry.device[after] == device) & (registry.valid_from[after] <= moment)
        if not later.any():
            return link
        link[later] += 1


def split_readings(frame: bytes, registry: Registry) -> list[bytes]:
    """The frame of readings, or one for each run of rows that were measured at one service point.

    A frame that is broken, or none of readings, stays as it is: decode says what is wrong with it.
    """
    if len(frame) < HEAD.size or frame[0] != FIRST_OCTET:
        return [frame]
    first, version, kind, spare, count, texts, device, columns = HEAD.unpack_from(frame)
    size = ROW.itemsize + 8 * int(columns).bit_count()
    end = HEAD.size + count * size
    if version != VERSION or kind not in COLUMNS_OF or count < 2 or end > len(frame):
        return [frame]
    rows = np.frombuffer(frame, np.uint8, count * size, HEAD.size).reshape(count, size)
    times = np.ascontiguousarray(rows[:, :8]).view("<i8").reshape(-1)
    link = links_at(np.full(count, device, np.uint64), times - (kind == Kind.BLOCK), registry)
    if link[0] < 0:
        return [frame]
    point = registry.service_point[link]
    begins = [0, *(np.flatnonzero(point[1:] != point[:-1]) + 1).tolist(), count]
    return [
        HEAD.pack(first, version, kind, spare, stop - start, texts, device, columns)
        + rows[start:stop].tobytes()
        + frame[end:]
        for start, stop in pairwise(begins)
    ]
