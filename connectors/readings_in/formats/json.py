"""JSON: a list of readings, an object with a list of them, one reading, or one of these a line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, BinaryIO

from connectors.readings_in.config import ReadingsOptions
from connectors.readings_in.formats.parts import Part, UnreadableError, of_rows, whole
from connectors.readings_in.records import MOST_RAW, Fault, Room, SharedError, nested_rows


def read_json(stream: BinaryIO, options: ReadingsOptions) -> Iterator[Part]:
    """See FORMATS. Numbers stay as they are written. Of lines that are read one by one a bad one is a fault.

    Lines are read one by one only when the first is a value of its own: a line of a printed object that ends early
    can look like a reading too, without what the object says beside its list.
    """
    octets = whole(stream, options)
    try:
        rows = nested_rows(_parsed(octets), options.records, Room(len(octets)))
    except SharedError as error:
        raise UnreadableError(str(error)) from error
    except (ValueError, RecursionError) as error:
        lines = octets.splitlines()
        if sum(bool(line.strip()) for line in lines) < 2 or not _begins_with_a_value(lines):
            raise UnreadableError(f"no JSON: {error}"[:200]) from error
        yield _by_line(lines, options, str(error))
        return
    yield of_rows(rows, options)


def _parsed(octets: bytes) -> Any:
    return json.loads(octets.decode("utf-8-sig"), parse_float=str, parse_int=str, parse_constant=str)


def _begins_with_a_value(lines: list[bytes]) -> bool:
    try:
        _parsed(next(line for line in lines if line.strip()))
    except (ValueError, RecursionError):
        return False
    return True


def _by_line(lines: list[bytes], options: ReadingsOptions, first: str) -> Part:
    rows: list[dict[str, Any]] = []
    raw: list[bytes] = []
    faults: list[Fault] = []
    room = Room(sum(map(len, lines)))
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            own = nested_rows(_parsed(line), options.records, room)
        except SharedError as error:
            raise UnreadableError(str(error)) from error
        except (ValueError, RecursionError) as error:
            faults.append(Fault(f"line {number}", "", "MESSAGE_UNREADABLE", f"no JSON: {error}"[:200], line[:MOST_RAW]))
            continue
        rows += own
        raw += [line] * len(own)
    if not rows:
        raise UnreadableError(f"no JSON: {first}"[:200])
    part = of_rows(rows, options, raw)
    part.records.faults.extend(faults)
    return part
