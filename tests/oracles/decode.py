"""What decode must make of a frame, written down once more in plain Python, on the decoder for single frames."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import reduce

import numpy as np

from agents.decode.framing import FrameError, read_length
from agents.decode.generic import (
    Datum,
    Notification,
    Opened,
    clock_octets,
    read_clock,
    read_datum,
    read_notification,
    scaled,
)
from agents.decode.single.apdus import read_apdu
from agents.decode.single.ciphering import SUITE_KEY_LENGTHS, Keys, unseal
from agents.decode.single.frames import LLC_HEADS, pieces
from agents.decode.single.mbus import is_mbus
from agents.decode.single.octets import Section
from agents.decode.single.transfers import Transfers
from pipeline.channels import PHYSICAL
from pipeline.codes import Flag, Kind
from pipeline.lookup import PAGE_GROUPS, groups_of
from pipeline.reference import References
from pipeline.templates import BIT_STRING, HEAD, PUSH_NAMES, TEMPLATE_BY_NUMBER, TIMES, WORD
from tests.oracles import readings

IST = 19_800
WINDOW = 256
MOST_ROWS = 400

Pair = tuple[bytes, bytes]
FROM_METER = (0x28, 0xCA, 0xCC, 0xCD, 0xCE, 0xCF)
WITH_DEDICATED = (0xD2, 0xD4, 0xD5, 0xD6, 0xD7)
TITLED = (0xDB, 0xDC)
CIPHERED = (*TITLED, 0xDD, *FROM_METER, *WITH_DEDICATED)
"""First octets of ciphered APDUs that a meter sends."""


@dataclass
class Seen:
    """What is remembered of a device."""

    key: tuple[bytes, bytes] | None = None
    marks: dict[int, int] = field(default_factory=dict)
    word: int = 0
    word_time: int = 0


@dataclass(frozen=True)
class Row:
    """A row: values by target name."""

    point: int
    device: int
    link: int
    kind: int
    time: int
    flags: int
    counter: int
    values: dict[str, int]
    change: tuple[int, int, bool] | None = None


@dataclass(frozen=True)
class Entry:
    """What a push or a row of a profile says: values by target name; status: flags of its clock.

    stamp: as sent; time: the end of a block's interval.
    """

    stamp: int
    time: int
    status: int
    link: int
    flags: int
    values: dict[str, int]


Verdict = str | list[Row]
"""Code of a reject, or rows."""


class Oracle:
    """Judges frames one by one, in order."""

    def __init__(
        self, references: References, keys: dict[int, Pair], *, strict: bool = False,
        others: dict[tuple[int, str, int], Pair] | None = None,
    ) -> None:  # fmt: skip
        """`others`: pairs of keys by device, key set and octets of a key."""
        registry = self._registry = references.registry
        self._links = [
            (int(registry.device[row]), int(registry.service_point[row]), int(registry.valid_from[row]),
             int(registry.valid_to[row]), int(registry.template[row]))
            for row in range(len(registry.device))
        ]  # fmt: skip
        self._keys = {(device, "unicast", 16): pair for device, pair in keys.items()} | (others or {})
        self._intervals = [int(secs) for secs in registry.interval_secs]
        models = [TEMPLATE_BY_NUMBER.get(link[4]) for link in self._links]
        self._opens = [
            secs if model is not None and model.opens else 0
            for secs, model in zip(self._intervals, models, strict=True)
        ]
        self._strict = strict
        self._seen: dict[tuple[int, int, str, int], Seen] = {}

    def judge(self, frame: bytes, device: int, point: int) -> str | list[Row]:
        """The rows of a frame, or the code of its reject."""
        if frame[:1] == b"R":
            # Random octets: what `tests.oracles.readings` takes is made on purpose, in a test of its own.
            return readings.judge(frame, device, point, self._registry)[0]
        if frame[:1] == b"S" and len(frame) > 1:
            return "DATA_MALFORMED"  # as above: random octets are no statement
        try:
            return self._judge(frame, device, point)
        except FrameError as error:
            return error.code

    def judge_entries(self, frame: bytes, device: int, point: int, entries: list[Entry], kinds: list[Kind]) -> Verdict:
        """The rows of a frame that says these entries (their link is found here), or the code of its reject."""
        try:
            opened, own, mark = self._opened(frame, device)
            links = [self._link(kind, entry.time, device, point) for entry, kind in zip(entries, kinds, strict=True)]
            seen = self._seen.setdefault((page_of(point), *own), Seen())
            flags = 0 if opened.control & 0x20 else Flag.PLAIN
            if opened.control:
                flags |= self._count(seen, self._keys[own], opened.counter, mark)
        except FrameError as error:
            return error.code
        return [
            Row(point, device, link, int(kind), entry.time, int(flags | entry.flags), opened.counter, entry.values)
            for entry, kind, link in zip(entries, kinds, links, strict=True)
        ]

    def _judge(self, frame: bytes, device: int, point: int) -> list[Row]:
        opened, own, mark = self._opened(frame, device)
        notification = read_notification(opened.apdu)
        kind = _kind(notification)
        items = notification.body.value
        if kind is not Kind.ALERT and len(items) == HEAD and items[2].tag in (1, 19):
            buffer = items[2].value if items[2].tag == 1 else _written_out(items[2])
            entries = self._profile(kind, buffer, device, point)
        else:
            entries = [self._entry(kind, items[2], items[HEAD:], None, device, point)]
        seen = self._seen.setdefault((page_of(point), *own), Seen())
        flags = 0 if opened.control & 0x20 else Flag.PLAIN
        if opened.control:
            flags |= self._count(seen, self._keys[own], opened.counter, mark)
        rows = []
        for entry in entries:
            change = _change(seen, kind, entry.time, entry.values)
            rows.append(
                Row(point, device, entry.link, int(kind), entry.time, int(flags | entry.flags), opened.counter,
                    entry.values, change)
            )  # fmt: skip
        return rows

    def _opened(self, frame: bytes, device: int) -> tuple[Opened, tuple[int, str, int], int]:
        """What a frame holds, under which of the device's keys, and the mark of its protected octets."""
        apdu = apdu_of(frame)
        if apdu[0] not in (*CIPHERED, 0x0F):
            raise FrameError("APDU_UNKNOWN", "first octet")
        if apdu[0] not in CIPHERED:
            return Opened(apdu), (device, "unicast", 16), 0
        opened, own = self._open(apdu, device)
        return opened, own, _mark(apdu[-(12 if opened.control & 0x10 else len(opened.apdu)) :])

    def _open(self, apdu: bytes, device: int) -> tuple[Opened, tuple[int, str, int]]:
        """What a ciphered APDU holds, and under which of the device's keys."""
        if apdu[0] in TITLED and len(apdu) < 10:
            raise FrameError("FRAME_TRUNCATED", "system title")
        if apdu[0] in TITLED and (apdu[1] != 8 or int.from_bytes(apdu[2:10], "big") != device):
            raise FrameError("FRAME_UNREADABLE", "system title")
        told = unseal(Section("APDU", apdu), Keys(server=device))
        if told.device not in (None, device):
            raise FrameError("FRAME_UNREADABLE", "system title")
        assert told.fault is not None
        security = told.details.get("security")
        if security is None or told.fault.code != "KEY_UNKNOWN":
            raise told.fault
        own = (device, security["key_set"], SUITE_KEY_LENGTHS[security["suite"]])
        found = unseal(Section("APDU", apdu), Keys(lambda _title: self._keys.get(own), server=device))
        if found.fault is not None:
            raise found.fault
        return Opened(found.apdu, security["control"], device, security["invocation_counter"]), own

    def _profile(self, kind: Kind, buffer: list[Datum], device: int, point: int) -> list[Entry]:
        """The rows of a profile's buffer, with what null-data stands for."""
        if not buffer or len(buffer) > MOST_ROWS:
            raise FrameError("FRAME_TOO_LONG" if buffer else "TEMPLATE_UNKNOWN", "rows")
        entries: list[Entry] = []
        above: list[Datum] = []
        for number, row in enumerate(buffer):
            if row.tag != 2 or not row.value:
                raise FrameError("TEMPLATE_UNKNOWN", "no row")
            clock, *sent = row.value
            whole = [
                above[place] if datum.tag == 0 and place < len(above) else datum
                for place, datum in enumerate(sent)
            ]  # fmt: skip
            before = entries[-1] if entries and clock.tag == 0 else None
            entries.append(self._entry(kind, clock, whole, before, device, point, first=number == 0))
            above = whole
        return entries

    def _entry(
        self, kind: Kind, clock: Datum, columns: list[Datum], before: Entry | None, device: int, point: int, *,
        first: bool = False,
    ) -> Entry:  # fmt: skip
        """One row: stamp, link, template, values; `before`: the row that a null clock comes after."""
        if before is None:
            stamp, status = _stamp(clock)
        elif kind is Kind.INSTANT:
            raise FrameError("CLOCK_UNUSABLE", "no capture period")
        else:
            period = self._intervals[before.link] if kind is Kind.BLOCK else 86_400
            stamp, status = before.stamp + period, before.status
        link = self._link(kind, stamp, device, point)
        time = stamp + self._opens[link] if kind is Kind.BLOCK else stamp
        model = self._links[link][4]
        push = TEMPLATE_BY_NUMBER[model].push(kind) if model in TEMPLATE_BY_NUMBER else None
        if push is None or not push.required <= len(columns) <= len(push.columns):
            raise FrameError("TEMPLATE_UNKNOWN", "columns")
        values: dict[str, int] = {}
        for column, datum in zip(push.columns, columns, strict=False):
            if first and datum.tag == 0:
                raise FrameError("DATA_MALFORMED", "nothing above")
            values |= _value(column, datum)
        flags = status if TEMPLATE_BY_NUMBER[model].verified else status | Flag.TEMPLATE_UNVERIFIED
        return Entry(stamp, time, status, link, int(flags), values)

    def _link(self, kind: Kind, time: int, device: int, point: int) -> int:
        mine = [row for row, link in enumerate(self._links) if link[0] == device]
        ended = {row: time + self._opens[row] if kind is Kind.BLOCK else time for row in mine}
        last = 1 if kind is Kind.BLOCK else 0
        there = [row for row in mine if self._links[row][2] <= ended[row] - last < self._links[row][3]]
        there += [row for row in mine if self._links[row][3] == ended[row]]
        if not there or self._links[there[0]][1] != point:
            raise FrameError("NOT_LINKED", "as of the stamp")
        return there[0]

    def _count(self, seen: Seen, pair: Pair, counter: int, mark: int) -> int:
        if seen.key != pair:
            seen.key, seen.marks = pair, {}
        newest = max(seen.marks, default=-1)
        if newest >= 0 and newest - counter >= WINDOW:
            raise FrameError("COUNTER_TOO_OLD", "window")
        if counter in seen.marks:
            raise FrameError("COUNTER_DUPLICATE" if seen.marks[counter] == mark else "COUNTER_REPLAYED", "seen")
        if counter < newest and self._strict:
            raise FrameError("COUNTER_TOO_OLD", "strict")
        seen.marks[counter] = mark
        for old in [old for old in seen.marks if max(newest, counter) - old >= WINDOW]:
            del seen.marks[old]
        return Flag.COUNTER_LATE if counter < newest else 0


