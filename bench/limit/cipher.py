"""The frames' AES-128-GCM, and nothing else of decode: by libcrypto or by our own instructions, whichever takes less.

The limit is what cannot be avoided, so a cipher of ours that is dearer than the library's would not raise it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from agents.decode.config import DecodeConfig
from agents.decode.kernels_open import gather, new_opened, open_frames
from agents.decode.kernels_rows import Tables
from agents.decode.prepare import tables_of
from pipeline import gcm
from pipeline.batch import FrameBatch
from pipeline.errors import Fatal
from pipeline.gcm_libcrypto import load_libcrypto
from pipeline.reference import References

WAYS = (gcm.Way.INSTRUCTIONS, gcm.Way.LIBCRYPTO)


def cipher_secs(batches: Sequence[FrameBatch], references: References) -> float:
    """CPU seconds of this thread for opening the frames the cheapest way, the first batch's opened once before."""
    return min(cipher_secs_by_way(batches, references).values())


def cipher_secs_by_way(batches: Sequence[FrameBatch], references: References) -> dict[gcm.Way, float]:
    """The same for each of WAYS that this machine has, batch by batch in turn; if it has none, for PACKAGE.

    Raises Fatal when less than nine tenths open: then something else was measured.
    """
    tables = tables_of(references, DecodeConfig())
    ways = [way for way in WAYS if _is_here(way)] or [gcm.Way.PACKAGE]
    contexts = {way: gcm.new_context(False, way) for way in ways}
    spent = dict.fromkeys(ways, 0)
    opened, frames = 0, 0
    try:
        for number, batch in enumerate((batches[0], *batches)):
            for way, context in contexts.items():
                nanoseconds, count = _open(batch, tables, context)
                if number:
                    spent[way] += nanoseconds
                    opened, frames = opened + count, frames + len(batch.length)
    finally:
        for context in contexts.values():
            gcm.free_context(context)
    if opened < 0.9 * frames:
        raise Fatal("BENCH_FAILED", where="cipher", what=f"{opened} of {frames} frames were opened",
                    do="look at the generator's keys")  # fmt: skip
    return {way: nanoseconds / 1e9 for way, nanoseconds in spent.items()}


def _is_here(way: gcm.Way) -> bool:
    return gcm.has_instructions() if way is gcm.Way.INSTRUCTIONS else load_libcrypto()


def _open(batch: FrameBatch, tables: Tables, context: int) -> tuple[int, int]:
    """(CPU nanoseconds of opening, how many frames were opened)."""
    octets, good = np.array(batch.payload, np.uint8), np.zeros(len(batch.length), np.uint8)
    devices, opened = np.array(batch.device, np.uint64), new_opened(len(batch.length))
    gather(devices, np.array(batch.received_at, np.int64), tables.devices, tables.pairs, tables.spans, opened)
    open_frames(octets, np.array(batch.length, np.uint32), devices, tables.policy, opened)
    begin = time.thread_time_ns()
    gcm.unseal_batch(context, opened.keys, opened.frames, opened.security, octets, octets, good)
    return time.thread_time_ns() - begin, int(good.sum())
