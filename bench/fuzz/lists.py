"""Plaintexts for the decoder for single frames: lists, billing, event logs, nameplates, notices."""

from __future__ import annotations

from collections.abc import Iterator

from agents.decode.single.profiles import BILLING, EVENTS, NAMEPLATE, PROFILES, Column
from bench.fuzz import encode
from bench.fuzz.world import NOON
from pipeline.templates import ARRAY, BIT_STRING, STRUCTURE

WH, W, V, A, VARH = 30, 27, 35, 33, 32
DATED = bytes([encode.CLOCK_OCTETS])
_SETUPS = {BILLING: 103, NAMEPLATE: 104}
_QUANTITIES = (
    ("1.0.1.8.0.255", 6, 123_456, 0, WH), ("1.1.2.8.0.255", 6, 7, 3, WH), ("1.0.5.8.0.255", 18, 12, 1, VARH),
    ("1.0.1.7.0.255", 6, 1500, 0, W), ("1.0.32.7.0.255", 18, 2301, -1, V), ("1.0.71.7.0.255", 16, -125, -2, A),
    ("1.0.1.29.0.255", 23, 0.25, 3, WH), ("1.0.1.8.1.255", 20, 2**53, 0, WH), ("0.0.96.7.0.255", 18, 4, 0, 255),
)  # fmt: skip


def obis(code: str) -> bytes:
    """A logical name as data."""
    return encode.octets(bytes(map(int, code.split("."))))


def _scaler(power: int, unit: int) -> bytes:
    return encode.container(STRUCTURE, [encode.number(15, power), encode.number(22, unit)])


def _clock(time: int = NOON) -> bytes:
    return encode.octets(encode.date_time(time))


def lists() -> Iterator[bytes]:
    """Lists that name their quantities: in structures, flat, with the objects before them, and as text."""
    quantities = [
        [obis(code), encode.number(tag, value), _scaler(power, unit)] for code, tag, value, power, unit in _QUANTITIES
    ]
    nested = [encode.container(STRUCTURE, parts) for parts in quantities]
    flat = [part for parts in quantities for part in parts]
    dated = DATED + encode.date_time(NOON)
    yield encode.notification(encode.container(ARRAY, nested), dated)
    yield encode.notification(encode.container(STRUCTURE, flat), DATED + encode.date_time(NOON - 43_200))
    clock = encode.container(STRUCTURE, [obis("0.0.1.0.0.255"), _clock()])
    yield encode.notification(encode.container(ARRAY, [clock, *nested[:2]]))
    # A push-object list, then what it names.
    objects = [encode.container(STRUCTURE, [encode.number(18, class_id), obis(code), encode.number(15, attribute),
                                            encode.number(18, 0)])
               for class_id, code, attribute in ((8, "0.0.1.0.0.255", 2), (3, "1.0.1.8.0.255", 2),
                                                 (3, "1.0.1.8.0.255", 3), (3, "1.0.32.7.0.255", 2))]  # fmt: skip
    values = [_clock(), encode.number(6, 55), _scaler(1, WH), encode.number(18, 2300)]
    yield encode.notification(encode.container(STRUCTURE, [encode.container(ARRAY, objects), *values]))
    # A maker's list goes by position.
    maker = [b"KFM_001", b"6970631400000000", b"MA304H3E"]
    numbers = (1500, 0, 12, 0, 1250, 990, 431, 2301, 2315, 2299)
    yield encode.notification(
        encode.container(STRUCTURE, [*map(encode.octets, maker), *(encode.number(6, one) for one in numbers)]), dated
    )


TELEGRAM = b"/KFM5KAIFA\r\n\r\n" + b"\r\n".join((
    b"0-0:1.0.0(250701120000S)", b"1-0:1.8.0(000123.456*kWh)", b"1-0:2.8.0(000000.001*kWh)", b"1-0:32.7.0(230.1*V)",
)) + b"\r\n!\r\n"  # fmt: skip


def pushes() -> Iterator[bytes]:
    """Billing, event logs and nameplates of all tables: one row, the rows of a buffer, a compact array of events."""
    for template in PROFILES:
        setup = _SETUPS.get(template.profile, 120 + EVENTS.index(template.profile) if template.profile in EVENTS else 0)
        columns = [_column(column, place) for place, column in enumerate(template.columns)]
        head = [encode.octets(b"METER0001"), encode.octets(bytes([0, setup, 25, 9, 0, 255]))]
        yield encode.notification(encode.container(STRUCTURE, [*head, _clock(), *columns]))
        if template.profile != NAMEPLATE:
            rows = [encode.container(STRUCTURE, [_clock(NOON - 3600 * row), *columns]) for row in range(2)]
            yield encode.notification(encode.container(STRUCTURE, [*head, encode.container(ARRAY, rows)]))
    types = bytes([STRUCTURE, 2, 9, 18])
    packed = b"".join(DATED + encode.date_time(NOON - 60 * row) + bytes([0, 101 + row % 2]) for row in range(4))
    head = [encode.octets(b"METER0001"), encode.octets(bytes([0, 122, 25, 9, 0, 255]))]
    body = bytes([encode.COMPACT_ARRAY]) + types + encode.length(len(packed)) + packed
    yield encode.notification(encode.container(STRUCTURE, [*head, body]))


def _column(column: Column, place: int) -> bytes:
    if column.quantity == "time":
        return _clock(NOON - 86_400 - 60 * place)
    if column.quantity == "text":
        return bytes([10]) + encode.length(4) + b"ABC1"
    if column.obis.startswith("0.0.96.11."):
        return encode.number(18, (7, 51, 101, 151, 201, 251, 301)[place % 7])
    return encode.number(23, 1.5 + place) if place % 2 else encode.number(6, 100 + place)


def notices() -> Iterator[bytes]:
    """Event-Notifications of a code and of the event status word, with their time and without."""
    word = bytes([BIT_STRING]) + encode.length(encode.WORD_BITS) + (1 << 46).to_bytes(16, "big")
    for time in (b"\0", b"\1" + DATED + encode.date_time(NOON)):
        for code, body in (("0.0.96.11.2.255", encode.number(18, 101)), ("0.0.94.91.18.255", word)):
            yield b"\xc2" + time + b"\0\1" + bytes(map(int, code.split("."))) + b"\2" + body