def _written_out(datum: Datum) -> list[Datum]:
    """The rows of a compact array of structures of values that are no containers."""
    description, octets = datum.value
    if description[0] != 2:
        raise FrameError("TEMPLATE_UNKNOWN", "no structures")
    count, place = read_length(description, 1)
    types = description[place : place + count]
    if count > 127 or set(types) & {1, 2}:
        raise FrameError("TEMPLATE_UNKNOWN", "no row of a profile")
    rows: list[Datum] = []
    place = 0
    while place < len(octets):
        if len(rows) == MOST_ROWS:
            raise FrameError("FRAME_TOO_LONG", "rows")
        start, items = place, []
        for tag in types:
            item, end = read_datum(bytes([tag]) + octets[place:], 0)
            items.append(item)
            place += end - 1
        if place == start:
            raise FrameError("DATA_MALFORMED", "no room")
        rows.append(Datum(2, items))
    return rows


def _kind(notification: Notification) -> Kind:
    body = notification.body
    if body.tag != 2 or len(body.value) < HEAD:
        raise FrameError("TEMPLATE_UNKNOWN", "no push")
    name = body.value[1]
    for kind, octets in PUSH_NAMES.items():
        if name.tag == 9 and name.value == bytes(octets):
            return kind
    raise FrameError("TEMPLATE_UNKNOWN", "logical name")


