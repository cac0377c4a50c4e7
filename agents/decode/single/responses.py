"""Responses of a meter: GET, SET, ACTION (normal, list, blocks), exception, confirmed service error."""

from __future__ import annotations

from agents.decode.single.messages import Answer, Block, Message
from agents.decode.single.names import (
    ACCESS_RESULTS,
    ACTION_RESULTS,
    CONFIRMED_SERVICES,
    ERROR_KINDS,
    SERVICE_ERRORS,
    STATE_ERRORS,
)
from agents.decode.single.notifications import take_datum
from agents.decode.single.octets import FrameError, Reader, malformed

GET, SET, ACTION = 0xC4, 0xC5, 0xC7
_GET_KINDS = {1: "normal", 2: "with-datablock", 3: "with-list"}
_SET_KINDS = {1: "normal", 2: "datablock", 3: "last-datablock", 4: "last-datablock-with-list", 5: "with-list"}
_ACTION_KINDS = {1: "normal", 2: "with-pblock", 3: "with-list", 4: "next-pblock"}
COUNTER_ERROR = 6


def take_kind(reader: Reader, message: Message, kinds: dict[int, str]) -> int:
    """The octet that says which form of a service it is, and the invoke id behind it."""
    kind = reader.number(1, "kind", kinds)
    if kind not in kinds:
        raise malformed(f"kind {kind} of {message.name}")
    message.name = f"{message.name}-{kinds[kind]}"
    message.details["invoke"] = reader.number(1, "invoke id and priority") & 0x0F
    return kind


def take_count(reader: Reader) -> int:
    """How many elements a list has: each takes an octet at least."""
    count = reader.length("count")
    if count > reader.left:
        raise malformed(f"{count} elements in {reader.left} octets")
    return count


def take_result(reader: Reader, names: dict[int, str], what: str = "result") -> str:
    """A result octet by its name."""
    value = reader.number(1, what, names)
    return names.get(value, f"result {value}")


def take_block(
    reader: Reader, message: Message, service: int, *, choice: bool = True, flag: bool = True, last: bool = False
) -> None:
    """last-block (if it is `flag`ged), block number, then raw octets, or behind a `choice` a result."""
    if flag:
        last = bool(reader.number(1, "last block", {0: "no", 1: "yes"}))
    number = reader.number(4, "block number")
    message.details |= {"block_number": number, "last": last}
    if choice and reader.number(1, "choice", {0: "raw data", 1: "result"}):
        message.answers.append(Answer(result=take_result(reader, ACCESS_RESULTS)))
        return
    reader.code = "FRAME_TRUNCATED"
    length = reader.length("length of raw data")
    if length != reader.left:
        raise FrameError("FRAME_TRUNCATED", f"block {number} says {length} octets and has {reader.left}")
    octets = reader.take(length, "raw data", "see below")
    message.block = Block(service, message.details["invoke"], number, last, octets)


def take_get_result(reader: Reader) -> Answer:
    """Data, or a result in its place."""
    if reader.number(1, "choice", {0: "data", 1: "result"}):
        return Answer(result=take_result(reader, ACCESS_RESULTS))
    return Answer(datum=take_datum(reader))


def read_get_response(reader: Reader, message: Message) -> None:
    """C4."""
    kind = take_kind(reader, message, _GET_KINDS)
    if kind == 2:
        take_block(reader, message, GET)
        return
    for _ in range(take_count(reader) if kind == 3 else 1):
        message.answers.append(take_get_result(reader))


def read_set_response(reader: Reader, message: Message) -> None:
    """C5."""
    kind = take_kind(reader, message, _SET_KINDS)
    if kind in (1, 3):
        message.answers.append(Answer(result=take_result(reader, ACCESS_RESULTS)))
    if kind in (4, 5):
        results = [take_result(reader, ACCESS_RESULTS) for _ in range(take_count(reader))]
        message.answers += [Answer(result=result) for result in results]
    if kind in (2, 3, 4):
        message.details["block_number"] = reader.number(4, "block number")


def _action_result(reader: Reader) -> Answer:
    result = take_result(reader, ACTION_RESULTS, "action result")
    if not reader.number(1, "return parameters", {0: "absent", 1: "present"}):
        return Answer(result=result)
    given = take_get_result(reader)
    return Answer(None, given.datum, given.result or result)


def read_action_response(reader: Reader, message: Message) -> None:
    """C7."""
    kind = take_kind(reader, message, _ACTION_KINDS)
    if kind == 2:
        take_block(reader, message, ACTION, choice=False)
    elif kind == 4:
        message.details["block_number"] = reader.number(4, "block number")
    else:
        for _ in range(take_count(reader) if kind == 3 else 1):
            message.answers.append(_action_result(reader))


def read_exception(reader: Reader, message: Message) -> None:
    """D8: state error, service error, and the counter that was expected."""
    message.details["state_error"] = take_result(reader, STATE_ERRORS, "state error")
    service = reader.number(1, "service error", SERVICE_ERRORS)
    message.details["service_error"] = SERVICE_ERRORS.get(service, f"result {service}")
    if service == COUNTER_ERROR and reader.left:
        message.details["expected_counter"] = reader.number(4, "expected invocation counter")


def read_confirmed_service_error(reader: Reader, message: Message) -> None:
    """0E: service, kind of error, error."""
    message.details["service"] = take_result(reader, CONFIRMED_SERVICES, "service")
    message.details["error_kind"] = take_result(reader, ERROR_KINDS, "kind of error")
    message.details["error_value"] = reader.number(1, "error")
