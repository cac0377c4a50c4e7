"""APDUs and framings that the batch decoder does not read, as meters, gateways and clients send them."""

import struct

from cryptography.hazmat.primitives.keywrap import aes_key_wrap

from agents.decode.framing import crc16
from pipeline.gcm_single import seal_one
from tests.builders_frames import DEVICE, KEYS, datum, length_octets

LONG_KEYS = (bytes(range(32)), bytes(range(0x80, 0xA0)))
"""For suite 2."""

METER, CLIENT = b"\x03", b"\x81"
"""HDLC addresses: server 1, client 64."""


def octet_string(octets: bytes) -> bytes:
    """Length and octets, without a tag."""
    return length_octets(len(octets)) + octets


def hdlc(information: bytes, *, segmented=False, destination=CLIENT, source=METER, control=0x13, good=True) -> bytes:
    """One HDLC frame with its flags."""
    inside = len(information) + (2 if information else 0)
    length = 2 + len(destination) + len(source) + 1 + inside + 2
    head = struct.pack(">H", 0xA000 | (0x0800 if segmented else 0) | length) + destination + source + bytes([control])
    body = head + (crc16(head).to_bytes(2, "little") + information if information else b"")
    check = crc16(body) if good else crc16(body) ^ 0x0101
    return b"\x7e" + body + check.to_bytes(2, "little") + b"\x7e"


def segments(apdu: bytes, size: int, **given) -> list[bytes]:
    """HDLC frames of one APDU behind its LLC head."""
    whole = b"\xe6\xe7\x00" + apdu
    cuts = [whole[place : place + size] for place in range(0, len(whole), size)]
    return [hdlc(cut, segmented=number < len(cuts) - 1, **given) for number, cut in enumerate(cuts)]


def mbus(apdu: bytes, size=240) -> list[bytes]:
    """Wired M-Bus long frames of one APDU."""
    cuts = [apdu[place : place + size] for place in range(0, len(apdu), size)]
    frames = []
    for number, cut in enumerate(cuts):
        last = 0x10 if number == len(cuts) - 1 else 0
        body = bytes([0x53, 0xFF, last | (number & 0x0F), 0x01, 0x67]) + cut
        frames.append(bytes([0x68, len(body), len(body), 0x68]) + body + bytes([sum(body) & 0xFF, 0x16]))
    return frames


def blocks(apdu: bytes, size: int) -> list[bytes]:
    """general-block-transfer."""
    cuts = [apdu[place : place + size] for place in range(0, len(apdu), size)]
    return [
        bytes([0xE0, 0x80 if number == len(cuts) else 0]) + struct.pack(">HH", number, 0) + octet_string(cut)
        for number, cut in enumerate(cuts, 1)
    ]


def get_blocks(data: bytes, size: int, invoke=0xC1) -> list[bytes]:
    """GET responses with data blocks."""
    cuts = [data[place : place + size] for place in range(0, len(data), size)]
    return [
        bytes([0xC4, 0x02, invoke, number == len(cuts)]) + struct.pack(">I", number) + b"\0" + octet_string(cut)
        for number, cut in enumerate(cuts, 1)
    ]


def protected(plain: bytes, counter: int, control=0x30, keys=KEYS, title=DEVICE, bound=b"") -> bytes:
    """Length, security control, counter and what was sealed; `bound` is authenticated along with it."""
    body = seal_one(control, (keys[0], keys[1] + bound), title, counter, plain)
    return octet_string(bytes([control]) + counter.to_bytes(4, "big") + body)


def general(tag: int, plain: bytes, counter=1, title=DEVICE, **given) -> bytes:
    """general-glo (DB) or general-ded (DC)."""
    return bytes([tag]) + octet_string(title.to_bytes(8, "big")) + protected(plain, counter, title=title, **given)


def service(tag: int, plain: bytes, counter=1, **given) -> bytes:
    """glo-* or ded-* of one service."""
    return bytes([tag]) + protected(plain, counter, **given)


def ciphering_fields(title=DEVICE) -> bytes:
    """The five octet strings of a general-ciphering or general-signing."""
    fields = (bytes(range(8)), title.to_bytes(8, "big"), b"CLI\0\0\0\0\1", b"", b"")
    return b"".join(octet_string(field) for field in fields)


def general_ciphering(plain: bytes, key_info: bytes, counter=1, *, fields=None, **given) -> bytes:
    """DD; `key_info` behind its presence octet, or nothing."""
    head = ciphering_fields() if fields is None else fields
    return b"\xdd" + head + (b"\1" + key_info if key_info else b"\0") + protected(plain, counter, **given)


def wrapped_key(kek: bytes, key: bytes) -> bytes:
    """Key info with a key under the master key."""
    return b"\1\0" + octet_string(aes_key_wrap(kek, key))


def obis(text: str) -> bytes:
    """A logical name as octet string with its tag."""
    return datum(9, bytes(int(part) for part in text.split(".")))


def attribute(class_id: int, name: str, number: int) -> bytes:
    """An attribute descriptor without tags."""
    return struct.pack(">H", class_id) + bytes(int(part) for part in name.split(".")) + bytes([number])


def definition(class_id: int, name: str, number: int = 2) -> bytes:
    """An object definition of a capture or push object list."""
    return datum(2, [datum(18, class_id), obis(name), datum(15, number), datum(18, 0)])


def scaler(power: int, unit: int) -> bytes:
    """scaler_unit."""
    return datum(2, [datum(15, power), datum(22, unit)])


def notification(body: bytes, time=b"\0") -> bytes:
    """A Data-Notification."""
    return b"\x0f\0\0\0\1" + time + body
