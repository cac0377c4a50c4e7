"""Partition of a record by its key, as Kafka's producers choose it: MurmurHash2 of the key's bytes, seed 0x9747b28c.

librdkafka's partitioner `murmur2` and the Java client's default give the same. Thousands of records are placed here
instead of one by one in the producer, so that it is known which of them is the last in its partition.
"""

from __future__ import annotations

import numpy as np

from pipeline.columns import Array
from pipeline.jit import kernel

SEED = 0x9747B28C
MULTIPLIER = 0x5BD1E995
POSITIVE = 0x7FFF_FFFF


def partition_of_key(key: bytes, partitions: int) -> int:
    """Partition of one key."""
    return int(partitions_of_keys(np.array([list(key)], np.uint8).reshape(1, -1), partitions)[0])


def partitions_of_keys(keys: Array, partitions: int) -> Array:
    """Partition i32 (n,) of keys u8 (n, width), all of the same width."""
    out = np.empty(len(keys), np.int32)
    _place(np.ascontiguousarray(keys), np.uint32(partitions), out)
    return out


@kernel
def _place(keys, partitions, out):  # type: ignore[no-untyped-def]
    multiplier, width = np.uint32(MULTIPLIER), keys.shape[1]
    whole = width & ~3
    for item in range(keys.shape[0]):
        state = np.uint32(SEED) ^ np.uint32(width)
        for at in range(0, whole, 4):
            word = np.uint32(keys[item, at]) | (np.uint32(keys[item, at + 1]) << np.uint32(8))
            word |= (np.uint32(keys[item, at + 2]) << np.uint32(16)) | (np.uint32(keys[item, at + 3]) << np.uint32(24))
            word = np.uint32(word * multiplier)
            word ^= word >> np.uint32(24)
            state = np.uint32(state * multiplier) ^ np.uint32(word * multiplier)
        rest = np.uint32(0)
        for at in range(whole, width):
            rest |= np.uint32(keys[item, at]) << np.uint32(8 * (at - whole))
        if width > whole:
            state = np.uint32((state ^ rest) * multiplier)
        state ^= state >> np.uint32(13)
        state = np.uint32(state * multiplier)
        state ^= state >> np.uint32(15)
        out[item] = np.int32((state & np.uint32(POSITIVE)) % partitions)
