"""Which framing a connection or datagram has: its first octets say it, and it stays so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from connectors.gather.cutting import cut_hdlc, cut_mbus
from connectors.gather.kernels import cut_wrapper


@dataclass(frozen=True)
class Framing:
    """`cut`: the kernel; `idle`: what is left of a stream when nothing is begun."""

    name: str
    cut: Any
    idle: bytes = b""


WRAPPER = Framing("WRAPPER", cut_wrapper)
HDLC = Framing("HDLC", cut_hdlc, b"\x7e")
MBUS = Framing("M-Bus", cut_mbus)

_BY_FIRST_OCTET = {0x7E: HDLC, 0x68: MBUS}


def of_stream(stream: bytes) -> Framing:
    """Of a stream that is not empty: 7E is HDLC, 68 an M-Bus long frame; all else must be WRAPPER."""
    return _BY_FIRST_OCTET.get(stream[0], WRAPPER)


def of_datagram(octets: bytes) -> Framing | None:
    """None: the datagram is one frame without framing, or whatever else."""
    if octets[:2] == b"\x00\x01":
        return WRAPPER
    if octets[:1] == b"\x7e":
        return HDLC
    # 68 alone may be the tag of a ciphered service.
    return MBUS if octets[:1] == b"\x68" == octets[3:4] and octets[1:2] == octets[2:3] else None
