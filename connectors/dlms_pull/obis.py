"""Names and numbers of COSEM that reads and commands need (IEC 62056-6-1, -6-2; IS 15959)."""

from __future__ import annotations

import re

DATA, REGISTER, EXTENDED, DEMAND, PROFILE, CLOCK, ASSOCIATION, DISCONNECT = 1, 3, 4, 5, 7, 8, 15, 70
"""Interface classes."""

CLOCK_NAME = "0.0.1.0.0.255"
SWITCH_NAME = "0.0.96.3.10.255"
MANUFACTURER_NAME = "0.0.96.1.1.255"
FIRMWARE_NAME = "1.0.0.2.0.255"
LOGICAL_DEVICE_NAME = "0.0.42.0.0.255"
BLOCK_PROFILE = "1.0.99.1.0.255"
DAILY_PROFILE = "1.0.99.2.0.255"
INSTANT_PROFILE = "1.0.94.91.0.255"

SCALER_ATTRIBUTE = {REGISTER: 3, EXTENDED: 3, DEMAND: 4}
"""Attribute scaler_unit of a class that has one."""

UNITS = {6: "min", 7: "s", 9: "°C", 10: "currency", 27: "W", 28: "VA", 29: "var", 30: "Wh", 31: "VAh", 32: "varh",
         33: "A", 35: "V", 44: "Hz", 56: "%", 70: "dBm"}  # fmt: skip

_NAME = re.compile(r"[0-9]{1,3}(\.[0-9]{1,3}){5}")


def octets_of(name: str) -> bytes:
    """Six octets of a logical name written with dots; raises ValueError."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name[:40]!r} is no logical name a.b.c.d.e.f")
    return bytes(int(part) for part in name.split("."))


def name_of(octets: bytes) -> str:
    """A logical name with dots."""
    return ".".join(str(octet) for octet in octets)
