"""Ciphering of gurux-dlms's client by our own AES-GCM.

The library's own, in Python, takes a thousand times as long, does not look at the tag of what it decrypts, and prints
to standard output. So its two functions are replaced in this process, which is why it must be one of its own. What an
answer must be is judged here: the protection that was asked for, the meter's title, and a counter that only grows.

Layouts: IEC 62056-5-3, glo-ciphered APDUs: tag, length, security control, counter u32, octets, tag (12); general-glo
has the system title (8) behind its tag.
"""

from __future__ import annotations

import hmac
from typing import Any

from gurux_dlms.enums import Security
from gurux_dlms.GXByteBuffer import GXByteBuffer
from gurux_dlms.GXCiphering import GXCiphering
from gurux_dlms.GXDLMS import GXDLMS

from pipeline.gcm_single import AUTHENTICATED, TAG_LENGTH, seal_one, unseal_one
from pipeline.octets import FrameError, length_octets, read_length

GENERAL = (0xDB, 0xDC)
HEAD = 5
"""Octets of security control and counter."""
TITLE_LENGTH = 8


class Unsealed(ValueError):
    """An answer that is not protected as it must be."""


class Cipher(GXCiphering):
    """The state of one association: keys, our counter, and what of the meter's protection has been seen."""

    def __init__(self, title: bytes, encryption: bytes, authentication: bytes, control: int) -> None:
        super().__init__(bytearray(title))
        self.blockCipherKey = bytearray(encryption)
        self.authenticationKey = bytearray(authentication)
        self.security = Security(control)
        self.control = control
        self.opened = 0
        self.newest = -1

    @property
    def keys(self) -> tuple[bytes, bytes]:
        """Encryption and authentication key."""
        return bytes(self.blockCipherKey), bytes(self.authenticationKey)


def _encrypt(_cls: type, parameters: Any, data: Any) -> bytearray:
    """In place of GXCiphering.encrypt."""
    plain = bytes(data.array()) if isinstance(data, GXByteBuffer) else bytes(data)
    control = int(parameters.security) | int(parameters.securitySuite)
    keys = (bytes(parameters.blockCipherKey), bytes(parameters.authenticationKey))
    title, counter = bytes(parameters.systemTitle), int(parameters.invocationCounter)
    sealed = seal_one(control, keys, int.from_bytes(title, "big"), counter, plain)
    body = bytes([control]) + counter.to_bytes(4, "big") + sealed
    head = bytes([int(parameters.tag)])
    if parameters.tag in GENERAL:
        head += length_octets(len(title)) + title
    return bytearray(head + length_octets(len(body)) + body)


def _decrypt(_cls: type, settings: Any, parameters: Any, data: Any) -> bytearray:
    """In place of GXCiphering.decrypt; raises Unsealed."""
    cipher = settings.cipher
    raw = bytes(data.array())[data.position :]
    plain, control, counter = opened(raw, bytes(parameters.systemTitle or b""), cipher)
    data.position = data.position + len(raw)
    cipher.opened += 1
    parameters.security, parameters.invocationCounter = Security(control & 0x30), counter
    return bytearray(plain)


def opened(raw: bytes, title: bytes, cipher: Cipher) -> tuple[bytes, int, int]:
    """(plaintext, security control octet, counter) of a ciphered APDU of the meter `title`; raises Unsealed."""
    try:
        place = 1
        if raw[0] in GENERAL:
            if raw[1] != TITLE_LENGTH or not hmac.compare_digest(raw[2 : 2 + TITLE_LENGTH], title):
                raise Unsealed("the answer has another system title")
            place = 2 + TITLE_LENGTH
        size, place = read_length(raw, place)
    except (FrameError, IndexError) as error:
        raise Unsealed("the answer ends in its ciphering header") from error
    body = raw[place:]
    tag_length = TAG_LENGTH if body and body[0] & AUTHENTICATED else 0
    if len(title) != TITLE_LENGTH or size != len(body) or size < HEAD + tag_length:
        raise Unsealed("the answer's ciphering header and its length do not agree")
    control, counter = body[0], int.from_bytes(body[1:HEAD], "big")
    if control != cipher.control:
        raise Unsealed(f"security control {control:02X} where {cipher.control:02X} was asked for")
    if counter <= cipher.newest:
        raise Unsealed(f"counter {counter} behind {cipher.newest}")
    protected = body[HEAD : len(body) - tag_length]
    tag = body[len(body) - tag_length :] if tag_length else b""
    plain = unseal_one(control, cipher.keys, int.from_bytes(title, "big"), counter, protected, tag)
    if plain is None:
        raise Unsealed("the tag does not fit: another key, or altered octets")
    cipher.newest = counter
    return plain, control, counter


def _unread(settings: Any, reply: Any) -> None:
    """In place of reading a value out of a whole answer: it is read once, from the octets, by who asked for it.

    What else the library's own way does is done: the next answer begins with its first block.
    """
    settings.resetBlockIndex()
    reply.data.position = 0


def install() -> None:
    """Replace the library's ciphering in this process, and its reading of values; again does nothing more."""
    GXCiphering.encrypt = classmethod(_encrypt)
    GXCiphering.decrypt = classmethod(_decrypt)
    GXDLMS.getValueFromData = staticmethod(_unread)


def proof(cipher: Cipher, title: bytes, counter: int, challenge: bytes) -> bytes:
    """What HLS-5 answers to a challenge: SC, counter and tag of GMAC over SC, authentication key and challenge."""
    sealed = seal_one(AUTHENTICATED, cipher.keys, int.from_bytes(title, "big"), counter, challenge)
    return bytes([AUTHENTICATED]) + counter.to_bytes(4, "big") + sealed[-TAG_LENGTH:]
