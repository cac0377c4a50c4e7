"""The signature of a request: HMAC-SHA256 over its time and its body, so that it can be neither changed nor sent later.

Header `Kvarn-Signature: t=SECONDS,v1=HEX`; HEX is the HMAC of `SECONDS.` and the body under the secret. A receiver
computes the same, compares in constant time, and refuses a time that is more than some minutes away.
"""

from __future__ import annotations

import hashlib
import hmac

HEADER = "Kvarn-Signature"


def sign(secret: bytes, time: int, body: bytes) -> str:
    """The header's value. time: epoch seconds."""
    return f"t={time},v1={_mac(secret, time, body)}"


def is_signed(secret: bytes, header: str, body: bytes, now: int, tolerance_secs: int = 300) -> bool:
    """Whether a request is of who has the secret, and new enough; for receivers written in Python, and the tests."""
    parts = dict(part.split("=", 1) for part in header.split(",") if "=" in part)
    time = parts.get("t", "")
    if not (time.isascii() and time.isdecimal()) or abs(now - int(time)) > tolerance_secs:
        return False
    return hmac.compare_digest(parts.get("v1", ""), _mac(secret, int(time), body))


def _mac(secret: bytes, time: int, body: bytes) -> str:
    return hmac.new(secret, f"{time}.".encode() + body, hashlib.sha256).hexdigest()
