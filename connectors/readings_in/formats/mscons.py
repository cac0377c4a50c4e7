"""MSCONS: metered services consumption report of UN/EDIFACT D.04B, as the German market writes it (EDI@Energy MSCONS).

An interchange is messages UNH .. UNT. In one, LOC+172 names a metering point, LIN and PIA+5 an OBIS code, and QTY with
the DTMs and STSs behind it a value; values of one point, stamp and kind become a row. A message whose segments are not
as many as UNT says is refused whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO
from zoneinfo import ZoneInfo

from connectors.readings_in.config import Columns, ReadingsOptions
from connectors.readings_in.formats.edifact import Segment, Syntax, segments
from connectors.readings_in.formats.gathered import Gathered, Key, register_kind
from connectors.readings_in.formats.mscons_codes import Moments, Series, series_of
from connectors.readings_in.formats.parts import Part, UnreadableError, whole
from connectors.readings_in.qualities import with_remark
from connectors.readings_in.records import MOST_RAW, Fault
from connectors.readings_in.times import EPOCH
from pipeline.codes import Kind

COLUMNS = Columns(device="LOC", time="DTM", kind=" kind", quality="QTY", id="BGM")
POINT, METER = "172", "MG"
"""Qualifiers: of LOC for a metering point, of RFF for a meter's number."""
FROM, UNTIL, READ_AT = "163", "164", ("9", "7", "163", "164")
"""Qualifiers of DTM: begin and end of an interval; when a register was read, the first that is there."""
LONGEST_SECS = 86_400


def read_mscons(stream: BinaryIO, options: ReadingsOptions) -> Iterator[Part]:
    """See FORMATS. Whole messages in front of a fault of the interchange are used."""
    syntax, found = segments(whole(stream, options))
    interchange = _Interchange(options, syntax)
    try:
        for segment in found:
            interchange.take(segment)
        interchange.finish()
    except UnreadableError:
        if len(interchange.gathered):
            yield interchange.part()
        raise
    yield interchange.part()


@dataclass
class _Quantity:
    """A QTY, and what stands behind it."""

    message: str
    number: int
    segment: Segment
    moments: dict[str, tuple[str, str]] = field(default_factory=dict)
    statuses: list[str] = field(default_factory=list)


def _place(quantity: _Quantity) -> str:
    return f"message {quantity.message[:40]}, segment {quantity.number}"


def _raw(quantity: _Quantity) -> bytes:
    return quantity.segment.text.encode()


Addition = tuple[Key, str, Series, str, tuple[str, ...], _Quantity]
"""What a value adds to the rows: key, column, series, value, qualities, where it stood."""


class _Interchange:
    """UNB .. UNZ: messages, and how many there were."""

    def __init__(self, options: ReadingsOptions, syntax: Syntax) -> None:
        self.gathered = Gathered(options, COLUMNS, _place, _raw)
        self._options, self._decimal = options, syntax.decimal
        self._moments = Moments(ZoneInfo(options.zone))
        self._reference: str | None = None
        self._message: _Message | None = None
        self._messages = self._groups = 0
        self._ended = False

    def part(self) -> Part:
        """Rows of all messages that ended as they say."""
        return self.gathered.part(time_format=EPOCH, stamp="end", decimal=self._decimal)

    def take(self, segment: Segment) -> None:
        """The next segment; raises UnreadableError when the interchange is none from here on."""
        tag = segment.tag
        if self._ended:
            raise UnreadableError(f"{tag[:20]!r} behind UNZ")
        if self._reference is None:
            if tag != "UNB":
                raise UnreadableError(f"{tag[:20]!r} where UNB should be")
            self._reference = segment.part(5)
        elif tag == "UNH":
            self._lose("another UNH before UNT")
            self._message = _Message(self._options, self._moments, segment)
        elif self._message is not None:
            if tag == "UNZ":
                self._lose("no UNT")
                self._end(segment)
            elif self._message.take(segment):
                self._close(self._message)
        elif tag == "UNZ":
            self._end(segment)
        elif tag == "UNG":
            self._groups += 1
        elif tag != "UNE":
            raise UnreadableError(f"{tag[:20]!r} where UNH should be")

    def finish(self) -> None:
        """No segment is left; raises UnreadableError when the interchange has not ended."""
        if self._reference is None:
            raise UnreadableError("no UNB")
        self._lose("no UNT")
        if not self._ended:
            raise UnreadableError("it ends without UNZ")

    def _close(self, message: _Message) -> None:
        self._message = None
        self._messages += 1
        if message.fault:
            self._refuse(message, message.fault)
            return
        self.gathered.faults += message.faults
        for key, column, series, value, qualities, quantity in message.additions:
            self.gathered.quantities[column] = series.quantity
            self.gathered.add(key, column, value, qualities, quantity, message.document)

    def _lose(self, reason: str) -> None:
        message, self._message = self._message, None
        if message is not None:
            self._messages += 1
            self._refuse(message, reason)

    def _refuse(self, message: _Message, reason: str) -> None:
        fault = Fault(f"message {message.reference}"[:60], "", "MESSAGE_UNREADABLE", reason, bytes(message.octets))
        self.gathered.faults.append(fault)

    def _end(self, segment: Segment) -> None:
        self._ended = True
        if segment.part(2) != self._reference:
            raise UnreadableError(f"UNZ is of {segment.part(2)[:40]!r}, UNB of {(self._reference or '')[:40]!r}")
        count = self._groups or self._messages
        if segment.part(1) != str(count):
            raise UnreadableError(f"UNZ counts {segment.part(1)[:20]!r} messages or groups, there are {count}")


