"""Parquet: a table whose columns are named as of CSV, read in batches of rows: a file may be larger than memory.

Whole numbers and decimals are taken as they are, floats as the shortest decimal that means them; timestamps and dates
as the times that they are, those without a zone as local time.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, BinaryIO

import pyarrow as pa
from pyarrow import parquet

from connectors.readings_in.config import ReadingsOptions
from connectors.readings_in.formats.parts import Part, UnreadableError
from connectors.readings_in.records import Records
from connectors.readings_in.times import EPOCH, ISO

PART_ROWS = 50_000
GROUP_OCTETS = 1 << 30
"""Of a row group when it is not compressed, as the file says; larger ones are refused."""
MOST_NESTING = 10
PLAIN = (
    pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view, pa.types.is_binary,
    pa.types.is_large_binary, pa.types.is_integer, pa.types.is_decimal, pa.types.is_float32, pa.types.is_float64,
    pa.types.is_date, pa.types.is_null,
)  # fmt: skip
"""Types of columns that are read as they would be written; a float of 16 bits is none of a meter."""


def read_parquet(stream: BinaryIO, options: ReadingsOptions) -> Iterator[Part]:
    """See FORMATS. What stands before a row group that cannot be read is used."""
    first = 1
    try:
        file = parquet.ParquetFile(stream, pre_buffer=False)
        names = _wanted(file, options)
        for batch in file.iter_batches(PART_ROWS, columns=names, use_threads=False):
            yield _part(pa.Table.from_batches([batch]), first, options)
            first += batch.num_rows
    except OSError as error:
        if error.errno is not None:  # the disk's, not the file's
            raise
        raise UnreadableError(f"no Parquet behind row {first - 1}: {error}"[:200]) from error
    except (pa.ArrowException, MemoryError) as error:
        raise UnreadableError(f"no Parquet behind row {first - 1}: {error}"[:200]) from error


def _wanted(file: Any, options: ReadingsOptions) -> list[str]:
    """Columns of the file that are looked for; raises UnreadableError."""
    for number in range(file.metadata.num_row_groups):
        octets = file.metadata.row_group(number).total_byte_size
        if octets > GROUP_OCTETS:
            raise UnreadableError(f"row group {number + 1} has {octets} octets, more than {GROUP_OCTETS}")
    own = options.columns
    wanted = {own.device, own.time, own.kind, own.quality, own.id, *options.quantities}
    paths = {file.schema.column(place).path for place in range(len(file.schema))}
    if not {own.device, own.time} <= paths:
        raise UnreadableError(f"no columns {own.device} and {own.time}: {', '.join(sorted(paths))}"[:200])
    return sorted(wanted & paths)


def _part(table: Any, first: int, options: ReadingsOptions) -> Part:
    for _ in range(MOST_NESTING):
        if not any(pa.types.is_struct(field.type) for field in table.schema):
            break
        table = table.flatten()
    names = table.column_names
    if len(set(names)) < len(names):
        raise UnreadableError(f"a column is there twice: {', '.join(names)}"[:200])
    columns = {name: _texts(table.column(name), name) for name in names}
    form = _time_form(table.schema.field(options.columns.time).type, options)
    changed = options.model_copy(update={"time_format": form, "decimal": "."})

    def raw(row: int) -> bytes:
        return json.dumps({name: columns[name][row].as_py() for name in names}).encode()

    return Part(Records(table.num_rows, columns, lambda row: f"row {first + row}", raw), options=changed)


def _time_form(kind: Any, options: ReadingsOptions) -> str:
    """How the texts of a column of stamps are written."""
    if pa.types.is_timestamp(kind):
        return ISO if kind.tz is None else EPOCH
    return ISO if pa.types.is_date(kind) else options.time_format


def _texts(column: Any, name: str) -> Any:
    """A column as texts; null where there is nothing."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _texts(column.cast(kind.value_type), name)
    if pa.types.is_timestamp(kind):
        seconds = column.cast(pa.timestamp("s", kind.tz), safe=False)
        return (seconds if kind.tz is None else seconds.cast(pa.int64())).cast(pa.string())
    if any(is_plain(kind) for is_plain in PLAIN):
        return column.cast(pa.string())
    raise UnreadableError(f"column {name} is a {kind}"[:200])
