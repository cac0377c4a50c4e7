"""One general-glo-ciphered block push to values, with gurux-dlms.

Its AES is plain Python. `cryptography` decrypts instead where the cipher says so, and gurux-dlms reads the
Data-Notification inside: whoever measures it would do that next.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from gurux_dlms import GXByteBuffer, GXReplyData
from gurux_dlms.enums import Authentication, InterfaceType, Security
from gurux_dlms.secure import GXDLMSSecureClient

TAG_OCTETS = 12
TITLE, HEAD = slice(2, 10), 16
"""Of a frame: tag, length of the title, title, length, security control, counter; then ciphertext and tag."""
CLOCK_AT, ENERGIES_AT = 2, 4
IST_SECS = 19_800

# It says on standard output of each frame how it was protected.
sys.modules["gurux_dlms.GXDLMSChippering"].print = lambda *_: None  # type: ignore[attr-defined]

Keys = Mapping[bytes, tuple[bytes, bytes]]
"""System title -> encryption key, authentication key."""


@dataclass(frozen=True)
class Push:
    """What one frame says; energies Wh, VAh import, Wh, VAh export."""

    title: bytes
    counter: int
    stamp: int
    energies: tuple[int, ...]


class Decoder:
    """One client for all meters: making one a frame would take longer than the rest."""

    def __init__(self, keys: Keys, cipher: str) -> None:
        self._keys, self._own_aes = keys, cipher == "gurux"
        self._client = GXDLMSSecureClient(True, 16, 1, Authentication.NONE, None, InterfaceType.PDU)
        self._client.ciphering.security = Security.AUTHENTICATION_ENCRYPTION

    def decode(self, frame: bytes) -> Push:
        """Raises ValueError, KeyError and whatever gurux-dlms raises when the frame is not good."""
        title, counter = frame[TITLE], int.from_bytes(frame[12:HEAD], "big")
        encryption, authentication = self._keys[title]
        reply = GXReplyData()
        if self._own_aes:
            ciphering = self._client.ciphering
            ciphering.systemTitle, ciphering.blockCipherKey = title, encryption
            ciphering.authenticationKey = authentication
            self._client.getData(GXByteBuffer(frame), reply, None)
        else:
            self._client.getData(GXByteBuffer(_opened(frame, encryption, authentication)), reply, None)
        values = reply.value
        taken, apparent, given, back = values[ENERGIES_AT : ENERGIES_AT + 4]
        return Push(
            title, counter, _epoch(values[CLOCK_AT]), tuple(round(1000 * v) for v in (taken, apparent, given, back))
        )


def _opened(frame: bytes, encryption: bytes, authentication: bytes) -> bytes:
    iv, tag = frame[TITLE] + frame[12:HEAD], frame[-TAG_OCTETS:]
    opened = Cipher(algorithms.AES(encryption), modes.GCM(iv, tag, TAG_OCTETS)).decryptor()
    opened.authenticate_additional_data(frame[11:12] + authentication)
    return opened.update(frame[HEAD:-TAG_OCTETS]) + opened.finalize()


def _epoch(clock: bytearray) -> int:
    """COSEM date-time, IEC 62056-6-2 section 4.1.6.1, in Indian time."""
    year, month, day = int.from_bytes(clock[:2], "big"), clock[2], clock[3]
    moment = datetime(year, month, day, clock[5], clock[6], clock[7], tzinfo=UTC)
    return int(moment.timestamp()) - IST_SECS
