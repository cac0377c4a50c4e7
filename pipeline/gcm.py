"""AES-128-GCM with a 12-byte tag for whole batches (DLMS security suites 0 and 1), without Python per frame.

There are three ways to the same octets (docs/decisions/0006-own-cipher.md), and `way_here` is where one is chosen:

INSTRUCTIONS  x86-64 with instructions for AES and carry-less multiplication: `pipeline.gcm_instructions`
LIBCRYPTO     other processors: libcrypto's functions, called from numba loops; six times slower for short frames
PACKAGE       where libcrypto cannot be found either: the `cryptography` package frame by frame, a hundred times slower

Security control octet (Green Book, security header): bits 0-3 suite, 10 authenticated, 20 encrypted; the additional
authenticated data of a frame is SC || authentication key, plus the plaintext when it is not encrypted. Suite 1 differs
from suite 0 in how keys are agreed, not in how frames are sealed.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import Any

import numpy as np
from numba.core.registry import cpu_target

from pipeline import gcm_instructions, gcm_libcrypto
from pipeline.columns import Array
from pipeline.errors import Fatal
from pipeline.gcm_frames import IV_ROOM, PROTECTED, Frames, Keys, set_iv
from pipeline.gcm_libcrypto import load_libcrypto
from pipeline.gcm_single import TAG_LENGTH, seal_one, unseal_one
from pipeline.jit import COMPILED

__all__ = [
    "IV_ROOM", "NO_CONTEXT", "PROTECTED", "Frames", "Keys", "Way", "free_context", "new_context", "seal", "seal_batch",
    "set_iv", "unseal_batch", "way_here",
]  # fmt: skip

NO_CONTEXT, OWN_CONTEXT = 0, 1
"""In place of the address of a context of libcrypto's: PACKAGE and INSTRUCTIONS need none."""


class Way(Enum):
    """Who enciphers."""

    INSTRUCTIONS = auto()
    LIBCRYPTO = auto()
    PACKAGE = auto()


def has_instructions() -> bool:
    """Whether kernels are compiled for a processor with AES-NI and PCLMULQDQ; numba's files are kept by the same."""
    triple, _, features = cpu_target.target_context.codegen().magic_tuple()
    return str(triple).startswith("x86_64") and {"+aes", "+pclmul", "+ssse3"} <= set(str(features).split(","))


def way_here() -> Way:
    """The fastest way that this machine has; PACKAGE where kernels are not compiled, which the others are."""
    if not COMPILED:
        return Way.PACKAGE
    if has_instructions():
        return Way.INSTRUCTIONS
    return Way.LIBCRYPTO if load_libcrypto() else Way.PACKAGE


def new_context(encrypt: bool, way: Way | None = None) -> int:
    """A context for one direction, of `way_here` if nothing else is said; given back by `free_context`.

    With libcrypto it is the address of an EVP_CIPHER_CTX, for one thread at a time; else a number that stands for none.
    """
    way = way or way_here()
    if way is Way.INSTRUCTIONS:
        return OWN_CONTEXT
    if way is Way.PACKAGE or not load_libcrypto():
        return NO_CONTEXT
    context = int(gcm_libcrypto.open_context(encrypt))
    if context == 0:
        raise Fatal("CIPHER_CONTEXT", where="libcrypto", what="no context for AES-128-GCM", do="check its installation")
    return context


def free_context(context: int) -> None:
    """Give a context back; NO_CONTEXT and OWN_CONTEXT are ignored."""
    if context not in (NO_CONTEXT, OWN_CONTEXT):
        gcm_libcrypto.close_context(context)


seal: Any = gcm_instructions.seal if way_here() is Way.INSTRUCTIONS else gcm_libcrypto.seal
"""For kernels: seal(ctx, key, key_start, iv, aad, aad_length, plain, start, length, out, out_start).

Ciphertext and 12-byte tag of plain[start:start+length] to out[out_start:]; False when it is refused. The way is that of
`way_here`; a kernel with it must not be started with NO_CONTEXT.

ctx: context made with encrypt=True
key: u8, 1-d; 16 octets from `key_start` (pass a raveled key table and 16 x row)
iv: u8 (16,), see IV_ROOM
aad: u8; `aad_length` octets from 0 are authenticated
plain: u8, 1-d
out: u8, 1-d, with room for length + 12 octets from `out_start`
"""


def unseal_batch(
    context: int, keys: Keys, frames: Frames, security: Array, data: Array, out: Array, good: Array
) -> None:
    """Open many frames: good u8 (n,) = 1 where `out` holds the plaintext, 0 where the tag does not fit and
    what stands in `out` must not be used.

    Args:
        context: from `new_context(False)`.
        keys: key table.
        frames: which octets, under which key; where the control octet has 0x10 the tag stands behind them.
        security: u8 (n,), security control octet: 0x10, 0x20 or both say how, the others are authenticated with the
            rest. Frames with neither are left alone.
        data, out: u8 (bytes,).
        good: u8 (n,), written where a frame was tried.
    """
    loops = {NO_CONTEXT: _unseal_python, OWN_CONTEXT: gcm_instructions.unseal_loop}
    loop = loops.get(context, gcm_libcrypto.unseal_loop)
    loop(context, keys, frames, security, data, out, good)


def _unseal_python(
    _context: int, keys: Keys, frames: Frames, security: Array, data: Array, out: Array, good: Array
) -> None:
    for item in np.flatnonzero(frames.key_row >= 0):
        row, control = int(frames.key_row[item]), int(security[item])
        if not control & PROTECTED:
            continue
        first, place = int(frames.start[item]), int(frames.out_start[item])
        last = first + int(frames.length[item])
        plain = unseal_one(
            control,
            (keys.encryption[row].tobytes(), keys.authentication[row].tobytes()),
            int(frames.title[item]),
            int(frames.counter[item]),
            data[first:last].tobytes(),
            data[last : last + TAG_LENGTH].tobytes(),
        )
        good[item] = plain is not None
        if plain is not None:
            out[place : place + len(plain)] = np.frombuffer(plain, np.uint8)


def seal_batch(context: int, keys: Keys, frames: Frames, plain: Array, out: Array) -> None:
    """Seal many plaintexts with control octet 0x30: ciphertext and 12-byte tag each to `out`.

    `context` comes from `new_context(True)`; `plain` and `out` are u8 (bytes,).
    """
    if context == NO_CONTEXT:
        _seal_python(keys, frames, plain, out)
        return
    loop = gcm_instructions.seal_loop if context == OWN_CONTEXT else gcm_libcrypto.seal_loop
    done = loop(context, keys, frames, plain, out)
    if done != len(frames.key_row):
        raise Fatal("CIPHER_FAILED", where="libcrypto", what=f"item {done} was refused", do="check its installation")


def _seal_python(keys: Keys, frames: Frames, plain: Array, out: Array) -> None:
    for item in np.flatnonzero(frames.key_row >= 0):
        row, first, place = int(frames.key_row[item]), int(frames.start[item]), int(frames.out_start[item])
        sealed = seal_one(
            PROTECTED,
            (keys.encryption[row].tobytes(), keys.authentication[row].tobytes()),
            int(frames.title[item]),
            int(frames.counter[item]),
            plain[first : first + int(frames.length[item])].tobytes(),
        )
        out[place : place + len(sealed)] = np.frombuffer(sealed, np.uint8)
