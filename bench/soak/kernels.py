"""Frames into a stream: a WRAPPER header (IEC 62056-47) in front of each, no Python a frame."""

from __future__ import annotations

from pipeline.jit import kernel

WRAPPER_OCTETS = 8
VERSION, CLIENT, SERVER = 1, 1, 1


@kernel
def wrap(payload, length, taken, out):  # type: ignore[no-untyped-def]
    """Frames `payload` u8 with `length` u32 (n,), those with `taken` bool (n,), to `out` u8; returns its octets.

    `out` must have room for all octets of the payload and WRAPPER_OCTETS a frame.
    """
    begin, end = 0, 0
    for row in range(length.shape[0]):
        octets = int(length[row])
        if taken[row]:
            out[end], out[end + 1] = 0, VERSION
            out[end + 2], out[end + 3] = 0, CLIENT
            out[end + 4], out[end + 5] = 0, SERVER
            out[end + 6], out[end + 7] = octets >> 8, octets & 255
            end += WRAPPER_OCTETS
            for octet in range(octets):
                out[end + octet] = payload[begin + octet]
            end += octets
        begin += octets
    return end
