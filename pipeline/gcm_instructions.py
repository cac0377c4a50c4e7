"""AES-128-GCM (NIST SP 800-38D) in kernels by the processor's own instructions; see `pipeline.gcm`.

A frame has a key of its own and some five blocks, so what counts is how soon a key is ready, not how fast a long text
goes by: the keys of the rounds stay in registers, and the first blocks are enciphered together with the two that every
frame needs. The tag is judged before anything is deciphered. Lengths, control octets and the verdict decide branches
and addresses; keys, texts and tags do not.
"""

from __future__ import annotations

import numpy as np

from pipeline.aes_block import OCTETS, load, load_part, of_words, reversed_octets, store, store_part, words_of, xor
from pipeline.aes_ghash import add, hash_key, product, reduce
from pipeline.aes_rounds import counter_block, encrypt, expand
from pipeline.gcm_frames import AAD_LENGTH, AAD_ROOM, IV_ROOM, PROTECTED, set_aad, set_iv
from pipeline.gcm_single import AUTHENTICATED, ENCRYPTED, KEY_LENGTH
from pipeline.jit import allocating_kernel, inlined, kernel, peek4, peek8, poke4, poke8

FIRST = 6
"""Blocks of a text that are enciphered with the two that every frame needs."""

GROUP = 8
"""Further blocks that are enciphered together."""

LONG = 128
"""Octets from which on four blocks are hashed at once: two more powers of the hash key must be made for it."""


@inlined
def begin(key, key_start, iv):  # type: ignore[no-untyped-def]
    """(keys of the rounds, start of counter blocks, hash key and its square, tag's block, stream of FIRST blocks)."""
    keys = expand(load(key, key_start))
    start = of_words(np.uint64(peek8(iv, 0)), np.uint64(peek4(iv, 8)))
    zeros = of_words(np.uint64(0), np.uint64(0))
    made = encrypt(
        keys,
        (
            zeros, counter_block(start, 1), counter_block(start, 2), counter_block(start, 3), counter_block(start, 4),
            counter_block(start, 5), counter_block(start, 6), counter_block(start, 7),
        ),
    )  # fmt: skip
    once = hash_key(reversed_octets(made[0]))
    return keys, start, once, reduce(product(once, once)), made[1], made[2:]


@inlined
def block_at(octets, place, left):  # type: ignore[no-untyped-def]
    """The block at `place`, of which `left` octets are there, as GHASH takes it."""
    return reversed_octets(load(octets, place) if left >= OCTETS else load_part(octets, place, left))


@kernel
def absorb_fours(total, octets, place, length, once, twice):  # type: ignore[no-untyped-def]
    """Hash so far, and `length` octets behind it, a multiple of four blocks."""
    thrice, four_times = reduce(product(twice, once)), reduce(product(twice, twice))
    for first in range(place, place + length, 4 * OCTETS):
        one = product(xor(total, block_at(octets, first, OCTETS)), four_times)
        two = product(block_at(octets, first + OCTETS, OCTETS), thrice)
        three = product(block_at(octets, first + 2 * OCTETS, OCTETS), twice)
        four = product(block_at(octets, first + 3 * OCTETS, OCTETS), once)
        total = reduce(add(add(one, two), add(three, four)))
    return total


@inlined
def absorb_pairs(total, octets, place, length, once, twice):  # type: ignore[no-untyped-def]
    """Hash so far, and octets behind it up to the last block at most; (hash, octets that are left, their place)."""
    if length >= LONG:
        whole = length & -(4 * OCTETS)
        total = absorb_fours(total, octets, place, whole, once, twice)
        length -= whole
        place += whole
    while length > OCTETS:
        first = product(xor(total, block_at(octets, place, OCTETS)), twice)
        total = reduce(add(first, product(block_at(octets, place + OCTETS, length - OCTETS), once)))
        place += 2 * OCTETS
        length -= 2 * OCTETS
    return total, length, place


@inlined
def absorb(octets, place, length, once, twice):  # type: ignore[no-untyped-def]
    """Hash of octets, filled up with zeros to a whole block."""
    total, left, place = absorb_pairs(of_words(np.uint64(0), np.uint64(0)), octets, place, length, once, twice)
    return reduce(product(xor(total, block_at(octets, place, left)), once)) if left > 0 else total


@inlined
def absorb_end(total, octets, place, length, lengths, once, twice):  # type: ignore[no-untyped-def]
    """Hash so far, octets behind it filled up to a whole block, and the block of lengths."""
    total, left, place = absorb_pairs(total, octets, place, length, once, twice)
    if left > 0:
        return reduce(add(product(xor(total, block_at(octets, place, left)), twice), product(lengths, once)))
    return reduce(product(xor(total, lengths), once))


@inlined
def tag_words(total, tag_block):  # type: ignore[no-untyped-def]
    """The tag's 16 octets as two u64, of which 12 octets count."""
    return words_of(xor(reversed_octets(total), tag_block))


@inlined
def is_tag(total, tag_block, octets, place):  # type: ignore[no-untyped-def]
    """Whether the 12 octets at `place` are the tag; all of them are compared."""
    low, high = tag_words(total, tag_block)
    differs = (low ^ np.uint64(peek8(octets, place))) | (
        (high & np.uint64(0xFFFF_FFFF)) ^ np.uint64(peek4(octets, place + 8))
    )
    return differs == 0


@inlined
def cross(octets, place, out, target, left, stream):  # type: ignore[no-untyped-def]
    """A block of text against a block of the key stream; `left` octets of the text remain, perhaps none."""
    if left >= OCTETS:
        store(out, target, xor(load(octets, place), stream))
    elif left > 0:
        store_part(out, target, left, xor(load_part(octets, place, left), stream))


