"""AES-128-GCM in kernels by libcrypto, where the processor has no instructions for it; see `pipeline.gcm`.

Its EVP functions are called by name from numba loops: the library is loaded into LLVM's symbol table, so kernels that
call them stay cacheable, which they would not be with a ctypes pointer inside. A context belongs to one thread at a
time. None of these kernels must be started before `load_libcrypto` has found the library.
"""

from __future__ import annotations

from ctypes.util import find_library
from typing import Any

import numpy as np
from llvmlite import binding
from numba import types

from pipeline.gcm_frames import AAD_LENGTH, AAD_ROOM, IV_ROOM, PROTECTED, set_aad, set_iv
from pipeline.gcm_single import AUTHENTICATED, ENCRYPTED, KEY_LENGTH, TAG_LENGTH
from pipeline.jit import allocating_kernel, kernel

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


@kernel
def open_context(encrypt):  # type: ignore[no-untyped-def]
    """Address of an EVP_CIPHER_CTX for one direction, or 0."""
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
def close_context(context):  # type: ignore[no-untyped-def]
    """Give a context back."""
    _context_free(context)


@kernel
def seal(ctx, key, key_start, iv, aad, aad_length, plain, start, length, out, out_start):  # type: ignore[no-untyped-def]
    """See `pipeline.gcm.seal`."""
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


@allocating_kernel
def unseal_loop(ctx, keys, frames, security, data, out, good):  # type: ignore[no-untyped-def]
    """See `pipeline.gcm.unseal_batch`."""
    iv = np.zeros(IV_ROOM, np.uint8)
    aad = np.zeros(AAD_ROOM, np.uint8)
    flat = keys.encryption.reshape(-1)
    for item in range(security.shape[0]):
        row = frames.key_row[item]
        if row < 0:
            continue
        set_iv(iv, frames.title[item], frames.counter[item])
        mode = security[item] & PROTECTED
        set_aad(aad, security[item], keys.authentication, row)
        first, length, place = frames.start[item], frames.length[item], frames.out_start[item]
        key = row * KEY_LENGTH
        if mode == PROTECTED:
            good[item] = unseal(ctx, flat, key, iv, aad, AAD_LENGTH, data, first, length, out, place)
        elif mode == ENCRYPTED:
            good[item] = decrypt(ctx, flat, key, iv, data, first, length, out, place)
        elif mode == AUTHENTICATED:
            good[item] = verify(ctx, flat, key, iv, aad, AAD_LENGTH, data, first, length, out, place)


@allocating_kernel
def seal_loop(ctx, keys, frames, plain, out):  # type: ignore[no-untyped-def]
    """See `pipeline.gcm.seal_batch`; the frame that libcrypto refused, or the number of frames."""
    iv = np.zeros(IV_ROOM, np.uint8)
    aad = np.zeros(AAD_ROOM, np.uint8)
    flat = keys.encryption.reshape(-1)
    for item in range(frames.key_row.shape[0]):
        row = frames.key_row[item]
        if row < 0:
            continue
        set_iv(iv, frames.title[item], frames.counter[item])
        set_aad(aad, PROTECTED, keys.authentication, row)
        first, length, place = frames.start[item], frames.length[item], frames.out_start[item]
        if not seal(ctx, flat, row * KEY_LENGTH, iv, aad, AAD_LENGTH, plain, first, length, out, place):
            return item
    return frames.key_row.shape[0]
