"""AES-128-GCM with a 12-byte tag for whole batches (DLMS security suite 0), without Python per frame.

libcrypto's EVP functions are called by name from numba loops: the library is loaded into LLVM's symbol table, so
kernels that call `seal` and `unseal` stay cacheable, which they would not be with a ctypes pointer inside. A context
belongs to one thread at a time.

Where libcrypto cannot be found `new_context` returns NO_CONTEXT, and the batch calls then take `pipeline.gcm_single`,
frame by frame: the same results, some twenty times slower. A kernel that calls `seal` or `unseal` itself must not be
started with NO_CONTEXT.

Security control octet (Green Book, security header): bits 0-3 suite, 10 authenticated, 20 encrypted; the additional
authenticated data of a frame is SC || authentication key, plus the plaintext when it is not encrypted.
"""

from __future__ import annotations

from ctypes.util import find_library
from typing import Any, NamedTuple

import numpy as np
from llvmlite import binding
from numba import types

from pipeline.columns import Array
from pipeline.errors import Fatal
from pipeline.gcm_single import AUTHENTICATED, ENCRYPTED, KEY_LENGTH, TAG_LENGTH, seal_one, unseal_one
from pipeline.jit import allocating_kernel, kernel

IV_ROOM = 16
"""An `iv` array is u8 (16,): 12 octets of system title and counter; libcrypto writes lengths to the last 4."""

NO_CONTEXT = 0
"""In place of a context: the batch calls use the `cryptography` package."""

PROTECTED = AUTHENTICATED | ENCRYPTED

_LIBRARIES = ("libcrypto.so.3", "libcrypto.so.1.1", "libcrypto.3.dylib", "libcrypto-3-x64.dll")

_GET_TAG, _SET_TAG = 0x10, 0x11  # EVP_CTRL_AEAD_GET_TAG, EVP_CTRL_AEAD_SET_TAG

# Pointers are passed as plain addresses.
_ADDRESS = types.intp
_INIT = types.int32(_ADDRESS, _ADDRESS, _ADDRESS, _ADDRESS, _ADDRESS)
_UPDATE = types.int32(_ADDRESS, _ADDRESS, _ADDRESS, _ADDRESS, types.int32)
_FINAL = types.int32(_ADDRESS, _ADDRESS, _ADDRESS)

_context_new: Any = types.ExternalFunction("EVP_CIPHER_CTX_new", _ADDRESS())
_context_free: Any = types.ExternalFunction("EVP_CIPHER_CTX_free", types.void(_ADDRESS))
_aes_128_gcm: Any = types.ExternalFunction("EVP_aes_128_gcm", _ADDRESS())
_control: Any = types.ExternalFunction("EVP_CIPHER_CTX_ctrl", types.int32(_ADDRESS, types.int32, types.int32, _ADDRESS))
_encrypt_init: Any = types.ExternalFunction("EVP_EncryptInit_ex", _INIT)
_encrypt_update: Any = types.ExternalFunction("EVP_EncryptUpdate", _UPDATE)
_encrypt_final: Any = types.ExternalFunction("EVP_EncryptFinal_ex", _FINAL)
_decrypt_init: Any = types.ExternalFunction("EVP_DecryptInit_ex", _INIT)
_decrypt_update: Any = types.ExternalFunction("EVP_DecryptUpdate", _UPDATE)
_decrypt_final: Any = types.ExternalFunction("EVP_DecryptFinal_ex", _FINAL)


def load_libcrypto() -> bool:
    """Make libcrypto's functions known to compiled kernels; False when there is no libcrypto. Repeats are harmless."""
    for name in (*_LIBRARIES, find_library("crypto")):
        if name is None:
            continue
        try:
            binding.load_library_permanently(name)
        except RuntimeError:
            continue
        return True
    return False


def new_context(encrypt: bool) -> int:
    """Address of an EVP_CIPHER_CTX for one direction, or NO_CONTEXT. One per thread; given back by `free_context`."""
    if not load_libcrypto():
        return NO_CONTEXT
    context = int(_new_context(encrypt))
    if context == 0:
        raise Fatal("CIPHER_CONTEXT", where="libcrypto", what="no context for AES-128-GCM", do="check its installation")
    return context


def free_context(context: int) -> None:
    """Give a context back; NO_CONTEXT is ignored."""
    if context != NO_CONTEXT:
        _free_context(context)


