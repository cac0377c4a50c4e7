"""A row of a file to a fact: which columns a kind has, and what is wrong with a row. docs/facts.md is the reference."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar
from zoneinfo import ZoneInfo

from connectors.facts.cells import energy_of, node_of, period_of, tenths_of, time_of, truth_of, whole_of
from connectors.facts.model import OPEN, UNSAID, Fact, FactKind
from pipeline.channels import ENERGY

MOST_NEIGHBOURS = 100
MOST_REVISION = 2**31 - 1
POINT = ("service_point", "point", "meter")
BEGIN = ("from", "start", "day", "time", "begin")
END = ("until", "to", "end")
CELSIUS = ("celsius", "temperature")
ENERGY_POWER = {"wh": 0, "kwh": 3, "vah": 0, "kvah": 3}
CHANNELS = frozenset(channel.name for channel in ENERGY)

Row = Mapping[str, str]
Value = TypeVar("Value")


class CellError(ValueError):
    """What is wrong, with the column."""

    def __init__(self, column: str, what: str) -> None:
        super().__init__(f"column {column}: {what}")


def kind_of(columns: frozenset[str]) -> FactKind | None:
    """The kind whose columns a file has, in lower case; None where that is not clear."""
    if "neighbours" in columns or "neighbour" in columns:
        return FactKind.NEIGHBOURS
    if columns.intersection(CELSIUS):
        return FactKind.TEMPERATURE
    if columns.intersection(ENERGY_POWER):
        return FactKind.CHECK
    return FactKind.OUTAGE if columns.intersection(BEGIN) and columns.intersection(END) else None


def fact_of(row: Row, kind: FactKind, zone: ZoneInfo) -> Fact:
    """The fact that a row says; its columns are in lower case. Raises CellError."""
    return _OF_KIND[kind](_Cells(row), zone)


class _Cells:
    """Cells by name."""

    def __init__(self, row: Row) -> None:
        self._row = row

    def text(self, *names: str) -> str:
        return next((text for name in names if (text := self._row.get(name, ""))), "")

    def needed(self, read: Callable[[str], Value], *names: str) -> Value:
        """The value of the first of some columns that is written."""
        for name in names:
            if text := self._row.get(name, ""):
                return _read(name, read, text)
        raise CellError(names[0], "it is empty")

    def perhaps(self, read: Callable[[str], Value], otherwise: Value, *names: str) -> Value:
        return self.needed(read, *names) if self.text(*names) else otherwise

    def common(self) -> dict[str, object]:
        """What every kind may have."""
        return {
            "point": self.text(*POINT), "node": self.perhaps(node_of, 0, "node"), "place": self.text("place"),
            "source": self.text("source"), "why": self.text("why", "reason"), "id": self.text("id"),
            "revision": self.perhaps(lambda text: whole_of(text, 1, MOST_REVISION), UNSAID, "revision"),
        }  # fmt: skip


def _read(name: str, read: Callable[[str], Value], text: str) -> Value:
    try:
        return read(text)
    except ValueError as error:
        raise CellError(name, str(error)) from None


def _outage(cells: _Cells, zone: ZoneInfo) -> Fact:
    start = cells.needed(lambda text: time_of(text, zone), *BEGIN)
    until = cells.perhaps(lambda text: time_of(text, zone), OPEN, *END)
    if until and until <= start:
        raise CellError("until", "it is not behind `from`")
    confirmed = cells.perhaps(truth_of, True, "confirmed")
    return Fact(FactKind.OUTAGE, start=start, until=until, confirmed=confirmed, **cells.common())  # type: ignore[arg-type]


def _temperature(cells: _Cells, zone: ZoneInfo) -> Fact:
    start, until = cells.needed(lambda text: period_of(text, zone), *BEGIN)
    value = cells.needed(tenths_of, *CELSIUS)
    return Fact(FactKind.TEMPERATURE, start=start, until=until, value=value, **cells.common())  # type: ignore[arg-type]


def _check(cells: _Cells, zone: ZoneInfo) -> Fact:
    start = cells.needed(lambda text: time_of(text, zone), *BEGIN)
    if cells.text("secs"):
        until = start + cells.needed(lambda text: whole_of(text, 60, 86_400), "secs")
    else:
        until = cells.needed(lambda text: time_of(text, zone), *END)
    if not start < until <= start + 86_400 + 3600:
        raise CellError("until", "it is not within a day behind `from`")
    unit = next((name for name in ENERGY_POWER if cells.text(name)), "wh")
    value = cells.needed(lambda text: energy_of(text, ENERGY_POWER[unit]), unit)
    channel = cells.perhaps(_channel, "vah_imp" if "vah" in unit else "wh_imp", "channel")
    return Fact(FactKind.CHECK, start=start, until=until, value=value, channel=channel, **cells.common())  # type: ignore[arg-type]


def _channel(text: str) -> str:
    if text not in CHANNELS:
        raise ValueError(f"{text[:40]!r} is none of {', '.join(sorted(CHANNELS))}")
    return text


def _neighbours(cells: _Cells, zone: ZoneInfo) -> Fact:
    start = cells.perhaps(lambda text: time_of(text, zone), 0, *BEGIN)
    until = cells.perhaps(lambda text: time_of(text, zone), OPEN, *END)
    listed = cells.needed(lambda text: text, "neighbours", "neighbour")
    neighbours = tuple(dict.fromkeys(listed.replace(";", " ").replace(",", " ").split()))
    common = cells.common()
    if not common["point"]:
        raise CellError("service_point", "it is empty")
    if common["point"] in neighbours:
        raise CellError("neighbours", "nobody is a neighbour of oneself")
    if len(neighbours) > MOST_NEIGHBOURS:
        raise CellError("neighbours", f"{len(neighbours)} are more than {MOST_NEIGHBOURS}")
    return Fact(FactKind.NEIGHBOURS, start=start, until=until, neighbours=neighbours, **common)  # type: ignore[arg-type]


_OF_KIND: dict[FactKind, Callable[[_Cells, ZoneInfo], Fact]] = {
    FactKind.OUTAGE: _outage, FactKind.TEMPERATURE: _temperature, FactKind.CHECK: _check,
    FactKind.NEIGHBOURS: _neighbours,
}  # fmt: skip
