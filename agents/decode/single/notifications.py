"""Data-Notification and Event-Notification."""

from __future__ import annotations

from agents.decode.single.clock import own_time
from agents.decode.single.explain import note_datum
from agents.decode.single.messages import Answer, Attribute, Message
from agents.decode.single.octets import FrameError, Reader, malformed
from pipeline.axdr import Datum, read_datum

_FLAGS = ((28, "self-descriptive"), (29, "break on error"), (30, "confirmed"), (31, "high priority"))


def take_datum(reader: Reader) -> Datum:
    """A Data, explained."""
    found, reader.place = read_datum(reader.octets[: reader.end], reader.place)
    note_datum(reader.section, found)
    return found


def take_time(reader: Reader) -> bytes:
    """A date-time of 12 octets behind its length, or nothing; some meters put the tag of an octet string before."""
    if reader.peek(2) in (b"\x09\x0c", b"\x09\x00"):
        reader.take(1, "tag of an octet string")
    length = reader.length("length of date-time")
    if length not in (0, 12):
        raise malformed("date-time of the notification")
    if not length:
        return b""
    return reader.take(12, "date-time", own_time(reader.peek(12)) if reader.left >= 12 else None)


def read_data_notification(reader: Reader, message: Message) -> None:
    """0F, long-invoke-id-and-priority u32, date-time, Data."""
    invoke = reader.number(4, "invoke id and priority")
    message.details["invoke"] = invoke & 0xFFFFFF
    flags = [name for bit, name in _FLAGS if invoke >> bit & 1]
    if flags:
        message.details["invoke_flags"] = flags
    message.time = take_time(reader)
    start = reader.place
    try:
        found, end = read_datum(reader.octets[: reader.end], start)
        if end != reader.end:
            raise malformed(f"{reader.end - end} octets behind the data")
    except FrameError as error:
        other = _with_descriptors(reader)
        if other is None:
            _salvage(reader, message)
            raise error from None
        found, end = other, reader.end
        message.details["note"] = "structures begin with attribute descriptors without tags"
    note_datum(reader.section, found)
    reader.place = end
    message.answers.append(Answer(datum=found))


def _with_descriptors(reader: Reader) -> Datum | None:
    try:
        found, end = read_datum(reader.octets[: reader.end], reader.place, descriptors=True)
    except FrameError:
        return None
    return found if end == reader.end else None


def _salvage(reader: Reader, message: Message) -> None:
    """What was sound of a body with octets behind it."""
    try:
        found, reader.place = read_datum(reader.octets[: reader.end], reader.place)
    except FrameError:
        return
    note_datum(reader.section, found)
    message.answers.append(Answer(datum=found))


def read_event_notification(reader: Reader, message: Message) -> None:
    """C2, time (optional), class, logical name, attribute, Data."""
    if reader.number(1, "time", {0: "absent"}):
        message.time = take_time(reader)
    attribute = Attribute(reader.number(2, "class"), reader.name(), reader.number(1, "attribute", signed=True))
    message.answers.append(Answer(attribute, take_datum(reader)))
