"""Avro: object container files, which bring their schema along; fields as columns, by the same names as of JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

import fastavro
from fastavro.types import AvroMessage

from connectors.readings_in.config import ReadingsOptions
from connectors.readings_in.formats.avro_octets import check_octets
from connectors.readings_in.formats.parts import Part, UnreadableError, of_rows, whole
from connectors.readings_in.records import Room, nested_rows

PART_ROWS = 50_000


def read_avro(stream: BinaryIO, options: ReadingsOptions) -> Iterator[Part]:
    """See FORMATS. What stands before a block that cannot be read is used."""
    import io

    rows: list[dict[str, Any]] = []
    octets = whole(stream, options)
    reader, room = _reader(io.BytesIO(octets)), Room(len(octets))
    while True:
        try:
            record: AvroMessage = next(reader)
            rows += nested_rows(record, options.records, room)
        except StopIteration:
            break
        except Exception as error:
            yield of_rows(rows, options)
            raise UnreadableError(f"no Avro behind {len(rows)} readings: {error!r}"[:200]) from error
        if len(rows) >= PART_ROWS:
            yield of_rows(rows, options)
            rows = []
    yield of_rows(rows, options)


def _reader(stream: BinaryIO) -> Iterator[AvroMessage]:
    try:
        reader = fastavro.reader(stream)
        check_octets(reader.writer_schema)
        return iter(reader)
    except UnreadableError:
        raise
    except Exception as error:
        raise UnreadableError(f"no Avro container file: {error!r}"[:200]) from error
