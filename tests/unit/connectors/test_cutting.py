"""Streams of HDLC and M-Bus, cut into what one APDU came in; against plain Python that reads the same octets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.gather.cutting import cut_hdlc, cut_mbus
from connectors.gather.kernels import TOO_LONG, UNREADABLE

LIMIT = 400


def hdlc(information: bytes, segmented: bool = False) -> bytes:
    """A frame without its flags; check sequences are not looked at here."""
    body = b"\x03\x21\x13\x00\x00" + information + b"\x00\x00"
    form = 0xA000 | (0x0800 if segmented else 0) | (len(body) + 2)
    return form.to_bytes(2, "big") + body


def mbus(payload: bytes, control_information: int = 0x10) -> bytes:
    body = b"\x53\xff" + bytes([control_information]) + b"\x01\x67" + payload
    return b"\x68" + bytes([len(body)] * 2) + b"\x68" + body + bytes([sum(body) & 0xFF]) + b"\x16"


def cut(kernel: Any, parts: list[bytes], limit: int = LIMIT) -> tuple[list[bytes], bytes, int]:
    """(pieces, what is left, code) of a stream that comes in these parts."""
    offsets, lengths = np.empty(3, np.int64), np.empty(3, np.uint32)
    pieces: list[bytes] = []
    rest = b""
    for part in parts:
        rest += part
        used, code, found = 0, 0, 3
        while found == 3:
            found, used, code = kernel(np.frombuffer(rest, np.uint8), used, len(rest), limit, offsets, lengths)
            pieces += [rest[offsets[item] : offsets[item] + lengths[item]] for item in range(found)]
        rest = rest[used:]
        if code:
            return pieces, rest, code
    return pieces, rest, 0


def hdlc_oracle(stream: bytes, limit: int) -> tuple[list[bytes], bytes, int]:
    """Octet by octet, with a list where the kernel has places."""
    pieces: list[bytes] = []
    while stream:
        if stream[0] != 0x7E:
            return pieces, stream, UNREADABLE
        stream = b"\x7e" + stream.lstrip(b"\x7e")
        piece = b""
        behind = stream
        while True:
            idle = len(behind) - len(behind.lstrip(b"\x7e"))
            piece, behind = piece + behind[: idle - 1], behind[idle - 1 :]
            if len(piece) + 1 > limit:
                return pieces, stream, TOO_LONG
            if behind[1:] and behind[1] >> 4 != 0xA:
                return pieces, stream, UNREADABLE
            if len(behind) < 3:
                return pieces, stream, 0
            form = int.from_bytes(behind[1:3], "big")
            length = form & 0x7FF
            if length < 7:
                return pieces, stream, UNREADABLE
            if len(piece) + length + 2 > limit:
                return pieces, stream, TOO_LONG
            if len(behind) < length + 2:
                return pieces, stream, 0
            if behind[length + 1] != 0x7E:
                return pieces, stream, UNREADABLE
            piece, behind = piece + behind[: length + 1], behind[length + 1 :]
            if not form & 0x800:
                break
        pieces.append(piece + b"\x7e")
        stream = behind
    return pieces, stream, 0


def mbus_oracle(stream: bytes, limit: int) -> tuple[list[bytes], bytes, int]:
    pieces: list[bytes] = []
    while stream:
        at = 0
        while True:
            frame = stream[at:]
            heads = (frame[:1] in (b"", b"\x68"), len(frame) < 3 or frame[1] == frame[2],
                     frame[3:4] in (b"", b"\x68"))  # fmt: skip
            if not all(heads):
                return pieces, stream, UNREADABLE
            if len(frame) < 4:
                return pieces, stream, 0
            length = frame[1]
            if length < 3:
                return pieces, stream, UNREADABLE
            if at + length + 6 > limit:
                return pieces, stream, TOO_LONG
            if len(frame) < length + 6:
                return pieces, stream, 0
            if frame[length + 5] != 0x16:
                return pieces, stream, UNREADABLE
            at += length + 6
            if frame[6] > 0x1F or frame[6] & 0x10:
                break
        pieces.append(stream[:at])
        stream = stream[at:]
    return pieces, stream, 0


@st.composite
def hdlc_stream(draw: st.DrawFn) -> tuple[list[bytes], bytes]:
    """Pieces, and a stream of them with flags shared, doubled, or filling the time."""
    pieces, stream = [], b""
    for segments in draw(st.lists(st.lists(st.binary(max_size=30), min_size=1, max_size=4), max_size=6)):
        inner = b""
        for place, information in enumerate(segments):
            between = b"\x7e" * draw(st.integers(1, 3)) if place else b""
            inner += between + hdlc(information, place + 1 < len(segments))
        pieces.append(b"\x7e" + inner + b"\x7e")
        stream = stream or b"\x7e"
        stream += b"\x7e" * draw(st.integers(0, 2)) + inner + b"\x7e"
    return pieces, stream


def pieces_of(stream: bytes, data: st.DataObject) -> list[bytes]:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    return [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]


@given(hdlc_stream(), st.data())
@settings(max_examples=80)
def test_an_hdlc_stream_is_cut_the_same_however_it_is_split(
    made: tuple[list[bytes], bytes], data: st.DataObject
) -> None:
    pieces, stream = made
    assert cut(cut_hdlc, pieces_of(stream, data)) == (pieces, b"\x7e" if stream else b"", 0)


@given(st.lists(st.lists(st.binary(max_size=60), min_size=1, max_size=3), max_size=5), st.data())
@settings(max_examples=80)
def test_an_mbus_stream_is_cut_the_same_however_it_is_split(made: list[list[bytes]], data: st.DataObject) -> None:
    pieces = [
        b"".join(mbus(part, number | (0x10 if number + 1 == len(parts) else 0)) for number, part in enumerate(parts))
        for parts in made
    ]
    assert cut(cut_mbus, pieces_of(b"".join(pieces), data)) == (pieces, b"", 0)


OCTETS = st.lists(
    st.one_of(
        st.sampled_from([b"\x7e", b"\x7e\x7e", b"\xa0\x09", b"\x68\x05\x05\x68", b"\x68", b"\x16", b"\x03\x03"]),
        st.builds(hdlc, st.binary(max_size=12), st.booleans()),
        st.builds(mbus, st.binary(max_size=12), st.sampled_from([0, 0x10, 0x11, 0x72])),
        st.binary(max_size=6),
    ),
    max_size=10,
).map(b"".join)


@pytest.mark.parametrize(
    ("kernel", "oracle", "begin"), [(cut_hdlc, hdlc_oracle, b"\x7e"), (cut_mbus, mbus_oracle, b"\x68")]
)
@given(octets=OCTETS, limit=st.sampled_from([12, 20, 40, LIMIT]))
@settings(max_examples=300)
def test_of_any_octets_the_kernel_makes_what_plain_python_makes(
    kernel: Any, oracle: Callable[[bytes, int], Any], begin: bytes, octets: bytes, limit: int
) -> None:
    for stream in (octets, begin + octets):
        assert cut(kernel, [stream], limit) == oracle(stream, limit)


def test_flags_without_end_inside_a_piece_are_bounded() -> None:
    stream = b"\x7e" + hdlc(b"first", segmented=True) + b"\x7e" * 1000
    assert cut(cut_hdlc, [stream])[2] == TOO_LONG
