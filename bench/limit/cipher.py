"""The frames' AES-128-GCM by libcrypto, and nothing else of decode."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from agents.decode.config import DecodeConfig
from agents.decode.kernels_open import gather, new_opened, open_frames
from agents.decode.prepare import tables_of
from pipeline import gcm
from pipeline.batch import FrameBatch
from pipeline.errors import Fatal
from pipeline.reference import References


def cipher_secs(batches: Sequence[FrameBatch], references: References) -> float:
    """CPU seconds of this thread for opening the frames, the first batch's opened once before.

    Raises Fatal when less than nine tenths open: then something else was measured.
    """
    tables, context = tables_of(references, DecodeConfig()), gcm.new_context(encrypt=False)
    spent, opened_frames, frames = 0, 0, 0
    try:
        for number, batch in enumerate((batches[0], *batches)):
            octets, good = np.array(batch.payload, np.uint8), np.zeros(len(batch.length), np.uint8)
            devices, opened = np.array(batch.device, np.uint64), new_opened(len(batch.length))
            gather(devices, tables.devices, tables.pairs, opened)
            open_frames(octets, np.array(batch.length, np.uint32), devices, tables.policy, opened)
            begin = time.thread_time_ns()
            gcm.unseal_batch(context, opened.keys, opened.frames, opened.security, octets, octets, good)
            if number:
                spent += time.thread_time_ns() - begin
                opened_frames += int(good.sum())
                frames += len(good)
    finally:
        gcm.free_context(context)
    if opened_frames < 0.9 * frames:
        raise Fatal("BENCH_FAILED", where="cipher", what=f"{opened_frames} of {frames} frames were opened",
                    do="look at the generator's keys")  # fmt: skip
    return spent / 1e9
