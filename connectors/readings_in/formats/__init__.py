"""The formats of decoded readings: an open file in, records in parts out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import BinaryIO

from connectors.readings_in.config import ReadingsOptions
from connectors.readings_in.formats.avro import read_avro
from connectors.readings_in.formats.cim import read_cim
from connectors.readings_in.formats.csv import read_csv
from connectors.readings_in.formats.espi import read_espi
from connectors.readings_in.formats.json import read_json
from connectors.readings_in.formats.mscons import read_mscons
from connectors.readings_in.formats.nem12 import read_nem12
from connectors.readings_in.formats.parquet import read_parquet
from connectors.readings_in.formats.parts import Part, UnreadableError

__all__ = ["FORMATS", "Part", "UnreadableError"]


def _unnamed(_stream: BinaryIO, _options: ReadingsOptions) -> Iterator[Part]:
    raise UnreadableError("the end of the file's name tells no format: use another name, or set `format`")


FORMATS: dict[str, Callable[[BinaryIO, ReadingsOptions], Iterator[Part]]] = {
    "json": read_json, "csv": read_csv, "cim": read_cim, "avro": read_avro, "nem12": read_nem12,
    "espi": read_espi, "mscons": read_mscons, "parquet": read_parquet, "suffix": _unnamed,
}  # fmt: skip
"""`format` of the options -> its reader, which raises UnreadableError for what is not of the format."""