def _stamp(datum: Datum) -> tuple[int, int]:
    """(time, flags of the status octet)."""
    octets = clock_octets(datum)
    clock = read_clock(octets, IST, True) if octets is not None else None
    if clock is None:
        raise FrameError("CLOCK_UNUSABLE", "stamp")
    status = 0 if clock.status == 0xFF else clock.status
    return clock.time, (Flag.CLOCK_INVALID if status & 1 else 0) | (Flag.CLOCK_DOUBTFUL if status & 2 else 0)


def page_of(point: int) -> int:
    """The page of state that a service point belongs to."""
    groups = np.empty(1, np.uint16)
    groups_of(np.array([point], np.uint64), groups)
    return int(groups[0]) // PAGE_GROUPS


def apdu_of(frame: bytes) -> bytes:
    """The one APDU that a payload holds, of at least two octets."""
    if len(frame) < 2:
        raise FrameError("FRAME_TRUNCATED", "two octets")
    if frame[0] == 0:
        if frame[1] != 1:
            raise FrameError("WRAPPER_VERSION", "version")
        declared, apdu = int.from_bytes(frame[6:8], "big"), frame[8:]
        if len(frame) < 8 or declared > len(apdu) or declared < 2:
            raise FrameError("FRAME_TRUNCATED", "length")
        if declared == len(apdu) and apdu[0] != 0xE0:
            return apdu
    elif frame[0] not in (0x7E, 0xE0) and not is_mbus(frame):
        apdu = frame[3:] if frame[:3] in LLC_HEADS else frame
        if apdu[:1] != b"\xe0":
            if len(apdu) < 2:
                raise FrameError("FRAME_TRUNCATED", "two octets")
            return apdu
    return _joined(frame)


