"""Keys for `kvarn decode`: from options, from one sealed store, or from the folder that the workers use."""

from __future__ import annotations

from pathlib import Path

from agents.decode.single.ciphering import Keys
from cli.deployment import key_folder, master_key
from pipeline.errors import ConfigError
from pipeline.gcm_single import KEY_LENGTH
from pipeline.keystore import MASTER_VARIABLE, open_sealed
from pipeline.reference import KeyRing

KEY_LENGTHS = (KEY_LENGTH, 2 * KEY_LENGTH)
"""Octets: suites 0 and 1, suite 2."""

TITLE_LENGTH = 8


def keys_for(key: str | None, auth_key: str | None, store: Path | None) -> Keys:
    """Keys by system title; raises ConfigError. Without options: the workers' folder, where its master key is known.

    Of a device with several the newest is tried first, then those before it.
    """
    if store is not None:
        return _from_stores(store)
    if key is not None:
        encryption = octets_of("--key", key)
        pair = (encryption, encryption if auth_key is None else octets_of("--auth-key", auth_key))
        return Keys(lambda _title: pair)
    folder = key_folder().folder
    return _from_stores(folder) if folder.is_dir() and master_key() is not None else Keys()


def octets_of(option: str, text: str, lengths: tuple[int, ...] = KEY_LENGTHS) -> bytes:
    """A key of one of these lengths; raises ConfigError, which does not repeat it."""
    try:
        octets = bytes.fromhex(text)
    except ValueError:
        octets = b""
    if len(octets) not in lengths:
        digits = " or ".join(str(2 * length) for length in lengths)
        raise ConfigError(
            "KEY_FORM", where=option, what=f"not {digits} hexadecimal digits",
            do=f"give {' or '.join(str(length) for length in lengths)} octets in hex",
        )  # fmt: skip
    return octets


def title_of(text: str | None) -> int | None:
    """A system title, 16 hexadecimal digits; raises ConfigError."""
    return None if text is None else int.from_bytes(octets_of("--title", text, (TITLE_LENGTH,)), "big")


def keys_in(*rings: KeyRing) -> Keys:
    """Keys of the first of these that has the device."""

    def pairs(title: int) -> list[tuple[bytes, bytes]]:
        return next((found for found in (ring.pairs_of(title) for ring in rings) if found), [])

    return Keys(lambda title: next(iter(pairs(title)), None), lambda title: pairs(title)[1:])


def _from_stores(path: Path) -> Keys:
    """One sealed store, or all of a folder, the youngest first: a device is taken from the first that has it."""
    files = (
        sorted(path.glob("*.keys"), key=lambda file: (-file.stat().st_mtime_ns, file.name)) if path.is_dir() else [path]
    )
    master = master_key()
    if master is None:
        raise ConfigError(
            "MASTER_KEY_MISSING", where=str(path), what="the store is sealed", do=f"set {MASTER_VARIABLE}"
        )
    return keys_in(*(open_sealed(file.read_bytes(), master) for file in files))
