"""One frame to values with gurux-dlms, by its own cipher in Python or by that of `cryptography`.

gurux-dlms is GPL-2.0; it is imported here and in bench.naive alone, and nothing of the product needs it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from gurux_dlms import GXByteBuffer, GXReplyData
from gurux_dlms.enums import Authentication, InterfaceType, Security
from gurux_dlms.GXCiphering import GXCiphering
from gurux_dlms.secure import GXDLMSSecureClient

from pipeline.gcm_single import TAG_LENGTH, unseal_one

IST_SECS = 19_800
TITLE_AT, SECURITY_OCTETS = 2, 5
CLOCK_AT, FIRST_COLUMN = 2, 3
FRAMINGS = {"pdu": InterfaceType.PDU, "hdlc": InterfaceType.HDLC}

# It says on standard output of each frame how it was protected.
sys.modules["gurux_dlms.GXDLMSChippering"].print = lambda *_: None  # type: ignore[attr-defined]


class Reader:
    """A client for all meters; making one a frame would take longer than the rest."""

    def __init__(self, framing: str) -> None:
        # The meter pushes from server 1 to client 64.
        self._client = GXDLMSSecureClient(True, 64, 1, Authentication.NONE, None, FRAMINGS[framing])
        self._client.ciphering.security = Security.AUTHENTICATION_ENCRYPTION

    def read(self, frame: bytes, title: bytes, encryption: bytes, authentication: bytes) -> Any:
        """The values of the push as gurux-dlms gives them: a list."""
        ciphering = self._client.ciphering
        ciphering.systemTitle, ciphering.blockCipherKey = title, encryption
        ciphering.authenticationKey = authentication
        reply, notify = GXReplyData(), GXReplyData()
        self._client.getData(GXByteBuffer(frame), reply, notify)
        return reply.value if notify.value is None else notify.value


def _decrypt(_cls: type, settings: Any, parameters: Any, data: Any) -> bytearray:
    """In place of GXCiphering.decrypt: general-glo-ciphering of suite 0 by `cryptography`."""
    raw = bytes(data.array())[data.position :]
    title = int.from_bytes(raw[TITLE_AT : TITLE_AT + 8], "big")
    at = TITLE_AT + 8
    at += 1 + max(0, raw[at] - 0x80)
    keys = (bytes(settings.cipher.blockCipherKey), bytes(settings.cipher.authenticationKey))
    counter = int.from_bytes(raw[at + 1 : at + SECURITY_OCTETS], "big")
    plain = unseal_one(raw[at], keys, title, counter, raw[at + SECURITY_OCTETS : -TAG_LENGTH], raw[-TAG_LENGTH:])
    if plain is None:
        raise ValueError("the tag does not fit")
    data.position = data.position + len(raw)
    parameters.security, parameters.invocationCounter = Security(raw[at] & 0x30), counter
    return bytearray(plain)


@contextmanager
def cipher(name: str) -> Iterator[None]:
    """gurux-dlms with its own cipher ("gurux"), or that of "cryptography"."""
    own = GXCiphering.__dict__["decrypt"]
    if name == "cryptography":
        GXCiphering.decrypt = classmethod(_decrypt)
    try:
        yield
    finally:
        GXCiphering.decrypt = own


def said(values: Sequence[Any], interval_secs: int) -> list[list[int]]:
    """Rows as `bench.decode.work.truth_of` has them, of a push or of the buffer of a profile in one."""
    buffer = values[CLOCK_AT]
    rows = buffer if isinstance(buffer, list) else [values[CLOCK_AT:]]
    found: list[list[int]] = []
    for row in rows:
        stamp = found[-1][0] + interval_secs if row[0] is None else _epoch(row[0])
        volts, *energies = row[1:6]
        currents = row[6:8]
        found.append([stamp, *(round(1000 * value) for value in (*energies, volts, *currents))])
    return found


def _epoch(clock: Any) -> int:
    """COSEM date-time, IEC 62056-6-2, in Indian time."""
    year = int.from_bytes(clock[:2], "big")
    moment = datetime(year, clock[2], clock[3], clock[5], clock[6], clock[7], tzinfo=UTC)
    return int(moment.timestamp()) - IST_SECS
