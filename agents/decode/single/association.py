"""Associations: AARQ, AARE, RLRQ, RLRE (ISO 8650 in BER), xDLMS initiate. What they say, passwords kept secret."""

from __future__ import annotations

from typing import Any

from agents.decode.single.messages import Message
from agents.decode.single.names import (
    ASSOCIATION_RESULTS,
    CONTEXTS,
    DIAGNOSTICS,
    MECHANISMS,
    RELEASE_REASONS,
)
from agents.decode.single.octets import Reader, malformed

AARQ, AARE, RLRE = 0x60, 0x61, 0x63
_CONTEXT = bytes.fromhex("608574050801")
_MECHANISM = bytes.fromhex("608574050802")
_HIDDEN = "authentication value"

_FIELDS = {
    0x80: "protocol version", 0x88: "ACSE requirements", 0x8A: "ACSE requirements", 0x89: "mechanism",
    0x8B: "mechanism", 0xA1: "application context", 0xA2: "result", 0xA3: "result source", 0xA4: "responding title",
    0xA6: "calling title", 0xA7: "calling certificate", 0xAA: _HIDDEN, 0xAC: _HIDDEN, 0xA9: "calling invocation id",
    0xBE: "user information",
}  # fmt: skip
_CALLED = {0xA2: "called title", 0xA3: "called qualifier", 0xA4: "called invocation id"}


def read_association(reader: Reader, message: Message) -> None:
    """60, 61: length, then fields, each with tag and length."""
    tag = reader.octets[0]
    fields = _CALLED if tag == AARQ else {}
    for found, octets in _fields(reader, {**_FIELDS, **fields}):
        what = fields.get(found) or _FIELDS.get(found)
        if what == "application context":
            message.details["context"] = _named(octets, _CONTEXT, CONTEXTS)
        elif what == "mechanism":
            message.details["mechanism"] = _named(octets, _MECHANISM, MECHANISMS)
        elif what == "result":
            message.details["result"] = _name(ASSOCIATION_RESULTS, octets)
        elif what == "result source":
            message.details["diagnostic"] = _name(DIAGNOSTICS, octets)
        elif what in ("responding title", "calling title"):
            message.details["title"] = octets[2:].hex().upper()
        elif what == "user information":
            _user_information(octets, message)


def read_release(reader: Reader, message: Message) -> None:
    """62, 63: length, then reason and user information."""
    for found, octets in _fields(reader, {0x80: "reason", 0xBE: "user information"}):
        if found == 0x80:
            message.details["reason"] = _name(RELEASE_REASONS, octets)
        elif found == 0xBE:
            _user_information(octets, message)


def _fields(reader: Reader, names: dict[int, str]) -> list[tuple[int, bytes]]:
    length = reader.length("length")
    if length != reader.left:
        raise malformed(f"{length} octets declared, {reader.left} left")
    found = []
    while reader.left:
        tag = reader.number(1, "field", names)
        what = names.get(tag, "unknown field")
        # An initiate-request in the clear may hold the dedicated key.
        hidden = what == _HIDDEN or reader.peek(4)[3:] == b"\x01"
        found.append((tag, reader.octet_string(what, secret=hidden)))
    return found


def _named(octets: bytes, arc: bytes, names: dict[int, str]) -> str:
    """An object identifier of DLMS UA, inside its own tag or not."""
    place = octets.find(arc)
    if place < 0 or place + len(arc) >= len(octets):
        return octets.hex().upper()
    return names.get(octets[place + len(arc)], str(octets[place + len(arc)]))


def _name(names: dict[int, str], octets: bytes) -> str:
    return names.get(octets[-1], str(octets[-1])) if octets else "absent"


def _user_information(octets: bytes, message: Message) -> None:
    """An octet string with an initiate APDU; ciphered ones are opened by whoever asked."""
    inner = octets[2:] if octets[:1] == b"\x04" and len(octets) >= 2 else octets
    message.details["user_information"] = inner.hex().upper() if inner[:1] != b"\x01" else f"{len(inner)} octets"
    message.inner = inner


def read_initiate_request(reader: Reader, message: Message) -> None:
    """01, dedicated key, response allowed, quality of service, version, conformance, PDU size."""
    if reader.number(1, "dedicated key", {0: "absent"}):
        message.dedicated = reader.octet_string("dedicated key", secret=True)
        message.details["dedicated_key"] = "kept secret"
    if reader.number(1, "response allowed", {0: "default"}):
        reader.number(1, "response allowed value")
    _quality(reader)
    message.details["dlms_version"] = reader.number(1, "DLMS version")
    message.details["conformance"] = _conformance(reader)
    message.details["pdu_size"] = reader.number(2, "client's largest PDU")


def read_initiate_response(reader: Reader, message: Message) -> None:
    """08, quality of service, version, conformance, PDU size, VAA name."""
    _quality(reader)
    message.details["dlms_version"] = reader.number(1, "DLMS version")
    message.details["conformance"] = _conformance(reader)
    message.details["pdu_size"] = reader.number(2, "server's largest PDU")
    message.details["vaa_name"] = reader.number(2, "VAA name")


def _quality(reader: Reader) -> None:
    if reader.number(1, "quality of service", {0: "absent"}):
        reader.number(1, "quality of service value")


def _conformance(reader: Reader) -> Any:
    """5F 1F (or 5F), 04, unused bits, three octets of bits."""
    reader.take(2 if reader.peek(2)[1:2] == b"\x1f" else 1, "conformance")
    reader.number(1, "length of conformance")
    reader.number(1, "unused bits")
    return reader.take(3, "conformance bits").hex().upper()
