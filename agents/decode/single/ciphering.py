"""Ciphered APDUs opened: general-glo, general-ded, glo-* and ded-* of one service, general-ciphering; suites 0 to 2.

Layouts and formulas: Green Book, ciphered xDLMS APDUs, security header, AES-GCM; NIST SP 800-38D; RFC 3394.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap

from agents.decode.single.names import APDU_NAMES
from agents.decode.single.octets import FrameError, Reader, Section, malformed, truncated
from pipeline.gcm_single import AUTHENTICATED, ENCRYPTED, TAG_LENGTH, unseal_one

GENERAL_GLO, GENERAL_DED, GENERAL_CIPHERING = 0xDB, 0xDC, 0xDD
GLO_SERVICES = (0x21, 0x28, 0xC8, 0xC9, 0xCA, 0xCB, 0xCC, 0xCD, 0xCE, 0xCF)
DED_SERVICES = (0xD0, 0xD1, 0xD2, 0xD3, 0xD4, 0xD5, 0xD6, 0xD7)
TO_SERVER = (0x21, 0xC8, 0xC9, 0xCB, 0xD0, 0xD1, 0xD3)
"""Requests: sealed by the client, under its title."""

SUITE, BROADCAST, COMPRESSED = 0x0F, 0x40, 0x80
SUITE_KEY_LENGTHS = {0: 16, 1: 16, 2: 32}
TITLE_LENGTH = 8

KeyFinder = Callable[[int], tuple[bytes, bytes] | None]
"""System title -> (encryption key, authentication key), None when there is none."""


OtherKeys = Callable[[int], Sequence[tuple[bytes, bytes]]]
"""System title -> further pairs of the device, as it has around an exchange of keys."""


def no_keys(_title: int) -> None:
    """A KeyFinder that knows none."""


def no_other_keys(_title: int) -> Sequence[tuple[bytes, bytes]]:
    """An OtherKeys for devices with one pair."""
    return ()


@dataclass
class Keys:
    """What the caller, or the association before, knows.

    others: tried in turn where the pair of `find` does not fit.
    dedicated: the key of ded-* and general-ded; kek: unwraps keys that a general-ciphering brings along; server and
    client: system titles for APDUs that do not carry one.
    """

    find: KeyFinder = no_keys
    others: OtherKeys = no_other_keys
    dedicated: bytes | None = None
    kek: bytes | None = None
    server: int | None = None
    client: int | None = None


@dataclass(frozen=True)
class Unsealed:
    """What was inside, or `fault` and why; `device` is the system title of its sender."""

    apdu: bytes
    device: int | None
    details: dict[str, Any] = field(default_factory=dict)
    fault: FrameError | None = None


@dataclass
class _Header:
    """What stands before the ciphered content."""

    tag: int
    title: int | None = None
    own_key: bytes | None = None
    bound: tuple[bytes, ...] = ()
    details: dict[str, Any] = field(default_factory=dict)


def is_ciphered(tag: int) -> bool:
    """APDUs with this tag are opened here."""
    return tag in (GENERAL_GLO, GENERAL_DED, GENERAL_CIPHERING, *GLO_SERVICES, *DED_SERVICES)


def unseal(section: Section, keys: Keys, controls: Container[int] = range(256)) -> Unsealed:
    """Open the ciphered APDU of `section`, if its security control octet is among `controls`; never raises."""
    header = _Header(section.octets[0])
    try:
        return _unseal(section, keys, header, controls)
    except FrameError as error:
        return Unsealed(b"", header.title, header.details, error)


def _unseal(section: Section, keys: Keys, header: _Header, controls: Container[int]) -> Unsealed:
    reader = Reader(section, code="FRAME_TRUNCATED")
    reader.number(1, "APDU", APDU_NAMES)
    if header.tag in (GENERAL_GLO, GENERAL_DED):
        header.title = _title(reader, "system title")
    elif header.tag == GENERAL_CIPHERING:
        _read_general(reader, keys, header)
    else:
        header.title = keys.client if header.tag in TO_SERVER else keys.server
    declared = reader.length("length of the ciphered content")
    if declared > reader.left:
        raise truncated(f"{reader.left} of {declared} octets")
    if declared < reader.left:
        raise malformed("octets behind the ciphered APDU")
    if declared < 6:
        raise truncated("no octets behind the counter")
    control = reader.number(1, "security control", _control_words)
    counter = reader.number(4, "invocation counter")
    header.details["security"] = {
        "control": control, "suite": control & SUITE, "authenticated": bool(control & AUTHENTICATED),
        "encrypted": bool(control & ENCRYPTED), "key_set": "broadcast" if control & BROADCAST else "unicast",
        "invocation_counter": counter,
    }  # fmt: skip
    if control not in controls:
        raise FrameError("SECURITY_UNSUPPORTED", f"security control {control:02X}")
    _refuse(control, reader.left)
    size = TAG_LENGTH if control & AUTHENTICATED else 0
    protected = reader.take(reader.left - size, "ciphertext" if control & ENCRYPTED else "plain text", "see below")
    tag = reader.take(size, "authentication tag") if size else b""
    if header.title is None:
        raise FrameError("KEY_UNKNOWN", f"{APDU_NAMES[header.tag]} carries no system title, and none is known")
    plain = _open(control, _key(header, control, keys, keys.find(header.title)), header, counter, protected, tag)
    further = iter(keys.others(header.title) if plain is None else ())
    while plain is None:
        pair = next(further, None)
        if pair is None:
            raise FrameError("DECRYPT_FAILED", "the authentication tag does not fit")
        if len(pair[1]) == SUITE_KEY_LENGTHS[control & SUITE]:
            plain = _open(control, _key(header, control, keys, pair), header, counter, protected, tag)
            header.details["security"]["other_key"] = True
    return Unsealed(plain, header.title, header.details)


def _control_words(control: int) -> str:
    words = [f"{control:02X}", f"suite {control & SUITE}"]
    bits = ((AUTHENTICATED, "authenticated"), (ENCRYPTED, "encrypted"), (BROADCAST, "broadcast key"))
    words += [word for bit, word in (*bits, (COMPRESSED, "compressed")) if control & bit]
    return ", ".join(words)


def _title(reader: Reader, what: str) -> int:
    octets = reader.octet_string(what)
    if len(octets) != TITLE_LENGTH:
        raise FrameError("FRAME_UNREADABLE", f"{what} of {len(octets)} octets")
    return int.from_bytes(octets, "big")


def _refuse(control: int, left: int) -> None:
    if control & SUITE not in SUITE_KEY_LENGTHS:
        raise FrameError("SECURITY_UNSUPPORTED", f"security control {control:02X}: suite {control & SUITE}")
    if not control & (AUTHENTICATED | ENCRYPTED):
        raise FrameError("SECURITY_UNSUPPORTED", f"security control {control:02X}: neither encrypted nor authenticated")
    if control & COMPRESSED:
        raise FrameError("SECURITY_UNSUPPORTED", f"security control {control:02X}: compressed, which is not undone")
    if left < 1 + (TAG_LENGTH if control & AUTHENTICATED else 0):
        raise truncated("no octets before the tag" if control & AUTHENTICATED else "no octets behind the counter")


def _read_general(reader: Reader, keys: Keys, header: _Header) -> None:
    """general-ciphering: five octet strings, then how the key is known."""
    start = reader.place
    transaction = reader.octet_string("transaction id")
    originator = reader.octet_string("originator system title")
    recipient = reader.octet_string("recipient system title")
    moment = reader.octet_string("date-time")
    other = reader.octet_string("other information")
    header.bound = (reader.octets[start : reader.place], transaction + originator + recipient + moment + other)
    header.details["general_ciphering"] = told = {
        "transaction": transaction.hex().upper(), "originator": originator.hex().upper(),
        "recipient": recipient.hex().upper(), "date_time": moment.hex().upper(), "other": other.hex().upper(),
    }  # fmt: skip
    header.title = int.from_bytes(originator, "big") if len(originator) == TITLE_LENGTH else keys.server
    if not reader.number(1, "key info", {0: "absent", 1: "present"}):
        told["key"] = "absent: as agreed before"
        return
    choice = reader.number(1, "kind of key", {0: "identified", 1: "wrapped", 2: "agreed"})
    if choice == 0:
        number = reader.number(1, "key id", {0: "global unicast", 1: "global broadcast"})
        told["key"] = f"identified: {('global unicast', 'global broadcast')[number] if number < 2 else number}"
    elif choice == 1:
        kek = reader.number(1, "key-encrypting key id", {0: "master key"})
        wrapped = reader.octet_string("wrapped key")
        told["key"] = f"wrapped under key {kek}, {len(wrapped)} octets"
        header.own_key = _unwrapped(wrapped, keys.kek)
    elif choice == 2:
        parameters = reader.octet_string("key agreement parameters")
        agreed = reader.octet_string("key agreement data")
        told["key"] = f"agreed: parameters {parameters.hex().upper()}, {len(agreed)} octets"
        raise FrameError("KEY_UNKNOWN", f"the key is agreed by ECDH (parameters {parameters.hex().upper()})")
    else:
        raise malformed(f"kind of key {choice}")


def _unwrapped(wrapped: bytes, kek: bytes | None) -> bytes:
    if kek is None:
        raise FrameError("KEY_UNKNOWN", "the key is wrapped, and no key-encrypting key is known")
    try:
        return aes_key_unwrap(kek, wrapped)
    except (InvalidUnwrap, ValueError) as error:
        raise FrameError("DECRYPT_FAILED", "the wrapped key does not open with this key-encrypting key") from error


def _key(
    header: _Header, control: int, keys: Keys, found: tuple[bytes, bytes] | None
) -> tuple[bytes, bytes]:  # fmt: skip
    """(encryption key, authentication key) of the right length for the suite; `found`: of the device."""
    assert header.title is not None
    dedicated = header.tag == GENERAL_DED or header.tag in DED_SERVICES
    if dedicated and keys.dedicated is None:
        raise FrameError("KEY_UNKNOWN", f"no dedicated key for {header.title:016X}")
    if found is None:
        raise FrameError("KEY_UNKNOWN", f"no key for {header.title:016X}")
    encryption = keys.dedicated if dedicated else header.own_key or found[0]
    length = SUITE_KEY_LENGTHS[control & SUITE]
    assert encryption is not None
    if len(encryption) != length or len(found[1]) != length:
        raise FrameError(
            "KEY_UNKNOWN", f"suite {control & SUITE} needs keys of {length} octets for {header.title:016X}"
        )
    return encryption, found[1]


def _open(
    control: int, key: tuple[bytes, bytes], header: _Header, counter: int, protected: bytes, tag: bytes
) -> bytes | None:
    """What is inside; None when the tag does not fit."""
    assert header.title is not None
    # Books and implementations differ in whether the fields of a general-ciphering are authenticated too, and how: the
    # tag tells which of the three it was.
    for bound in (b"", *header.bound):
        plain = unseal_one(control, (key[0], key[1] + bound), header.title, counter, protected, tag)
        if plain is not None:
            return plain
    return None
