"""What decode must make of a frame, written down once more in plain Python, on the decoder for single frames."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import reduce

import numpy as np

from agents.decode.framing import FrameError
from agents.decode.generic import Datum, Notification, clock_octets, open_apdu, read_clock, read_notification, scaled
from pipeline.channels import PHYSICAL
from pipeline.codes import Flag, Kind
from pipeline.lookup import PAGE_GROUPS, groups_of
from pipeline.reference import References
from pipeline.templates import BIT_STRING, HEAD, PUSH_NAMES, TEMPLATE_BY_NUMBER, TIMES, WORD
from tests.oracles import readings

IST = 19_800
WINDOW = 256
MOST_ROWS = 400


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


class Oracle:
    """Judges frames one by one, in order."""

    def __init__(self, references: References, keys: dict[int, tuple[bytes, bytes]], *, strict: bool = False) -> None:
        registry = self._registry = references.registry
        self._links = [
            (int(registry.device[row]), int(registry.service_point[row]), int(registry.valid_from[row]),
             int(registry.valid_to[row]), int(registry.template[row]))
            for row in range(len(registry.device))
        ]  # fmt: skip
        self._keys = keys
        self._intervals = [int(secs) for secs in registry.interval_secs]
        models = [TEMPLATE_BY_NUMBER.get(link[4]) for link in self._links]
        self._opens = [
            secs if model is not None and model.opens else 0
            for secs, model in zip(self._intervals, models, strict=True)
        ]
        self._strict = strict
        self._seen: dict[tuple[int, int], Seen] = {}

    def judge(self, frame: bytes, device: int, point: int) -> str | list[Row]:
        """The rows of a frame, or the code of its reject."""
        if frame[:1] == b"R":
            # Random octets: what `tests.oracles.readings` takes is made on purpose, in a test of its own.
            return readings.judge(frame, device, point, self._registry)[0]
        try:
            return self._judge(frame, device, point)
        except FrameError as error:
            return error.code

    def _judge(self, frame: bytes, device: int, point: int) -> list[Row]:
        apdu = _apdu(frame)
        if apdu[0] == 0xDB and len(apdu) >= 10 and apdu[1] == 8 and int.from_bytes(apdu[2:10], "big") != device:
            raise FrameError("FRAME_UNREADABLE", "system title")
        if apdu[0] not in (0xDB, 0x0F):
            raise FrameError("APDU_UNKNOWN", "first octet")
        opened = open_apdu(apdu, self._keys.get)
        notification = read_notification(opened.apdu)
        kind = _kind(notification)
        items = notification.body.value
        if kind is Kind.BLOCK and len(items) == HEAD and items[2].tag == 1:
            entries = self._profile(items[2].value, device, point)
        else:
            entries = [self._entry(kind, items[2], items[HEAD:], None, device, point)]
        seen = self._seen.setdefault((page_of(point), device), Seen())
        flags = 0 if opened.control & 0x20 else Flag.PLAIN
        if opened.control:
            flags |= self._count(seen, device, opened.counter, _mark(apdu, opened.control))
        rows = []
        for entry in entries:
            change = _change(seen, kind, entry.time, entry.values)
            rows.append(
                Row(point, device, entry.link, int(kind), entry.time, int(flags | entry.flags), opened.counter,
                    entry.values, change)
            )  # fmt: skip
        return rows

    def _profile(self, buffer: list[Datum], device: int, point: int) -> list[Entry]:
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
            entries.append(self._entry(Kind.BLOCK, clock, whole, before, device, point, first=number == 0))
            above = whole
        return entries

    def _entry(
        self, kind: Kind, clock: Datum, columns: list[Datum], before: Entry | None, device: int, point: int, *,
        first: bool = False,
    ) -> Entry:  # fmt: skip
        """One row: stamp, link, template, values; `before`: the row that a null clock comes after."""
        if before is None:
            stamp, status = _stamp(clock)
        else:
            stamp, status = before.stamp + self._intervals[before.link], before.status
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

    def _count(self, seen: Seen, device: int, counter: int, mark: int) -> int:
        if seen.key != self._keys[device]:
            seen.key, seen.marks = self._keys[device], {}
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


def _apdu(frame: bytes) -> bytes:
    if len(frame) < 2:
        raise FrameError("FRAME_TRUNCATED", "two octets")
    if frame[0] != 0:
        return frame
    if frame[1] != 1:
        raise FrameError("WRAPPER_VERSION", "version")
    declared, apdu = int.from_bytes(frame[6:8], "big"), frame[8:]
    if len(frame) < 8 or declared > len(apdu) or declared < 2:
        raise FrameError("FRAME_TRUNCATED", "length")
    if declared != len(apdu):
        raise FrameError("DATA_MALFORMED", "octets behind")
    return apdu


def _mark(apdu: bytes, control: int) -> int:
    """The octet kept of a frame: of its tag, or of all protected octets where it has none."""
    if control & 0x10:
        octets = apdu[-12:]
    else:
        size = 1 if apdu[10] < 0x80 else apdu[10] - 0x7F
        octets = apdu[10 + size + 5 :]
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
