"""The key store: all devices' keys in one file, sealed with a master key.

    magic "KVKEY" 01 | salt (16) | ciphertext | tag (16)

The plaintext is the device column (u64 little-endian, sorted), then encryption and authentication keys (16 octets
each). A store that has other keys too, for suite 2 or broadcast, is `KVKEY 02`: the number of devices (u64) stands
before the columns, and rows of `pipeline.reference.OTHER_KEY` behind them. One of which keys have a beginning is
`KVKEY 03`: as 02, with the column `valid_from` (i64, epoch seconds UTC) behind the devices, and a device may have
several rows, sorted by it.

AES-256-GCM; key and nonce come from the master key and the salt (HKDF-SHA256, RFC 5869), magic and salt are
authenticated. The salt is a MAC of the contents (as in a synthetic IV, RFC 5297): the same keys under the same master
key give the same file, so the same version name, and no two contents share key and nonce.
"""

from __future__ import annotations

import hashlib
import hmac

import numpy as np
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from pipeline.columns import Array
from pipeline.errors import ConfigError
from pipeline.gcm_single import KEY_LENGTH
from pipeline.reference import BEGINNING, OTHER_KEY, KeyRing

MAGIC = b"KVKEY\x01"
MAGIC_OTHERS = b"KVKEY\x02"
MAGIC_DATED = b"KVKEY\x03"
SALT_LENGTH = 16
MASTER_LENGTH = 32
MASTER_VARIABLE = "KVARN_MASTER_KEY"
"""Environment variable with the master key in hex; read by the shells around the steps, never here."""

_ROW = 8 + 2 * KEY_LENGTH
_DATE = 8
_COUNT = 8
_DISTINCT = ("device", "key_set", "length")


def parse_master(text: str) -> bytes:
    """The master key written as 64 hexadecimal digits; raises ConfigError (which does not repeat the text)."""
    try:
        master = bytes.fromhex(text.strip())
    except ValueError:
        master = b""
    if len(master) != MASTER_LENGTH:
        raise ConfigError(
            "MASTER_KEY_FORM",
            where=MASTER_VARIABLE,
            what="the master key is not 64 hexadecimal digits",
            do="make one with `openssl rand -hex 32`",
        )
    return master


def key_ring(
    device: Array, encryption: Array, authentication: Array, others: Array | None = None,
    valid_from: Array | None = None,
) -> KeyRing:  # fmt: skip
    """A KeyRing from rows in any order, `others` of OTHER_KEY, valid_from i64 (n,), epoch seconds UTC.

    Raises ConfigError when a device is 0, or has two keys from the same moment on.
    """
    since = np.full(len(device), BEGINNING) if valid_from is None else np.asarray(valid_from, np.int64)
    order = np.lexsort((since, device))
    devices, since = np.ascontiguousarray(device[order], np.uint64), np.ascontiguousarray(since[order])
    rows = np.zeros(0, OTHER_KEY) if others is None else others
    rows = rows[np.lexsort([rows[name] for name in reversed(_DISTINCT)])]
    again = bool(np.all([rows[name][1:] == rows[name][:-1] for name in _DISTINCT], axis=0).any())
    twice = bool(((devices[1:] == devices[:-1]) & (since[1:] == since[:-1])).any())
    if twice or 0 in devices[:1] or 0 in rows["device"][:1] or again:
        raise ConfigError(
            "KEYS_AMBIGUOUS", where="key store", what="a device is 0, or has two keys that begin at the same time",
            do="list each device once, or say from when on each of its keys holds",
        )  # fmt: skip
    return KeyRing(
        devices,
        np.ascontiguousarray(encryption[order], np.uint8).reshape(-1, KEY_LENGTH),
        np.ascontiguousarray(authentication[order], np.uint8).reshape(-1, KEY_LENGTH),
        rows,
        since,
    )


def seal(keys: KeyRing, master: bytes) -> bytes:
    """The file's bytes. `pipeline.reference.version_of` names it."""
    # Without dates, and without other keys, a store keeps its bytes, and so its name.
    dated = bool((keys.valid_from != BEGINNING).any())
    magic = MAGIC_DATED if dated else MAGIC_OTHERS if len(keys.others) else MAGIC
    columns = [(keys.device, "<u8"), (keys.encryption, "<u1"), (keys.authentication, "<u1")]
    if dated:
        columns.insert(1, (keys.valid_from, "<i8"))
    plain = b"".join(np.ascontiguousarray(column, code).tobytes() for column, code in columns)
    if magic != MAGIC:
        plain = len(keys.device).to_bytes(_COUNT, "little") + plain + np.ascontiguousarray(keys.others).tobytes()
    salt = hmac.digest(_derive(master, b"", b"kvarn key store salt", 32), plain, hashlib.sha256)[:SALT_LENGTH]
    key, nonce = _key_and_nonce(master, salt)
    return magic + salt + AESGCM(key).encrypt(nonce, plain, magic + salt)


def open_sealed(raw: bytes, master: bytes) -> KeyRing:
    """The keys; raises ConfigError when the bytes are no key store, or the master key is another."""
    if raw[: len(MAGIC)] not in (MAGIC, MAGIC_OTHERS, MAGIC_DATED) or len(raw) < len(MAGIC) + SALT_LENGTH:
        raise ConfigError(
            "KEY_STORE_FORM", where="key store", what="unknown header", do="point the configuration at a sealed store"
        )
    head = len(MAGIC) + SALT_LENGTH
    key, nonce = _key_and_nonce(master, raw[len(MAGIC) : head])
    try:
        plain = AESGCM(key).decrypt(nonce, raw[head:], raw[:head])
    except InvalidTag as error:
        raise ConfigError(
            "KEY_STORE_SEALED",
            where="key store",
            what="it was sealed with another master key, or its bytes were changed",
            do=f"set {MASTER_VARIABLE} to the master key it was sealed with",
        ) from error
    others, dated = np.zeros(0, OTHER_KEY), raw.startswith(MAGIC_DATED)
    width = _ROW + _DATE if dated else _ROW
    if not raw.startswith(MAGIC):
        end = _COUNT + width * int.from_bytes(plain[:_COUNT], "little")
        whole = end <= len(plain) and (len(plain) - end) % OTHER_KEY.itemsize == 0
        others = np.frombuffer(plain[end:], OTHER_KEY).copy() if whole else others
        plain = plain[_COUNT:end] if whole else plain[:1]
    count, rest = divmod(len(plain), width)
    if rest:
        raise ConfigError("KEY_STORE_FORM", where="key store", what="a row is cut short", do="seal the store again")
    device = np.frombuffer(plain, "<u8", count).astype(np.uint64)
    since = np.frombuffer(plain, "<i8", count, 8 * count).astype(np.int64) if dated else None
    octets = np.frombuffer(plain, np.uint8, offset=(8 + _DATE if dated else 8) * count).reshape(2, count, KEY_LENGTH)
    return key_ring(device, octets[0].copy(), octets[1].copy(), others, since)


def _key_and_nonce(master: bytes, salt: bytes) -> tuple[bytes, bytes]:
    derived = _derive(master, salt, b"kvarn key store", 32 + 12)
    return derived[:32], derived[32:]


def _derive(master: bytes, salt: bytes, purpose: bytes, length: int) -> bytes:
    if len(master) != MASTER_LENGTH:
        raise ConfigError(
            "MASTER_KEY_FORM", where="master key", what=f"not {MASTER_LENGTH} octets", do=f"set {MASTER_VARIABLE}"
        )
    return HKDF(SHA256(), length, salt or None, purpose).derive(master)
