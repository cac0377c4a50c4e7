"""MurmurHash2 in plain Python, with the seed of Kafka's clients."""

from __future__ import annotations

SEED, MULTIPLIER, WORD = 0x9747B28C, 0x5BD1E995, 0xFFFFFFFF


def murmur2(key: bytes) -> int:
    """Hash of a key, 0 to 2**32 - 1."""
    state = SEED ^ len(key)
    whole = len(key) - len(key) % 4
    for at in range(0, whole, 4):
        word = int.from_bytes(key[at : at + 4], "little") * MULTIPLIER & WORD
        word = (word ^ (word >> 24)) * MULTIPLIER & WORD
        state = (state * MULTIPLIER & WORD) ^ word
    if whole < len(key):
        state = (state ^ int.from_bytes(key[whole:], "little")) * MULTIPLIER & WORD
    state = (state ^ (state >> 13)) * MULTIPLIER & WORD
    return state ^ (state >> 15)