@kernel
def _new_context(encrypt):  # type: ignore[no-untyped-def]
    context = _context_new()
    if context == 0:
        return context
    cipher = _aes_128_gcm()
    done = _encrypt_init(context, cipher, 0, 0, 0) if encrypt else _decrypt_init(context, cipher, 0, 0, 0)
    if done != 1:
        _context_free(context)
        return 0
    return context


@kernel
def _free_context(context):  # type: ignore[no-untyped-def]
    _context_free(context)


@kernel
def set_iv(iv, title, counter):  # type: ignore[no-untyped-def]
    """iv u8 (16,) = system title (big-endian u64) || invocation counter u32."""
    for place in range(8):
        iv[place] = (np.uint64(title) >> np.uint64(8 * (7 - place))) & np.uint64(255)
    for place in range(4):
        iv[8 + place] = (np.uint64(counter) >> np.uint64(8 * (3 - place))) & np.uint64(255)


@kernel
def seal(ctx, key, key_start, iv, aad, aad_length, plain, start, length, out, out_start):  # type: ignore[no-untyped-def]
    """Ciphertext and 12-byte tag of plain[start:start+length] to out[out_start:]; False when libcrypto refuses.

    Args:
        ctx: context made with encrypt=True.
        key: u8, 1-d; 16 octets from `key_start` (pass a raveled key table and 16 x row).
        iv: u8 (16,), see IV_ROOM.
        aad: u8; `aad_length` octets from 0 are authenticated.
        plain: u8, 1-d.
        out: u8, 1-d, with room for length + 12 octets from `out_start`.
    """
    lengths = iv.ctypes.data + 12
    target = out.ctypes.data + out_start
    if _encrypt_init(ctx, 0, 0, key.ctypes.data + key_start, iv.ctypes.data) != 1:
        return False
    if aad_length > 0 and _encrypt_update(ctx, 0, lengths, aad.ctypes.data, aad_length) != 1:
        return False
    if length > 0 and _encrypt_update(ctx, target, lengths, plain.ctypes.data + start, length) != 1:
        return False
    if _encrypt_final(ctx, target + length, lengths) != 1:
        return False
    return _control(ctx, _GET_TAG, TAG_LENGTH, target + length) == 1


@kernel
def unseal(ctx, key, key_start, iv, aad, aad_length, data, start, length, out, out_start):  # type: ignore[no-untyped-def]
    """Plaintext of data[start:start+length] to out[out_start:]; False when the tag behind the ciphertext does not fit.

    Arguments as for `seal`; `ctx` is made with encrypt=False. On False `out` holds bytes that must not be used.
    """
    lengths = iv.ctypes.data + 12
    source = data.ctypes.data + start
    target = out.ctypes.data + out_start
    if _decrypt_init(ctx, 0, 0, key.ctypes.data + key_start, iv.ctypes.data) != 1:
        return False
    if aad_length > 0 and _decrypt_update(ctx, 0, lengths, aad.ctypes.data, aad_length) != 1:
        return False
    if length > 0 and _decrypt_update(ctx, target, lengths, source, length) != 1:
        return False
    if _control(ctx, _SET_TAG, TAG_LENGTH, source + length) != 1:
        return False
    return _decrypt_final(ctx, target + length, lengths) == 1


@kernel
def decrypt(ctx, key, key_start, iv, data, start, length, out, out_start):  # type: ignore[no-untyped-def]
    """As `unseal` for frames that are encrypted but carry no tag (SC 20): nothing is proved."""
    lengths = iv.ctypes.data + 12
    if _decrypt_init(ctx, 0, 0, key.ctypes.data + key_start, iv.ctypes.data) != 1:
        return False
    if length == 0:
        return True
    target = out.ctypes.data + out_start
    return _decrypt_update(ctx, target, lengths, data.ctypes.data + start, length) == 1


@kernel
def verify(ctx, key, key_start, iv, aad, aad_length, data, start, length, out, out_start):  # type: ignore[no-untyped-def]
    """As `unseal` for frames that are authenticated and not encrypted (SC 10): data[start:start+length] is copied."""
    lengths = iv.ctypes.data + 12
    source = data.ctypes.data + start
    if _decrypt_init(ctx, 0, 0, key.ctypes.data + key_start, iv.ctypes.data) != 1:
        return False
    if _decrypt_update(ctx, 0, lengths, aad.ctypes.data, aad_length) != 1:
        return False
    if length > 0 and _decrypt_update(ctx, 0, lengths, source, length) != 1:
        return False
    if _control(ctx, _SET_TAG, TAG_LENGTH, source + length) != 1:
        return False
    if _decrypt_final(ctx, source, lengths) != 1:
        return False
    for place in range(length):
        out[out_start + place] = data[start + place]
    return True


