"""What is in the meter of these tests: options, objects, and their data by gurux-dlms's encoders."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from gurux_dlms import GXByteBuffer, GXDateTime
from gurux_dlms.enums import DataType, Unit
from gurux_dlms.internal._GXCommon import _GXCommon
from gurux_dlms.objects import (
    GXDLMSCaptureObject,
    GXDLMSClock,
    GXDLMSData,
    GXDLMSDisconnectControl,
    GXDLMSProfileGeneric,
    GXDLMSRegister,
)
from gurux_dlms.ValueEventArgs import ValueEventArgs

IST = timezone(timedelta(hours=5, minutes=30))
BLOCK_COLUMNS = (
    ("1.0.12.27.0.255", DataType.UINT16, -1, Unit.VOLTAGE),
    ("1.0.1.29.0.255", DataType.UINT32, 0, Unit.ACTIVE_ENERGY),
    ("1.0.9.29.0.255", DataType.UINT32, 0, Unit.APPARENT_ENERGY),
    ("1.0.2.29.0.255", DataType.UINT32, 0, Unit.ACTIVE_ENERGY),
    ("1.0.10.29.0.255", DataType.UINT32, 0, Unit.APPARENT_ENERGY),
    ("1.0.11.27.0.255", DataType.UINT16, -2, Unit.CURRENT),
    ("1.0.91.27.0.255", DataType.UINT16, -2, Unit.CURRENT),
)


@dataclass
class MeterOptions:
    """What the meter is, and how it behaves badly."""

    framing: str = "wrapper"
    authentication: str = "none"
    password: str = "12345678"
    title: str = "4B56490000000001"
    encryption: str = bytes(range(16)).hex()
    authentication_key: str = bytes(range(0xD0, 0xE0)).hex()
    first: int = 1_751_308_200
    """Start of the profile, epoch seconds UTC: 2025-07-01 00:00 in India."""
    rows: int = 96
    interval: int = 900
    pdu: int = 400
    counter: int = 0
    """What the object of invocation counters says."""
    slow_secs: float = 0.0
    """Wait before each answer."""
    close_after: int = 0
    """Close the connection in the middle of this answer; 0: never."""
    garbage_after: int = 0
    """From this answer on send octets that are no frame; 0: never."""
    silent: bool = False
    unciphered: bool = False
    """Answer in plain what was asked ciphered."""
    reorder: bool = False
    """Export registers before import ones in the profile."""
    public_open: bool = True
    clock_ahead: int = 0
    """Seconds, until the clock is set."""


def encoded(settings: Any, item: Any, attribute: int, selector: int, parameters: Any) -> bytes:
    """Data of an attribute, by gurux's encoders; profile rows selected here."""
    out = GXByteBuffer()
    if isinstance(item, GXDLMSProfileGeneric) and attribute == 2:
        rows = item.buffer
        if selector == 1:
            begin, end = (clock_of(bytes(value)) for value in parameters[1:3])
            rows = [row for row in rows if begin <= row[0].timestamp() <= end]
        elif selector == 2:
            rows = rows[parameters[0] - 1 : parameters[1] or None]
        out.setUInt8(DataType.ARRAY)
        _GXCommon.setObjectCount(len(rows), out)
        for row in rows:
            out.set(b"\x02")
            _GXCommon.setObjectCount(len(row), out)
            _GXCommon.setData(settings, out, DataType.OCTET_STRING, GXDateTime(row[0]))
            for (_name, tag, *_), value in zip(item.forms, row[1:], strict=True):
                _GXCommon.setData(settings, out, tag, value)
        return bytes(out.array())
    if isinstance(item, GXDLMSClock) and attribute == 2:
        now = datetime.now(IST) + timedelta(seconds=item.ahead)
        _GXCommon.setData(settings, out, DataType.OCTET_STRING, GXDateTime(now))
        return bytes(out.array())
    if isinstance(item, GXDLMSRegister) and attribute == 3:
        return bytes([2, 2, 15, item.power & 0xFF, 22, int(item.unit)])
    event = ValueEventArgs(settings, item, attribute)
    value = item.getValue(settings, event)
    if isinstance(value, GXByteBuffer):
        return bytes(value.array())
    form = item.getDataType(attribute)
    _GXCommon.setData(settings, out, form if form else _GXCommon.getDLMSDataType(value), value)
    return bytes(out.array())


def clock_of(octets: bytes) -> float:
    year, month, day = int.from_bytes(octets[:2], "big"), octets[2], octets[3]
    return datetime(year, month, day, *octets[5:8], tzinfo=IST).timestamp()


def objects(options: MeterOptions) -> list[Any]:
    """Everything that a client finds in this meter."""
    columns = list(BLOCK_COLUMNS)
    if options.reorder:
        columns[1:5] = [*columns[3:5], *columns[1:3]]
    made: list[Any] = [GXDLMSClock("0.0.1.0.0.255")]
    made[0].ahead = options.clock_ahead
    profile = GXDLMSProfileGeneric("1.0.99.1.0.255")
    profile.forms = columns
    profile.capturePeriod = options.interval
    profile.captureObjects.append((made[0], GXDLMSCaptureObject(2, 0)))
    for name, tag, power, unit in columns:
        register = GXDLMSRegister(name)
        register.power, register.unit = power, unit
        register.value = 0
        register.setDataType(2, tag)
        profile.captureObjects.append((register, GXDLMSCaptureObject(2, 0)))
        made.append(register)
    for number in range(options.rows):
        at = datetime.fromtimestamp(options.first + (number + 1) * options.interval, UTC).astimezone(IST)
        values = {"1.0.12.27.0.255": 2300 + number % 7, "1.0.1.29.0.255": 100 + number, "1.0.9.29.0.255": 110 + number,
                  "1.0.11.27.0.255": 225, "1.0.91.27.0.255": 224}  # fmt: skip
        profile.buffer.append([at, *(values.get(column[0], 0) for column in columns)])
    profile.entriesInUse = profile.profileEntries = options.rows
    made.append(profile)
    total = GXDLMSRegister("1.0.1.8.0.255")
    total.power, total.unit, total.value = 0, Unit.ACTIVE_ENERGY, 123_456
    total.setDataType(2, DataType.UINT32)
    made.append(total)
    for name, value, form in (("0.0.96.1.1.255", "KVARN", DataType.VISIBLE_STRING if hasattr(DataType, "VISIBLE_STRING")
                               else DataType.STRING), ("1.0.0.2.0.255", "1.0.3", DataType.STRING),
                              ("0.0.43.1.3.255", options.counter, DataType.UINT32)):  # fmt: skip
        data = GXDLMSData(name)
        data.value = value
        data.setDataType(2, form)
        made.append(data)
    switch = GXDLMSDisconnectControl("0.0.96.3.10.255")
    switch.outputState = True
    made.append(switch)
    return made