@inlined
def cross_all(keys, start, streams, octets, place, length, out, target):  # type: ignore[no-untyped-def]
    """The whole text against the key stream, whose first FIRST blocks are known."""
    cross(octets, place, out, target, length, streams[0])
    cross(octets, place + 16, out, target + 16, length - 16, streams[1])
    cross(octets, place + 32, out, target + 32, length - 32, streams[2])
    cross(octets, place + 48, out, target + 48, length - 48, streams[3])
    cross(octets, place + 64, out, target + 64, length - 64, streams[4])
    cross(octets, place + 80, out, target + 80, length - 80, streams[5])
    if length > FIRST * OCTETS:
        done = FIRST * OCTETS
        cross_more(keys, start, octets, place + done, length - done, out, target + done)


@kernel
def cross_more(keys, start, octets, place, length, out, target):  # type: ignore[no-untyped-def]
    """The text behind its first FIRST blocks."""
    number = 2 + FIRST
    while length > 0:
        streams = encrypt(
            keys,
            (
                counter_block(start, number), counter_block(start, number + 1), counter_block(start, number + 2),
                counter_block(start, number + 3), counter_block(start, number + 4), counter_block(start, number + 5),
                counter_block(start, number + 6), counter_block(start, number + 7),
            ),
        )  # fmt: skip
        cross(octets, place, out, target, length, streams[0])
        cross(octets, place + 16, out, target + 16, length - 16, streams[1])
        cross(octets, place + 32, out, target + 32, length - 32, streams[2])
        cross(octets, place + 48, out, target + 48, length - 48, streams[3])
        cross(octets, place + 64, out, target + 64, length - 64, streams[4])
        cross(octets, place + 80, out, target + 80, length - 80, streams[5])
        cross(octets, place + 96, out, target + 96, length - 96, streams[6])
        cross(octets, place + 112, out, target + 112, length - 112, streams[7])
        number += GROUP
        place += GROUP * OCTETS
        target += GROUP * OCTETS
        length -= GROUP * OCTETS


@kernel
def seal(_ctx, key, key_start, iv, aad, aad_length, plain, start, length, out, out_start):  # type: ignore[no-untyped-def]
    """See `pipeline.gcm.seal`; always True."""
    keys, counter, once, twice, tag_block, streams = begin(key, key_start, iv)
    cross_all(keys, counter, streams, plain, start, length, out, out_start)
    total = absorb(aad, 0, aad_length, once, twice)
    lengths = of_words(np.uint64(8 * length), np.uint64(8 * aad_length))
    total = absorb_end(total, out, out_start, length, lengths, once, twice)
    low, high = tag_words(total, tag_block)
    poke8(out, out_start + length, low)
    poke4(out, out_start + length + 8, high)
    return True


@kernel
def unseal(key, key_start, iv, aad, aad_length, data, start, length, out, out_start):  # type: ignore[no-untyped-def]
    """Plaintext of data[start:start+length] to out[out_start:]; False when the tag behind the ciphertext does not fit.

    Arguments as for `seal`; on False `out` is left as it was.
    """
    keys, counter, once, twice, tag_block, streams = begin(key, key_start, iv)
    total = absorb(aad, 0, aad_length, once, twice)
    lengths = of_words(np.uint64(8 * length), np.uint64(8 * aad_length))
    total = absorb_end(total, data, start, length, lengths, once, twice)
    if not is_tag(total, tag_block, data, start + length):
        return False
    cross_all(keys, counter, streams, data, start, length, out, out_start)
    return True


@kernel
def decrypt(key, key_start, iv, data, start, length, out, out_start):  # type: ignore[no-untyped-def]
    """As `unseal` for frames that are encrypted but carry no tag (SC 20): nothing is proved."""
    keys, counter, _, _, _, streams = begin(key, key_start, iv)
    cross_all(keys, counter, streams, data, start, length, out, out_start)


@kernel
def verify(key, key_start, iv, aad, aad_length, data, start, length, out, out_start):  # type: ignore[no-untyped-def]
    """As `unseal` for frames that are authenticated and not encrypted (SC 10): data[start:start+length] is copied.

    `aad` needs room up to a whole block: the first octets of the text are written there, as they share one.
    """
    _, _, once, twice, tag_block, _ = begin(key, key_start, iv)
    shared = min(length, -aad_length & (OCTETS - 1))
    for place in range(shared):
        aad[aad_length + place] = data[start + place]
    total = absorb(aad, 0, aad_length + shared, once, twice)
    lengths = of_words(np.uint64(0), np.uint64(8 * (aad_length + length)))
    total = absorb_end(total, data, start + shared, length - shared, lengths, once, twice)
    if not is_tag(total, tag_block, data, start + length):
        return False
    for place in range(length):
        out[out_start + place] = data[start + place]
    return True


@allocating_kernel
def unseal_loop(_ctx, keys, frames, security, data, out, good):  # type: ignore[no-untyped-def]
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
            good[item] = unseal(flat, key, iv, aad, AAD_LENGTH, data, first, length, out, place)
        elif mode == ENCRYPTED:
            decrypt(flat, key, iv, data, first, length, out, place)
            good[item] = True
        elif mode == AUTHENTICATED:
            good[item] = verify(flat, key, iv, aad, AAD_LENGTH, data, first, length, out, place)


@allocating_kernel
def seal_loop(_ctx, keys, frames, plain, out):  # type: ignore[no-untyped-def]
    """See `pipeline.gcm.seal_batch`; the number of frames."""
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
        seal(0, flat, row * KEY_LENGTH, iv, aad, AAD_LENGTH, plain, first, length, out, place)
    return frames.key_row.shape[0]
