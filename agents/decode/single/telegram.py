"""Telegrams in text (IEC 62056-21, DSMR P1): lines of code(value*unit), which some meters send, ciphered too."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from agents.decode.single.clock import DAYLIGHT_SAVING, NO_DEVIATION
from agents.decode.single.octets import FrameError, malformed

_LINE = re.compile(r"(\d{1,3}-\d{1,3}:)?(\d{1,3}\.\d{1,3}\.\d{1,3}(?:[*.]\d{1,3})?)((?:\([^()]{0,1024}\))+)")
_NUMBER = re.compile(r"(-?\d{1,15}(?:\.\d{1,9})?)\*([A-Za-z0-9³]{1,8})")
_TIME = re.compile(r"(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)([SW])")
TIME, EQUIPMENT = "0-0:1.0.0", ("0-0:96.1.1", "0-0:96.1.0", "0-0:42.0.0")
MOST_LINES = 1024


@dataclass
class Telegram:
    """What a telegram says; codes as it writes them. `measured`, `clock`: as of Described."""

    values: dict[str, Any] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)
    time: str | None = None
    device: str | None = None
    measured: dict[str, tuple[Decimal, str]] = field(default_factory=dict)
    clock: bytes = b""


def crc16_arc(octets: bytes) -> int:
    """CRC-16/ARC: reflected polynomial A001, initial 0. check("123456789") = BB3D."""
    crc = 0
    for octet in octets:
        crc ^= octet
        for _ in range(8):
            crc = (crc >> 1) ^ (0xA001 if crc & 1 else 0)
    return crc


def read_telegram(octets: bytes) -> Telegram:
    """The telegram that begins with a slash; raises FrameError where its checksum does not fit, or it is no text."""
    end = octets.rfind(b"!")
    if end < 0:
        raise FrameError("FRAME_TRUNCATED", "a telegram without its end")
    found = Telegram()
    said = octets[end + 1 :].strip().decode("latin-1")[:8]
    if said:
        if f"{crc16_arc(octets[: end + 1]):04X}" != said.upper():
            raise malformed("checksum of the telegram")
        found.details["crc"] = said
    lines = octets[:end].decode("latin-1").splitlines()
    if len(lines) > MOST_LINES:
        raise FrameError("FRAME_TOO_LONG", f"{len(lines)} lines in a telegram")
    found.details["identification"] = lines[0].strip().removeprefix("/")[:64]
    for line in lines[1:]:
        match = _LINE.fullmatch(line.strip())
        if match is not None:
            _take(found, (match[1] or "") + match[2], match[3][1:-1].split(")("))
    return found


def _take(found: Telegram, code: str, given: list[str]) -> None:
    values: list[Any] = []
    for text in given:
        number = _NUMBER.fullmatch(text)
        if number is not None:
            values.append(float(number[1]) if "." in number[1] else int(number[1]))
            found.units[code] = number[2]
            found.measured.setdefault(code, (Decimal(number[1]), number[2]))
        else:
            values.append(text)
    found.values[code] = values[0] if len(values) == 1 else values
    moment = _TIME.fullmatch(given[0]) if code == TIME else None
    if moment is not None:
        year, month, day, hour, minute, second, season = moment.groups()
        found.time = f"20{year}-{month}-{day}T{hour}:{minute}:{second}"
        found.details["timestamp"] = given[0]
        found.details["season"] = "summer" if season == "S" else "winter"
        wall = (2000 + int(year), int(month), int(day), 0xFF, int(hour), int(minute), int(second), 0)
        found.clock = struct.pack(">HBBBBBBBhB", *wall, NO_DEVIATION, DAYLIGHT_SAVING if season == "S" else 0)
    if code in EQUIPMENT and found.device is None and isinstance(found.values[code], str):
        try:
            found.device = bytes.fromhex(found.values[code]).decode("ascii")
        except ValueError:
            found.device = found.values[code]
