"""The list of meters that are pulled: where each is reached, and as what. A CSV file; every dirty row is named.

Keys are not in it: those come from the key store, and passwords (LLS) from a file of their own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from connectors.dlms_pull.obis import octets_of
from connectors.dlms_pull.rows import DirtyRow, lines, shown

COLUMNS = ("device", "address", "framing", "client", "server", "authentication", "protection", "counter_object",
           "logical_device_name")  # fmt: skip
FRAMINGS = ("wrapper", "hdlc")
AUTHENTICATIONS = ("none", "lls", "gmac")
PROTECTIONS = {"none": 0x00, "authenticated": 0x10, "encrypted": 0x20, "both": 0x30}
"""Security control octet of suite 0."""

DEFAULTS = {"framing": "wrapper", "client": "48", "server": "1", "authentication": "gmac", "protection": "both",
            "counter_object": "", "logical_device_name": ""}  # fmt: skip
PASSWORD_OCTETS = 64
MOST_NAME = 40
_ADDRESS = re.compile(r"(\[[0-9A-Fa-f:.]{1,64}\]|[^\s:]{1,253}):([0-9]{1,5})")
_NUMBER = re.compile(r"[0-9]{1,9}")
_DEVICE = re.compile(r"[0-9A-Fa-f]{16}")


@dataclass(frozen=True)
class Meter:
    """One meter: `device` is its system title as a number, `address` host:port of itself or of its gateway.

    protection: security control octet. counter_object: where the public client reads the counter, "" not at all.
    logical_device_name: what object 0.0.42.0.0.255 must say, "" not asked.
    """

    device: int
    address: str
    framing: str = "wrapper"
    client: int = 48
    server: int = 1
    authentication: str = "gmac"
    protection: int = 0x30
    counter_object: str = ""
    logical_device_name: str = ""

    @property
    def ciphered(self) -> bool:
        """Whether keys are needed."""
        return bool(self.protection) or self.authentication == "gmac"


def read_meters(text: str) -> tuple[dict[int, Meter], list[DirtyRow]]:
    """Meters by device, and the rows that are not used. The first line names the columns; only two must be there."""
    rows = lines(text)
    _, names = next(rows, (1, []))
    if isinstance(names, DirtyRow):
        return {}, [names]
    unknown = [name for name in names if name not in COLUMNS]
    lacking = [name for name in ("device", "address") if name not in names]
    if unknown or lacking:
        reason = f"unknown column {shown(unknown[0])}" if unknown else f"columns {lacking} are lacking"
        return {}, [DirtyRow(1, (unknown or lacking)[0][:MOST_NAME], reason)]
    meters: dict[int, Meter] = {}
    dirty: list[DirtyRow] = []
    for line, row in rows:
        if isinstance(row, DirtyRow):
            dirty.append(row)
            continue
        if not row:
            continue
        given = {name: value.strip() for name, value in zip(names, row, strict=False)}
        cells = {**DEFAULTS, **{name: value for name, value in given.items() if value}}
        problem = _problem(cells, meters)
        if problem is not None or len(row) > len(names):
            dirty.append(DirtyRow(line, *(problem or ("", "more cells than columns"))))
            continue
        meter = Meter(
            int(cells["device"], 16), cells["address"], cells["framing"], int(cells["client"]), int(cells["server"]),
            cells["authentication"], PROTECTIONS[cells["protection"]], cells["counter_object"],
            cells["logical_device_name"],
        )  # fmt: skip
        meters[meter.device] = meter
    return meters, dirty


def _problem(cells: Mapping[str, str], known: Mapping[int, Meter]) -> tuple[str, str] | None:
    """(column, reason) of the first thing that is wrong with a row."""
    device, address = cells.get("device", ""), _ADDRESS.fullmatch(cells.get("address", ""))
    if not _DEVICE.fullmatch(device) or int(device, 16) == 0:
        return "device", f"{shown(device)} is no system title of 16 hexadecimal digits"
    if int(device, 16) in known:
        return "device", f"{device} is there twice"
    if address is None or not 0 < int(address[2]) < 65_536:
        return "address", f"{shown(cells.get('address', ''))} is no host:port"
    for column, allowed in (("framing", FRAMINGS), ("authentication", AUTHENTICATIONS), ("protection", PROTECTIONS)):
        if cells[column] not in allowed:
            return column, f"{shown(cells[column])} is none of {', '.join(allowed)}"
    for column, most in (("client", 127), ("server", 0x3FFF)):
        if not _NUMBER.fullmatch(cells[column]) or not 0 < int(cells[column]) <= most:
            return column, f"{shown(cells[column])} is no number from 1 to {most}"
    if cells["counter_object"]:
        try:
            octets_of(cells["counter_object"])
        except ValueError as error:
            return "counter_object", str(error)
    return None


def read_passwords(text: str) -> tuple[dict[int, bytes], list[DirtyRow]]:
    """Passwords (LLS) by device from a CSV file `device,password`; reasons never repeat a password."""
    passwords: dict[int, bytes] = {}
    dirty: list[DirtyRow] = []
    for line, row in lines(text):
        if isinstance(row, DirtyRow):
            dirty.append(row)
            continue
        if line == 1 and row[:2] == ["device", "password"]:
            continue
        if len(row) != 2 or not _DEVICE.fullmatch(row[0]):
            dirty.append(DirtyRow(line, "device", "not a system title of 16 hexadecimal digits and a password"))
        elif not 0 < len(row[1].encode()) <= PASSWORD_OCTETS:
            dirty.append(DirtyRow(line, "password", f"not 1 to {PASSWORD_OCTETS} octets"))
        else:
            passwords[int(row[0], 16)] = row[1].encode()
    return passwords, dirty