class _Message:
    """UNH .. UNT; `fault`: why all of it is refused."""

    def __init__(self, options: ReadingsOptions, moments: Moments, header: Segment) -> None:
        self.reference, self.document, self.fault = header.part(1), "", ""
        self.octets = bytearray(header.text.encode()[:MOST_RAW])
        self.additions: list[Addition] = []
        self.faults: list[Fault] = []
        self._options, self._moments = options, moments
        self._count = 1
        self._point = self._meter = ""
        self._series: Series | str | None = None
        self._told: set[str] = set()
        self._in_units: dict[tuple[str, str], Series] = {}
        self._open: _Quantity | None = None
        if header.part(2) != "MSCONS":
            self.fault = f"{header.part(2)[:20]!r}, not MSCONS"

    def take(self, segment: Segment) -> bool:
        """The next segment; true at its end."""
        self._count += 1
        if len(self.octets) < MOST_RAW:
            self.octets += b"'" + segment.text.encode()[: MOST_RAW - len(self.octets)]
        if segment.tag == "DTM":
            if self._open is not None:
                name, said = self._moments.said(segment)
                self._open.moments.setdefault(name, said)
        elif segment.tag == "STS":
            if self._open is not None:
                self._open.statuses.append(segment.part(3) or segment.part(2))
        elif segment.tag in _STEPS:
            self._close()
            _STEPS[segment.tag](self, segment)
        return segment.tag == "UNT"

    def begin(self, segment: Segment) -> None:
        """BGM: the document."""
        self.document = segment.part(2)

    def party(self, _segment: Segment) -> None:
        """NAD, UNS: what follows is of no metering point yet."""
        self._point = self._meter = ""
        self._series = None

    def location(self, segment: Segment) -> None:
        """LOC: what follows is of another place."""
        self._point = segment.part(2) if segment.part(1) == POINT else ""
        self._meter = ""
        self._series = None

    def related(self, segment: Segment) -> None:
        """RFF: perhaps the meter's number."""
        if segment.part(1) == METER:
            self._meter = segment.part(1, 1)

    def line(self, _segment: Segment) -> None:
        """LIN: a series of values."""
        self._series = None

    def product(self, segment: Segment) -> None:
        """PIA+5: the OBIS code of a series."""
        if segment.part(1) == "5":
            obis = segment.part(2)
            try:
                self._series = series_of(obis, self._options.values)
            except ValueError as error:
                self._series = str(error)
                if obis not in self._told:  # once a message, as other series are used
                    self._told.add(obis)
                    self._fault(segment, "PIA", str(error))

    def quantity(self, segment: Segment) -> None:
        """QTY: a value, whose stamps come behind it."""
        self._open = _Quantity(self.reference, self._count, segment)

    def end(self, segment: Segment) -> None:
        """UNT: how many segments there should have been."""
        if segment.part(1) != str(self._count):
            self.fault = self.fault or f"UNT counts {segment.part(1)[:20]!r} segments, there are {self._count}"
        elif segment.part(2) != self.reference:
            self.fault = self.fault or f"UNT is of {segment.part(2)[:40]!r}"

    def _close(self) -> None:
        """The open value is complete."""
        value, self._open = self._open, None
        if value is None or isinstance(self._series, str):
            return
        if self._series is None:
            self._refuse(value, "PIA", "READING_UNREADABLE", "no LIN and PIA+5 before it")
            return
        code, text, unit = (*value.segment.parts(1), "", "", "")[:3]
        try:
            series = self._in_units.get((self._series.obis, unit)) or self._series.of_unit(unit)
        except ValueError as error:
            self._refuse(value, "QTY", "READING_UNREADABLE", str(error))
            return
        try:
            time, kind, interval = self._time_of(value, series)
        except ValueError as error:
            self._refuse(value, COLUMNS.time, "CLOCK_UNUSABLE", str(error))
            return
        self._in_units[self._series.obis, unit] = series
        device = self._meter if self._options.named_by == "meter" else self._point
        said = (with_remark(code, *value.statuses),)
        key = (device, str(time), kind, interval)
        self.additions.append((key, f"{series.obis} {unit}".strip(), series, text, said, value))

    def _time_of(self, value: _Quantity, series: Series) -> tuple[int, Kind, int]:
        """(stamp, kind, seconds of the interval); raises ValueError."""
        if series.register:
            said = next((value.moments[name] for name in READ_AT if name in value.moments), None)
            if said is None:
                raise ValueError("no DTM+9")
            time = self._moments.read(*said)
            return time, register_kind(time, self._moments.zone), 0
        if FROM not in value.moments or UNTIL not in value.moments:
            raise ValueError(f"no DTM+{FROM} and DTM+{UNTIL}")
        begin, end = self._moments.read(*value.moments[FROM]), self._moments.read(*value.moments[UNTIL])
        if not 0 < end - begin <= LONGEST_SECS:
            raise ValueError(f"{end - begin} s is no interval")
        return end, Kind.BLOCK, end - begin

    def _refuse(self, value: _Quantity, column: str, code: str, reason: str) -> None:
        self.faults.append(Fault(_place(value), column, code, reason, _raw(value)[:MOST_RAW]))

    def _fault(self, segment: Segment, column: str, reason: str) -> None:
        place = f"message {self.reference[:40]}, segment {self._count}"
        self.faults.append(Fault(place, column, "READING_UNREADABLE", reason, segment.text.encode()[:MOST_RAW]))


_STEPS = {
    "BGM": _Message.begin, "NAD": _Message.party, "UNS": _Message.party, "LOC": _Message.location,
    "RFF": _Message.related, "LIN": _Message.line, "PIA": _Message.product, "QTY": _Message.quantity,
    "UNT": _Message.end,
}  # fmt: skip
"""Segments that end the value before them; all others, but its DTM and STS, say nothing that is kept."""
