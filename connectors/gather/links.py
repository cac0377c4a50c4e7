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
    return _latest(first, device, moment, registry.device, registry.valid_from)


def devices_at(point: Array, moment: Array, registry: Registry) -> Array:
    """Device u64 (n,) that stands at service point u64 (n,) at `moment`, epoch s UTC i64 (n,), chosen as by `links_at`;
    0 where no device ever stood."""
    order, index = registry.links_of_point
    first = np.full(len(point), -1, np.int64)
    find_many(*index, np.ascontiguousarray(point, np.uint64), first)
    link = _latest(first, point, moment, registry.service_point[order], registry.valid_from[order])
    device = np.zeros(len(point), np.uint64)
    device[link >= 0] = registry.device[order[link[link >= 0]]]
    return device


def _latest(first: Array, key: Array, moment: Array, keys: Array, begins: Array) -> Array:
    """The last row of the same key, from row `first` i64 (n,) on, that has begun at `moment`; -1 where `first` is."""
    row, count = first.copy(), len(keys)
    while True:
        after = np.minimum(row + 1, max(count - 1, 0))
        later = (row >= 0) & (row + 1 < count)
        if not later.any():
            return row
        later &= (keys[after] == key) & (begins[after] <= moment)
        if not later.any():
            return row
        row[later] += 1


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
