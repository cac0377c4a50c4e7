"""Frames -> what they say, for people: OBIS code -> value and unit. The library behind `kvarn decode`.

Two shapes are understood: the Indian pushes of `pipeline.templates`, with the buffer of a block profile too, and lists
that name their own quantities (OBIS code, value, and often scaler and unit), as European meters push them. Frames of
readings that a head-end has decoded are told apart by their first octet.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from agents.decode.config import IST_OFFSET_SECS
from agents.decode.describe_readings import describe_readings
from agents.decode.framing import BlockJoiner, FrameError, unframe
from agents.decode.generic import (
    CONTAINERS,
    FLOATS,
    GENERAL_GLO,
    NOTHING,
    NUMBERS,
    Datum,
    KeyFinder,
    Opened,
    clock_octets,
    open_apdu,
    read_clock,
    read_notification,
    scaled,
    whole_rows,
)
from pipeline.channels import CHANNELS, SNAPSHOT
from pipeline.codes import Kind
from pipeline.reading_frames import FIRST_OCTET, ReadingFrameError, read_reading_frame
from pipeline.templates import BIT_STRING, HEAD, PUSH_NAMES, TEMPLATES, TIMES, WORD, Push, PushColumn

UNITS = {
    6: "min", 7: "s", 9: "°C", 10: "currency", 27: "W", 28: "VA", 29: "var", 30: "Wh", 31: "VAh", 32: "varh", 33: "A",
    35: "V", 44: "Hz", 56: "%", 70: "dBm",
}  # fmt: skip
"""Unit codes of scaler_unit (Blue Book, class 3)."""

PROFILE_OBIS = "1.0.99.1.0.255"
"""Block load profile; in the place of a value its rows, each with its time (none: as the meter's interval has it)."""

ARRAY = 1
READINGS = bytes([FIRST_OCTET])
"""What a frame of a head-end's readings begins with."""
OBIS_LENGTH = 6
_BASE = {"mV": "V", "mA": "A", "mHz": "Hz", "1/1000": "1"}
_QUANTITIES = {channel.name: (channel.unit, channel.scale) for channel in CHANNELS}
_QUANTITIES |= {field.name: (field.unit, field.scale) for field in SNAPSHOT}
_NAMES = {"0f": "data-notification", "db": "general-glo-ciphering", "e0": "general-block-transfer"}


@dataclass
class Described:
    """One APDU: what it says, or `error` {code, reason}; both when only a part can be read."""

    framing: str
    apdu: str | None = None
    device: str | None = None
    time: str | None = None
    values: dict[str, Any] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    error: dict[str, str] | None = None

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def no_keys(_title: int) -> None:
    """A KeyFinder that knows none."""


def describe_frames(
    frames: Iterable[bytes], keys: KeyFinder = no_keys, offset_secs: int = IST_OFFSET_SECS
) -> Iterator[Described]:
    """What each APDU of `frames` says; blocks of a general-block-transfer are joined over frames.

    `offset_secs`: the meters' wall clock, seconds ahead of UTC. Never raises for what a frame contains.
    """
    joiner = BlockJoiner()
    framing = "raw"
    for frame in frames:
        framing = "raw"
        if frame[:1] == READINGS:
            yield _describe_readings(frame, offset_secs)
            continue
        try:
            framing, apdus = unframe(frame)
            for apdu in apdus:
                whole = joiner.join(apdu)
                if whole is not None:
                    yield _describe(framing, whole, keys, offset_secs)
        except FrameError as error:
            yield Described(framing, error={"code": error.code, "reason": error.reason})
    if joiner.pending:
        missing = {"code": "FRAME_TRUNCATED", "reason": "the last block is missing"}
        yield Described(framing, _NAMES["e0"], error=missing)


def _describe_readings(frame: bytes, offset_secs: int) -> Described:
    found = Described("readings")
    try:
        said = read_reading_frame(frame)
    except ReadingFrameError as error:
        found.error = {"code": error.code, "reason": str(error)}
        return found
    found.device = f"{said.device:016X}"
    found.values, found.units = describe_readings(said, offset_secs)
    found.time = found.values["readings"][0]["time"]
    return found


def _describe(framing: str, apdu: bytes, keys: KeyFinder, offset_secs: int) -> Described:
    found = Described(framing, _NAMES.get(apdu[:1].hex(), f"apdu {apdu[:1].hex().upper()}"))
    try:
        if apdu[0] == GENERAL_GLO and apdu[1:2] == b"\x08" and len(apdu) >= 10:
            found.device = apdu[2:10].hex().upper()
        opened = open_apdu(apdu, keys)
        found.apdu = _NAMES.get(opened.apdu[:1].hex(), f"apdu {opened.apdu[:1].hex().upper()}")
        _read(opened, found, offset_secs)
    except FrameError as error:
        found.error = {"code": error.code, "reason": error.reason}
    return found


def _read(opened: Opened, found: Described, offset_secs: int) -> None:
    notification = read_notification(opened.apdu)
    if notification.time:
        found.time = _time(notification.time, offset_secs)
    body = notification.body
    items = body.value if body.tag in CONTAINERS else []
    push = next((name for name in PUSH_NAMES.values() if len(items) > 1 and items[1] == Datum(9, bytes(name))), None)
    if push is None:
        _read_list([body], found)
        if not found.values:
            raise FrameError("TEMPLATE_UNKNOWN", "the data names no quantities")
        return
    if found.device is None:
        found.device = str(_text(items[0]))
    if len(items) < HEAD:
        raise FrameError("TEMPLATE_UNKNOWN", f"{len(items)} elements in push {_dotted(push)}")
    if len(items) == HEAD and items[2].tag == ARRAY and push == PUSH_NAMES[Kind.BLOCK]:
        _read_profile(items[2].value, found, offset_secs)
        return
    octets = clock_octets(items[2])
    found.time = _time(octets, offset_secs) if octets is not None else None
    if found.time is None:
        raise FrameError("CLOCK_UNUSABLE", "the stamp is not a time")
    _read_push(fitting_push(push, items[HEAD:]), items[HEAD:], found.values, found.units, offset_secs)


def _read_profile(rows: list[Datum], found: Described, offset_secs: int) -> None:
    """The buffer of a block profile; how long the meter's intervals are the frame does not say."""
    told: list[dict[str, Any]] = []
    for columns in whole_rows(rows):
        octets = clock_octets(columns[0])
        values: dict[str, Any] = {"time": None if octets is None else _time(octets, offset_secs)}
        push = fitting_push(PUSH_NAMES[Kind.BLOCK], columns[1:])
        _read_push(push, columns[1:], values, found.units, offset_secs)
        told.append(values)
    found.time = told[0]["time"] if told else None
    if found.time is None:
        raise FrameError("CLOCK_UNUSABLE", "the first row has no time")
    found.values[PROFILE_OBIS] = told


def _time(octets: bytes, offset_secs: int) -> str | None:
    clock = read_clock(octets, offset_secs, zero_is_utc=True)
    zone = timezone(timedelta(seconds=offset_secs))
    return None if clock is None else datetime.fromtimestamp(clock.time, zone).isoformat()


def fits(column: PushColumn, datum: Datum) -> bool:
    """The datum is of the kind that the column takes."""
    if datum.tag in NOTHING or not column.target:
        return True
    if column.target == WORD:
        return datum.tag == BIT_STRING and datum.value[0] == 128
    if column.target in TIMES:
        return clock_octets(datum) is not None
    return datum.tag in NUMBERS or datum.tag in FLOATS


def fitting_push(name: tuple[int, ...], columns: list[Datum]) -> Push:
    """The push whose columns fit best: most tags as that model sends them, then the lower template number."""
    kind = next(kind for kind, known in PUSH_NAMES.items() if known == name)
    best: tuple[int, Push] | None = None
    for template in TEMPLATES:
        push = template.push(kind)
        if push is None or not push.required <= len(columns) <= len(push.columns):
            continue
        pairs = list(zip(push.columns, columns, strict=False))
        if all(fits(column, datum) for column, datum in pairs):
            same = sum(column.tag == datum.tag for column, datum in pairs)
            if best is None or same > best[0]:
                best = (same, push)
    if best is None:
        raise FrameError("TEMPLATE_UNKNOWN", f"no template for {len(columns)} columns of push {_dotted(name)}")
    return best[1]


def _read_push(
    push: Push, columns: list[Datum], values: dict[str, Any], units: dict[str, str], offset_secs: int
) -> None:
    for column, datum in zip(push.columns, columns, strict=False):
        unit, scale = _QUANTITIES.get(column.target, ("", 0))
        obis = f"{column.obis}/5" if column.target in TIMES and column.target != "billing_time" else column.obis
        value: Any = None
        if column.target == WORD and datum.tag == BIT_STRING:
            word = int.from_bytes(datum.value[1], "big")
            value = [bit for bit in range(128) if word >> (127 - bit) & 1]
        elif column.target in TIMES:
            octets = clock_octets(datum)
            value = None if octets is None else _time(octets, offset_secs)
        elif datum.tag in NUMBERS or datum.tag in FLOATS:
            whole = scaled(datum, column)
            value = whole if whole is None or scale == 0 else whole / 10**scale
        values[obis] = value
        if unit and column.target not in TIMES:
            units[obis] = _BASE.get(unit, unit)


def _read_list(items: list[Datum], found: Described) -> None:
    """OBIS code, value and perhaps {scaler, unit}, one after the other or each in a structure of its own."""
    place = 0
    while place < len(items):
        datum = items[place]
        place += 1
        if datum.tag in CONTAINERS:
            _read_list(datum.value, found)
        elif _is_obis(datum) and place < len(items) and items[place].tag not in CONTAINERS:
            obis = _dotted(datum.value)
            value: Any = _text(items[place])
            place += 1
            if place < len(items) and _is_scaler(items[place]) and isinstance(value, int | float):
                scaler, unit = (part.value for part in items[place].value)
                value = float(Decimal(str(value)).scaleb(scaler)) if scaler else value
                if unit in UNITS:
                    found.units[obis] = UNITS[unit]
                place += 1
            found.values[obis] = value


def _dotted(name: Iterable[int]) -> str:
    return ".".join(str(octet) for octet in name)


def _is_obis(datum: Datum) -> bool:
    return datum.tag == 9 and len(datum.value) == OBIS_LENGTH and datum.value[-1] == 0xFF


def _is_scaler(datum: Datum) -> bool:
    return datum.tag == 2 and [part.tag for part in datum.value] == [15, 22]


def _text(datum: Datum) -> Any:
    """A value as JSON takes it: numbers as they are, strings as text or hex, date-times as the wall clock says."""
    octets = datum.value
    if datum.tag == 4:
        return octets[1].hex().upper()
    if not isinstance(octets, bytes):
        return octets
    clock = read_clock(octets, 0, zero_is_utc=False) if len(octets) == 12 else None
    if clock is not None:
        return datetime.fromtimestamp(clock.time, UTC).strftime("%Y-%m-%d %H:%M:%S")
    text = octets.rstrip(b"\0")
    return text.decode("ascii") if text.isascii() and text.decode("ascii").isprintable() else octets.hex().upper()
