"""A Data as JSON takes it: short, as values are shown, and whole, with the name of each tag."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from agents.decode.single.clock import wall_text
from agents.decode.single.octets import FrameError, dotted
from pipeline.axdr import BIT_STRING, COMPACT, CONTAINERS, DESCRIPTOR, FLOATS, NUMBERS, TAG_NAMES, Datum
from pipeline.axdr_compact import unpacked

Json = Any


def number_of(datum: Datum) -> float | int | str:
    """A number; of a float32 the shortest that is the same one. What is not finite is told as text."""
    value = datum.value
    if datum.tag not in FLOATS:
        return int(value) if datum.tag != 3 else bool(value)
    if not math.isfinite(value):
        return str(value)
    return float(str(np.float32(value))) if datum.tag == 23 else float(value)


def text_of(octets: bytes) -> str:
    """An octet string: the text that it is, or hex."""
    text = octets.rstrip(b"\0")
    if text.isascii() and text.decode("ascii").isprintable():
        return text.decode("ascii")
    return octets.hex().upper()


def value_of(datum: Datum) -> Json:
    """A value: numbers as they are, strings as text or hex, date-times as the wall clock says, containers as lists."""
    if datum.tag in CONTAINERS:
        return [value_of(item) for item in datum.value]
    if datum.tag == COMPACT:
        return value_of(unpacked(datum))
    if datum.tag == DESCRIPTOR:
        return descriptor_text(datum.value)
    if datum.tag == BIT_STRING:
        return datum.value[1].hex().upper()
    if datum.tag in NUMBERS or datum.tag in FLOATS:
        return number_of(datum)
    if not isinstance(datum.value, bytes):
        return datum.value
    clock = wall_text(datum.value) if len(datum.value) == 12 else None
    if clock is not None:
        return clock
    if datum.tag == 12:
        try:
            return datum.value.decode("utf-8")
        except UnicodeDecodeError:
            return datum.value.hex().upper()
    return text_of(datum.value)


def told_value(datum: Datum) -> Json:
    """As `value_of`, for the explanation of one element; logical names are told as such."""
    if datum.tag == COMPACT:
        try:
            return value_of(datum)
        except FrameError as error:
            return str(error)
    if datum.tag == 9 and len(datum.value) == 6 and datum.value[-1] == 0xFF:
        return dotted(datum.value)
    return value_of(datum)


def descriptor_text(octets: bytes) -> str:
    """class/logical name/attribute."""
    return f"{int.from_bytes(octets[:2], 'big')}/{dotted(octets[2:8])}/{octets[8]}"


def whole(datum: Datum) -> Json:
    """Everything that a Data is, nothing left out: {name of the tag: value}, octets in hex."""
    name = TAG_NAMES[datum.tag]
    if datum.tag in CONTAINERS:
        return {name: [whole(item) for item in datum.value]}
    if datum.tag == COMPACT:
        try:
            return {name: [whole(item) for item in unpacked(datum).value]}
        except FrameError as error:
            return {name: (datum.value[0] + datum.value[1]).hex().upper(), "error": str(error)}
    if datum.tag == BIT_STRING:
        count, octets = datum.value
        return {name: octets.hex().upper(), "bits": count}
    if datum.tag == 10 and datum.value.isascii():
        return {name: datum.value.decode("ascii")}
    if isinstance(datum.value, bytes):
        return {name: datum.value.hex().upper()}
    if datum.tag in NUMBERS or datum.tag in FLOATS:
        return {name: number_of(datum)}
    return {name: datum.value}
