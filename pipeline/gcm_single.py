"""DLMS security suites 0 to 2 for one frame at a time, with the `cryptography` package.

The slow way of `pipeline.gcm`, its oracle, and what the command line uses. Formulas: Green Book, security header and
AES-GCM; NIST SP 800-38D.
"""

from __future__ import annotations

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

KEY_LENGTH = 16
TAG_LENGTH = 12

AUTHENTICATED = 0x10
ENCRYPTED = 0x20
"""Bits of the security control octet."""


def _iv(title: int, counter: int) -> bytes:
    return title.to_bytes(8, "big") + counter.to_bytes(4, "big")


def unseal_one(
    control: int, keys: tuple[bytes, bytes], title: int, counter: int, protected: bytes, tag: bytes
) -> bytes | None:
    """The plaintext, or None when the tag does not fit.

    Args:
        control: security control octet, with 0x10, 0x20 (no tag: nothing is proved) or both.
        keys: encryption and authentication key, 16 octets each, of suite 2 32.
        title: system title as a big-endian number.
        counter: invocation counter.
        protected: octets behind the counter, without the tag.
        tag: 12 octets; unused for 0x20.
    """
    encryption, authentication = keys
    encrypted = bool(control & ENCRYPTED)
    if not control & AUTHENTICATED:
        # GCM's key stream is CTR from IV || 00000002 (SP 800-38D, 6.5 and 7.1).
        stream = Cipher(algorithms.AES(encryption), modes.CTR(_iv(title, counter) + b"\0\0\0\2")).decryptor()
        return stream.update(protected) + stream.finalize()
    mode = modes.GCM(_iv(title, counter), tag, min_tag_length=TAG_LENGTH)
    opening = Cipher(algorithms.AES(encryption), mode).decryptor()
    opening.authenticate_additional_data(bytes([control]) + authentication + (b"" if encrypted else protected))
    try:
        plain = opening.update(protected if encrypted else b"") + opening.finalize()
    except InvalidTag:
        return None
    return plain if encrypted else protected


def seal_one(control: int, keys: tuple[bytes, bytes], title: int, counter: int, plain: bytes) -> bytes:
    """What stands behind control octet and counter: the octets, then the tag where `control` has 0x10."""
    encryption, authentication = keys
    encrypted, authenticated = bool(control & ENCRYPTED), bool(control & AUTHENTICATED)
    sealing = Cipher(algorithms.AES(encryption), modes.GCM(_iv(title, counter))).encryptor()
    if authenticated:
        sealing.authenticate_additional_data(bytes([control]) + authentication + (b"" if encrypted else plain))
    body = sealing.update(plain if encrypted else b"") + sealing.finalize()
    return (body if encrypted else plain) + (sealing.tag[:TAG_LENGTH] if authenticated else b"")