def _joined(frame: bytes) -> bytes:
    """The APDU in frames of one kind, whose blocks are joined; the first thing that is wrong is raised."""
    found: bytes | None = None
    framing, transfers, waiting = "", Transfers(), None
    whole = pieces(frame)
    for piece, next_one in zip(whole, [*whole[1:], None], strict=True):
        bare = next_one is not None and next_one.framing == "raw" and piece.framing in ("raw", "llc")
        if bare and next_one.apdu[:1] != b"\xe0":
            raise FrameError("FRAME_TRUNCATED", "a bare block is not of its length")
        kind = piece.framing.replace("llc", "raw")
        if framing not in ("", kind):
            raise FrameError("DATA_MALFORMED", "octets of another framing behind")
        framing, apdu = kind, piece.apdu or None
        if apdu is not None and apdu[0] == 0xE0:
            message = read_apdu(Section("APDU", apdu))
            if message.fault is not None or message.block is None:
                raise message.fault or FrameError("FRAME_TRUNCATED", "no block")
            apdu, waiting = transfers.join(message.block), message.block
        if apdu is not None and found is not None:
            raise FrameError("DATA_MALFORMED", "two APDUs")
        found = apdu if found is None else found
        if piece.error is not None:
            raise piece.error
    if waiting is not None and transfers.pending(waiting):
        raise FrameError("SEGMENT_MISSING", "the last block")
    if found is None or len(found) < 2:
        raise FrameError("APDU_UNKNOWN" if found is None and framing == "hdlc" else "FRAME_TRUNCATED", "no APDU")
    return found


def _mark(octets: bytes) -> int:
    """The octet kept of a frame: of its tag, or of all protected octets where it has none."""
    return reduce(lambda mark, octet: (mark * 5 + octet) & 0xFF, octets, 0)


def _value(column, datum) -> dict[str, int]:
    if not column.target or datum.tag in (0, 255):
        return {}
    if column.target in TIMES:
        octets = clock_octets(datum)
        if octets is None:
            raise FrameError("TEMPLATE_UNKNOWN", "no time")
        clock = read_clock(octets, IST, True)
        return {} if clock is None else {column.target: clock.time}
    if column.target == WORD:
        if datum.tag != BIT_STRING or datum.value[0] != 128:
            raise FrameError("TEMPLATE_UNKNOWN", "no event status word")
        halves = [int.from_bytes(datum.value[1][part : part + 8], "big", signed=True) for part in (0, 8)]
        return {WORD: halves[0], "esw_low": halves[1]}
    value = scaled(datum, column)
    if value is None:
        return {}
    if column.target in {channel.name for channel in PHYSICAL} and abs(value) > 2**31 - 1:
        raise FrameError("DATA_MALFORMED", "too large")
    return {column.target: value}


def _change(seen: Seen, kind: Kind, time: int, values: dict[str, int]) -> tuple[int, int, bool] | None:
    if kind is not Kind.ALERT or WORD not in values:
        return None
    word = (values[WORD] % 2**64) << 64 | values["esw_low"] % 2**64
    before, late = seen.word, time < seen.word_time
    if not late:
        seen.word, seen.word_time = word, time
    return (before, word, late) if word != before else None
