"""An independent way to read a simulated frame: the `cryptography` package and a few lines of A-XDR."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import GCM

IST_SECS = 19_800


@dataclass(frozen=True)
class Read:
    title: int
    counter: int
    name: str
    logical_name: bytes
    stamp: int
    status: int
    values: list[Any]


@dataclass(frozen=True)
class ReadProfile:
    """stamps: None where a row has null-data in place of its clock."""

    title: int
    counter: int
    name: str
    stamps: list[int | None]
    rows: list[list[Any]]


def read(frame: bytes, encryption: bytes, authentication: bytes) -> Read:
    """Raises InvalidTag when the keys or the bytes are not the right ones."""
    title, counter, (name, logical_name, clock, *values) = _opened(frame, encryption, authentication)
    return Read(title, counter, name.decode(), logical_name, clock_time(clock), clock[11], values)


def read_profile(frame: bytes, encryption: bytes, authentication: bytes) -> ReadProfile:
    """The same for a push with the buffer of a profile."""
    title, counter, (name, logical_name, buffer) = _opened(frame, encryption, authentication)
    assert logical_name == bytes((0, 5, 25, 9, 0, 255))
    stamps = [None if clock is None else clock_time(clock) for clock, *_ in buffer]
    return ReadProfile(title, counter, name.decode(), stamps, [values for _, *values in buffer])


def _opened(frame: bytes, encryption: bytes, authentication: bytes) -> tuple[int, int, list[Any]]:
    """System title, counter and the items of the push."""
    if frame[:2] == b"\x00\x01":
        assert int.from_bytes(frame[6:8], "big") == len(frame) - 8
        frame = frame[8:]
    assert frame[:2] == b"\xdb\x08"
    title, rest = frame[2:10], frame[10:]
    length, rest = (rest[0], rest[1:]) if rest[0] < 0x80 else _long(rest)
    assert length == len(rest)
    assert rest[0] == 0x30
    opened = Cipher(AES(encryption), GCM(title + rest[1:5], rest[-12:], min_tag_length=12)).decryptor()
    opened.authenticate_additional_data(b"\x30" + authentication)
    plain = opened.update(rest[5:-12]) + opened.finalize()
    assert plain[0] == 0x0F
    assert plain[5] == 0
    items, end = _value(plain, 6)
    assert end == len(plain)
    return int.from_bytes(title, "big"), int.from_bytes(rest[1:5], "big"), items


def clock_time(clock: bytes) -> int:
    local = datetime(int.from_bytes(clock[:2], "big"), clock[2], clock[3], *clock[5:8], tzinfo=UTC)
    return int(local.timestamp()) - IST_SECS


def _long(rest: bytes) -> tuple[int, bytes]:
    octets = rest[0] & 0x7F
    return int.from_bytes(rest[1 : 1 + octets], "big"), rest[1 + octets :]


def _value(raw: bytes, at: int) -> tuple[Any, int]:
    tag, at = raw[at], at + 1
    if tag == 0:
        return None, at
    if tag in (1, 2):
        count, at = raw[at], at + 1
        items = []
        for _ in range(count):
            item, at = _value(raw, at)
            items.append(item)
        return items, at
    if tag == 9:
        return raw[at + 1 : at + 1 + raw[at]], at + 1 + raw[at]
    if tag == 4:
        assert raw[at : at + 2] == b"\x81\x80"
        return int.from_bytes(raw[at + 2 : at + 18], "big"), at + 18
    form = {23: ">f", 6: ">I", 18: ">H", 16: ">h", 17: ">B", 15: ">b", 3: ">?"}[tag]
    size = struct.calcsize(form)
    return struct.unpack(form, raw[at : at + size])[0], at + size
