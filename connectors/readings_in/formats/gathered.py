"""Values that come one by one, each with its type, to rows: those of one meter, one stamp and one kind.

Of several qualities of a row the worst counts. A value that the head-end calls missing is left out, and with it what is
said of it: the other values of its row are used. A row of nothing else is missing.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar
from zoneinfo import ZoneInfo

import pyarrow as pa

from connectors.readings_in.config import Columns, ReadingsOptions
from connectors.readings_in.formats.parts import Part
from connectors.readings_in.qualities import class_of
from connectors.readings_in.quantities import Quantity
from connectors.readings_in.records import MOST_RAW, Fault, Records
from connectors.readings_in.rows import INTERVAL
from pipeline.codes import Kind

Key = tuple[str, str, Kind, int]
"""Name of the meter, stamp, kind, seconds of the interval (0 of other kinds than BLOCK)."""
KIND_NAMES = {Kind.BLOCK: "block", Kind.DAILY: "daily", Kind.INSTANT: "instant"}

Source = TypeVar("Source")


def register_kind(time: int, zone: ZoneInfo) -> Kind:
    """Registers of a local midnight settle days; others are momentary values. `time`: epoch seconds."""
    local = datetime.fromtimestamp(time, UTC).astimezone(zone)
    return Kind.DAILY if (local.hour, local.minute, local.second) == (0, 0, 0) else Kind.INSTANT


class Gathered(Generic[Source]):
    """Rows of one message. `place` and `raw` tell where the first value of a row stands, and its octets."""

    def __init__(
        self, options: ReadingsOptions, columns: Columns, place: Callable[[Source], str], raw: Callable[[Source], bytes]
    ) -> None:
        self.options = options
        self.columns, self.quantities = columns, dict[str, Quantity]()
        self.faults: list[Fault] = []
        self._place, self._raw = place, raw
        self._rows: dict[Key, int] = {}
        self._sources: list[Source] = []
        self._ids: list[str] = []
        self._qualities: list[tuple[str, ...]] = []
        self._values: dict[str, dict[int, str]] = {}
        self._missing: dict[Key, tuple[tuple[str, ...], Source, str]] = {}
        self._is_missing: dict[tuple[str, ...], bool] = {}

    def add(self, key: Key, column: str, value: str, qualities: tuple[str, ...], source: Source, id: str = "") -> None:
        """One value. `column`: one of `quantities`; one that its row has already is a fault."""
        missing = self._is_missing.get(qualities)
        if missing is None:
            missing = class_of("; ".join(qualities), self.options.qualities) == "missing"
            self._is_missing[qualities] = missing
        if missing:
            self._missing.setdefault(key, (qualities, source, id))
            return
        row = self._rows.get(key)
        if row is None:
            row = self._new(key, source, id)
        values = self._values.setdefault(column, {})
        if row in values:
            self.refuse(source, column, "READING_UNREADABLE", "the value comes twice")
            return
        values[row] = value
        said = self._qualities[row]
        if said != qualities:
            self._qualities[row] = tuple(dict.fromkeys((*said, *qualities)))

    def refuse(self, source: Source, column: str, code: str, reason: str) -> None:
        """A value that cannot be used."""
        self.faults.append(Fault(self._place(source), column, code, reason, self._raw(source)[:MOST_RAW]))

    def _new(self, key: Key, source: Source, id: str) -> int:
        row = self._rows[key] = len(self._sources)
        self._sources.append(source)
        self._ids.append(id)
        self._qualities.append(())
        return row

    def __len__(self) -> int:
        return len(self._sources) + len(self._missing) + len(self.faults)

    def part(self, **options: Any) -> Part:
        """All rows; `options`: those of which the format knows better than who set it up."""
        for key, (qualities, source, id) in self._missing.items():
            if key not in self._rows:
                self._qualities[self._new(key, source, id)] = qualities
        names = self.columns
        columns = {
            names.device: _texts([key[0] for key in self._rows]),
            names.time: _texts([key[1] for key in self._rows]),
            names.kind: _texts([KIND_NAMES[key[2]] for key in self._rows]),
            INTERVAL: _texts([str(key[3]) for key in self._rows]),
            names.quality: _texts(["; ".join(filter(None, said)) for said in self._qualities]),
            names.id: _texts([id or None for id in self._ids]),
        }
        for name, values in self._values.items():
            columns[name] = _texts([values.get(row) for row in range(len(self._sources))])
        records = Records(
            len(self._sources), columns, lambda row: self._place(self._sources[row]),
            lambda row: self._raw(self._sources[row]), self.faults,
        )  # fmt: skip
        changed = self.options.model_copy(update=options) if options else None
        return Part(records, names, self.quantities, changed)


def _texts(values: list[Any]) -> Any:
    return pa.array(values, pa.string())


Gather = Callable[..., Gathered[Any]]
"""Makes what takes the values of a message: options, columns, place and raw as of `Gathered`."""
