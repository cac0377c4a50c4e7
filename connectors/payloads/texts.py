"""Frames as text: hex and base64. What is no text of the form raises PayloadError."""

from __future__ import annotations

import binascii
import re

SPACE = b" \t\r\n"
HEX_BETWEEN = SPACE + b":-"
URL_SAFE = bytes.maketrans(b"-_", b"+/")

_HEX = re.compile(rb"[0-9A-Fa-f\s:\-]+")
_BASE64 = re.compile(rb"[A-Za-z0-9+/_\-\s]+={0,2}\s*")
LEAST_HEX, LEAST_BASE64 = 4, 12
FIRST_OCTETS = frozenset(
    b"\x00\x0e\x0f\x21\x28\x60\x61\x62\x63\x68\x7e" + bytes(range(0xC0, 0xE1)) + b"\xe6\xe7"
)  # fmt: skip
"""Of frames. Text is taken for base64 by itself only where one of these comes out first."""


class PayloadError(ValueError):
    """A payload is not of its form; the message says why."""


def from_hex(text: bytes) -> bytes:
    """Octets of hex digits; white space, : and - between them say nothing."""
    try:
        found = binascii.unhexlify(text.translate(None, HEX_BETWEEN))
    except ValueError as error:
        raise PayloadError(f"no hex: {str(error)[:80]}") from error
    if not found:
        raise PayloadError("no hex: there are no digits")
    return found


def from_base64(text: bytes) -> bytes:
    """Octets of base64 (RFC 4648), of the alphabet for URLs too; the padding may be missing."""
    digits = text.translate(URL_SAFE, SPACE)
    try:
        found = binascii.a2b_base64(digits + b"=" * (-len(digits) % 4), strict_mode=True)
    except ValueError as error:
        raise PayloadError(f"no base64: {str(error)[:80]}") from error
    if not found:
        raise PayloadError("no base64: there are no digits")
    return found


def from_either(text: bytes) -> bytes | None:
    """What looks like one of the two, hex first; None: neither."""
    if _HEX.fullmatch(text):
        digits = text.translate(None, HEX_BETWEEN)
        if len(digits) >= LEAST_HEX and len(digits) % 2 == 0:
            return binascii.unhexlify(digits)
    if len(text) >= LEAST_BASE64 and _BASE64.fullmatch(text):
        try:
            found = from_base64(text)
        except PayloadError:
            return None
        if found[0] in FIRST_OCTETS:
            return found
    return None
