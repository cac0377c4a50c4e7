"""Pieces of Avro's binary encoding (specification 1.11), for what is the same in many records."""

from __future__ import annotations

from collections.abc import Sequence


def avro_long(value: int) -> bytes:
    """A zigzag number."""
    rest = value << 1 if value >= 0 else (-value << 1) - 1
    out = bytearray()
    while rest > 127:
        out.append(rest & 127 | 128)
        rest >>= 7
    out.append(rest)
    return bytes(out)


def avro_string(text: str) -> bytes:
    """Length as a zigzag number, then UTF-8."""
    raw = text.encode()
    return avro_long(len(raw)) + raw


def avro_map(items: Sequence[tuple[str, str]]) -> bytes:
    """A map of strings, in the order given."""
    body = b"".join(avro_string(key) + avro_string(value) for key, value in items)
    return avro_long(len(items)) + body + b"\x00" if items else b"\x00"
