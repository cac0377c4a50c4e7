"""The formats of decoded readings: an open file in, records in parts out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import BinaryIO

from connectors.readings_in.config import ReadingsOptions
from connectors.readings_in.formats.avro import read_avro
from connectors.readings_in.formats.cim import read_cim
from connectors.readings_in.formats.csv import read_csv
from connectors.readings_in.formats.json import read_json
from connectors.readings_in.formats.parts import Part, UnreadableError

__all__ = ["FORMATS", "Part", "UnreadableError"]

FORMATS: dict[str, Callable[[BinaryIO, ReadingsOptions], Iterator[Part]]] = {
    "json": read_json, "csv": read_csv, "cim": read_cim, "avro": read_avro,
}  # fmt: skip
"""`format` of the options -> its reader, which raises UnreadableError for what is not of the format."""