class Keys(NamedTuple):
    """Keys by row: `encryption` and `authentication` u8 (keys, 16)."""

    encryption: Array
    authentication: Array


class Frames(NamedTuple):
    """What is sealed or opened, one item a frame; starts are places in the batch's byte arrays.

    key_row i64 (n,): row of the key table; negative leaves the frame alone
    title u64 (n,): system title as a big-endian number
    counter u32 (n,): invocation counter
    start, length i64 (n,): the octets without the tag
    out_start i64 (n,): where the result goes
    """

    key_row: Array
    title: Array
    counter: Array
    start: Array
    length: Array
    out_start: Array


def unseal_batch(
    context: int, keys: Keys, frames: Frames, security: Array, data: Array, out: Array, good: Array
) -> None:
    """Open many frames: good u8 (n,) = 1 where `out` holds the plaintext, 0 where the tag does not fit.

    Args:
        context: from `new_context(False)`; NO_CONTEXT takes the `cryptography` package.
        keys: key table.
        frames: which octets, under which key; where the control octet has 0x10 the tag stands behind them.
        security: u8 (n,), security control octet 0x10, 0x20 or 0x30; frames with another are left alone.
        data, out: u8 (bytes,).
        good: u8 (n,), written where a frame was tried.
    """
    loop = _unseal_python if context == NO_CONTEXT else _unseal_loop
    loop(context, keys, frames, security, data, out, good)


@allocating_kernel
def _unseal_loop(ctx, keys, frames, security, data, out, good):  # type: ignore[no-untyped-def]
    iv = np.zeros(IV_ROOM, np.uint8)
    aad = np.zeros(1 + KEY_LENGTH, np.uint8)
    flat = keys.encryption.reshape(-1)
    for item in range(security.shape[0]):
        row = frames.key_row[item]
        if row < 0:
            continue
        set_iv(iv, frames.title[item], frames.counter[item])
        control = security[item]
        aad[0] = control
        aad[1:] = keys.authentication[row]
        first, length, place = frames.start[item], frames.length[item], frames.out_start[item]
        key = row * KEY_LENGTH
        if control == PROTECTED:
            good[item] = unseal(ctx, flat, key, iv, aad, aad.shape[0], data, first, length, out, place)
        elif control == ENCRYPTED:
            good[item] = decrypt(ctx, flat, key, iv, data, first, length, out, place)
        elif control == AUTHENTICATED:
            good[item] = verify(ctx, flat, key, iv, aad, aad.shape[0], data, first, length, out, place)


def _unseal_python(
    _context: int, keys: Keys, frames: Frames, security: Array, data: Array, out: Array, good: Array
) -> None:
    for item in np.flatnonzero(frames.key_row >= 0):
        row, control = int(frames.key_row[item]), int(security[item])
        if control not in (AUTHENTICATED, ENCRYPTED, PROTECTED):
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

    `context` comes from `new_context(True)`, or is NO_CONTEXT; `plain` and `out` are u8 (bytes,).
    """
    if context == NO_CONTEXT:
        _seal_python(keys, frames, plain, out)
        return
    done = _seal_loop(context, keys, frames, plain, out)
    if done != len(frames.key_row):
        raise Fatal("CIPHER_FAILED", where="libcrypto", what=f"item {done} was refused", do="check its installation")


@allocating_kernel
def _seal_loop(ctx, keys, frames, plain, out):  # type: ignore[no-untyped-def]
    iv = np.zeros(IV_ROOM, np.uint8)
    aad = np.zeros(1 + KEY_LENGTH, np.uint8)
    aad[0] = PROTECTED
    flat = keys.encryption.reshape(-1)
    for item in range(frames.key_row.shape[0]):
        row = frames.key_row[item]
        if row < 0:
            continue
        set_iv(iv, frames.title[item], frames.counter[item])
        aad[1:] = keys.authentication[row]
        first, length, place = frames.start[item], frames.length[item], frames.out_start[item]
        if not seal(ctx, flat, row * KEY_LENGTH, iv, aad, aad.shape[0], plain, first, length, out, place):
            return item
    return frames.key_row.shape[0]


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
