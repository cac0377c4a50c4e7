"""Frames whose tag does not fit, tried with the key on the other side of an exchange.

Only those are tried, on fresh copies of their octets, because the first try opens in place; a batch whose frames all
open pays nothing. A frame is opened twice at most: one that was altered costs no more than that.
"""

from __future__ import annotations

import numpy as np

from agents.decode.kernels_keys import neighbour, neighbours, take_over
from agents.decode.kernels_open import GOOD, OTHER_CIPHER, Opened, new_opened, open_frames
from agents.decode.kernels_rows import Tables
from agents.decode.others import Second, SecondTry
from pipeline import gcm
from pipeline.batch import FrameBatch
from pipeline.columns import Array
from pipeline.gcm_single import KEY_LENGTH


def try_neighbours(
    context: int, batch: FrameBatch, octets: Array, devices: Array, received: Array, tables: Tables, opened: Opened,
    good: Array,
) -> None:  # fmt: skip
    """Open what can be opened with the neighbouring key; `octets`, `opened` and `good` get it.

    Args:
        context: of the cipher.
        batch: whose octets are as they came.
        octets: u8, the same where frames are opened.
        devices, received: u64 and i64 (n,); received is the first time of receipt.
        tables, opened, good: as the kernels have them.
    """
    # An alternative to the usual cipher is tried again where it is opened.
    failed = (opened.span >= 0) & (good == 0) & (opened.code == GOOD) & (opened.security != 0)
    failed &= opened.security != OTHER_CIPHER
    chosen = np.flatnonzero(failed)
    if not len(chosen):
        return
    other = np.empty(len(chosen), np.int64)
    neighbours(chosen, opened.span, received, tables.spans, tables.policy.overlap, other)
    chosen, other = chosen[other >= 0], other[other >= 0]
    if not len(chosen):
        return
    fresh, lengths = copies(batch, chosen)
    again, fits = new_opened(len(chosen)), np.zeros(len(chosen), np.uint8)
    pairs = tables.pairs[tables.spans["row"][other]]
    again.keys.encryption[:], again.keys.authentication[:] = pairs[:, :KEY_LENGTH], pairs[:, KEY_LENGTH:]
    again.frames.key_row[:] = np.arange(len(chosen))
    again.check[:], again.span[:] = tables.spans["check"][other], other
    open_frames(fresh, lengths, devices[chosen], tables.policy, again)
    gcm.unseal_batch(context, again.keys, again.frames, again.security, fresh, fresh, fits)
    take_over(np.flatnonzero(fits), chosen, fresh, again, octets, opened, good)


def copies(batch: FrameBatch, chosen: Array) -> tuple[Array, Array]:
    """(octets u8 of the frames chosen i64 (n,), one after the other; their lengths u32 (n,))."""
    lengths = np.array(batch.length[chosen], np.uint32)
    stop = np.cumsum(batch.length, dtype=np.int64)[chosen]
    spans = zip((stop - lengths).tolist(), stop.tolist(), strict=True)
    return np.concatenate([batch.payload[begin:end] for begin, end in spans]), lengths


def second_try(tables: Tables, received: Array) -> SecondTry:
    """The same choice for frames that are opened one by one."""

    def beside(opened: Opened, item: int) -> Second | None:
        span, found = int(opened.span[item]), -1
        if span >= 0:
            found = int(neighbour(tables.spans, span, int(received[item]), tables.policy.overlap))
        if found < 0:
            return None
        row = tables.spans[found]
        pair = tables.pairs[row["row"]].tobytes()
        return Second((pair[:KEY_LENGTH], pair[KEY_LENGTH:]), int(row["check"]), found)

    return beside
