"""Frames that a meter sends unasked in an association: event notifications and data notifications."""

from __future__ import annotations

EVENT, DATA, CIPHERED_EVENT, DEDICATED_EVENT = 0xC2, 0x0F, 0xCA, 0xD2
PUSHES = (EVENT, DATA)
_TAGS = (*PUSHES, CIPHERED_EVENT, DEDICATED_EVENT)
_WRAPPER_OCTETS = 8
_UNNUMBERED = 0x03
"""Control octet of UI, poll/final bit aside."""
_LLC = b"\xe6\xe7\x00"


def is_push(frame: bytes, framing: str, begins: bool) -> bool:
    """Whether it is no answer whatever was asked; `begins`: an APDU begins with it (HDLC: no further segment)."""
    if framing != "hdlc":
        return frame[_WRAPPER_OCTETS : _WRAPPER_OCTETS + 1] in [bytes([tag]) for tag in _TAGS]
    place = _control_place(frame)
    if place >= len(frame):
        return False
    if frame[place] & ~0x10 == _UNNUMBERED:
        return True
    # Behind the control octet: its check sequence, the LLC header, the APDU.
    body = frame[place + 3 :]
    return begins and not frame[place] & 1 and body[:3] == _LLC and len(body) > 3 and body[3] in _TAGS


def is_numbered(frame: bytes) -> bool:
    """Whether an HDLC frame is an I frame, which both sides count."""
    place = _control_place(frame)
    return place < len(frame) and not frame[place] & 1


def _control_place(frame: bytes) -> int:
    """Behind flag, format (2) and two addresses, each of which ends with the octet whose lowest bit is set."""
    place = 3
    for _ in range(2):
        while place < len(frame) and not frame[place] & 1:
            place += 1
        place += 1
    return place
