"""JSON of gateways: frames in fields that everybody calls otherwise, with the meter's name beside them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

from connectors.payloads.config import Envelope
from connectors.payloads.texts import PayloadError, from_base64, from_either, from_hex

MOST_OCTETS = 1 << 20
MOST_FRAMES = 1024
MOST_NESTING = 32
"""Of a message: its octets, frames in it, objects and lists inside each other."""
MOST_NAME = 128
RAW_OCTETS = 4096
"""Of a frame's text that cannot be read, so much is kept."""


@dataclass
class Opened:
    """What a message holds: frames with the name of their meter ("" for none), and texts that are none, with why."""

    frames: list[tuple[bytes, str]] = field(default_factory=list)
    faults: list[tuple[bytes, str]] = field(default_factory=list)

    def add(self, more: Opened) -> None:
        """Take what another part of the message holds."""
        self.frames += more.frames
        self.faults += more.faults


@dataclass(frozen=True)
class Fields:
    """Names of an Envelope, ready to be looked for."""

    envelope: Envelope

    @cached_property
    def frames(self) -> tuple[tuple[str, ...], ...]:
        """Ways to fields with frames, each a name or several within each other."""
        return tuple(_way(name) for name in self.envelope.frames)

    @cached_property
    def devices(self) -> tuple[tuple[str, ...], ...]:
        """Ways to fields with a meter's name."""
        return tuple(_way(name) for name in self.envelope.devices)


def open_json(octets: bytes, fields: Fields) -> Opened:
    """The frames of a message; raises PayloadError when it is no JSON, or no field holds a frame."""
    if len(octets) > MOST_OCTETS:
        raise PayloadError(f"{len(octets)} octets of JSON, more than {MOST_OCTETS}")
    try:
        document = json.loads(octets)
    except (ValueError, RecursionError) as error:
        raise PayloadError(f"no JSON: {str(error)[:80]}") from error
    texts = isinstance(document, list) and all(isinstance(item, str) for item in document)
    opened = _items(document, fields, "", 0) if texts else _walk(document, fields, "", 0)
    if not opened.frames and not opened.faults:
        raise PayloadError("no field of a known name holds a frame")
    if len(opened.frames) + len(opened.faults) > MOST_FRAMES:
        raise PayloadError(f"more than {MOST_FRAMES} frames in a message")
    return opened


def _walk(value: Any, fields: Fields, name: str, depth: int) -> Opened:
    """What an object or list holds. Of an object with a field of frames nothing else is searched."""
    if depth > MOST_NESTING:
        raise PayloadError(f"more than {MOST_NESTING} objects and lists inside each other")
    opened = Opened()
    inner: Iterable[Any] = value if isinstance(value, list) else ()
    if isinstance(value, dict):
        plain = {_plain(key): item for key, item in value.items()}
        name = _name(plain, fields) or name
        for way in fields.frames:
            found = _items(_at(plain, way), fields, name, depth + 1)
            if found.frames:
                return found
            # A field of a usual name may hold something else; it is told only where no other one has a frame.
            opened = opened if opened.faults else found
        inner = value.values()
    below = Opened()
    for item in inner:
        if isinstance(item, dict | list):
            below.add(_walk(item, fields, name, depth + 1))
    return below if below.frames or not opened.faults else opened


def _items(item: Any, fields: Fields, name: str, depth: int) -> Opened:
    """The frames of a field: a text, a list of octets, or a list of those and of objects."""
    opened = Opened()
    if isinstance(item, dict):
        return _walk(item, fields, name, depth)
    if isinstance(item, list) and depth > MOST_NESTING:
        raise PayloadError(f"more than {MOST_NESTING} objects and lists inside each other")
    if isinstance(item, list) and not all(isinstance(octet, int) for octet in item):
        for part in item:
            opened.add(_items(part, fields, name, depth + 1))
    elif isinstance(item, str | list) and item:
        try:
            opened.frames.append((_frame(item, fields.envelope.text), name))
        except PayloadError as error:
            raw = item if isinstance(item, str) else json.dumps(item)
            opened.faults.append((raw.encode("utf-8", "backslashreplace")[:RAW_OCTETS], str(error)))
    return opened


def _frame(item: Any, text: str) -> bytes:
    if isinstance(item, list):
        try:
            return bytes(item)
        except ValueError as error:
            raise PayloadError("a list of numbers that are no octets") from error
    try:
        written: bytes = item.encode("ascii")
    except UnicodeEncodeError as error:
        raise PayloadError("the text of a frame is neither hex nor base64") from error
    if text == "hex":
        return from_hex(written)
    if text == "base64":
        return from_base64(written)
    found = from_either(written)
    if found is None:
        raise PayloadError("the text of a frame is neither hex nor base64")
    return found


def _name(plain: dict[str, Any], fields: Fields) -> str:
    for way in fields.devices:
        item = _at(plain, way)
        if isinstance(item, str) or (isinstance(item, int) and not isinstance(item, bool)):
            return str(item)[:MOST_NAME]
    return ""


def _at(plain: dict[str, Any], way: tuple[str, ...]) -> Any:
    found = plain.get(way[0])
    for name in way[1:]:
        if not isinstance(found, dict):
            return None
        found = {_plain(key): item for key, item in found.items()}.get(name)
    return found


def _way(name: str) -> tuple[str, ...]:
    return tuple(_plain(part) for part in name.split("."))


@lru_cache(4096)
def _plain(name: str) -> str:
    return name.replace("_", "").replace("-", "").replace(" ", "").lower()
