"""A version of the registry -> the CSV files that give the same version when they are imported.

Keys are never written: they stay in the key store.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from connectors.registry.build import CLOSING_KNOWN, OPENING_KNOWN
from connectors.registry.show import texts
from connectors.registry.tables import (
    ACCOUNTS,
    CLOSING,
    INSTALLATIONS,
    METERS,
    NETWORK,
    OPENING,
    SERVICE_POINTS,
    TABLE_BY_NAME,
    Column,
    Kind,
    Table,
)
from pipeline.columns import Array
from pipeline.errors import ConfigError
from pipeline.reference import Registry

BLOCK_ROWS = 65_536
MODEL = ("template", "interval_secs", "limit_wh")


def export(registry: Registry, documents: Mapping[str, bytes], folder: Path) -> dict[str, int]:
    """Write the files into `folder`; returns rows by table. Raises ConfigError when it holds such files already."""
    check_writable(registry)
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.glob("*.csv")):
        raise ConfigError("FOLDER_IN_USE", where=str(folder), what="it holds CSV files", do="name an empty folder")
    tables: list[tuple[Table, dict[str, Array]]] = [
        (NETWORK, _network(registry)),
        (ACCOUNTS, {"account": np.unique(registry.account[registry.account > 0])}),
        (METERS, _meters(registry)),
        (SERVICE_POINTS, _points(registry)),
        (INSTALLATIONS, _installations(registry)),
    ]
    for table, columns in tables:
        _write(folder / f"{table.name}.csv", table, columns)
    tariffs = {name.removeprefix("tariffs/"): text for name, text in documents.items() if name.startswith("tariffs/")}
    for name, text in sorted(tariffs.items()):
        (folder / "tariffs").mkdir(exist_ok=True)
        (folder / "tariffs" / Path(name).name).write_bytes(text)
    rows = {table.name: len(next(iter(columns.values()))) for table, columns in tables}
    return {**rows, "tariffs": len(tariffs)}


def check_writable(registry: Registry) -> None:
    """Raise ConfigError where a version holds what the files cannot say: they would give another version."""
    odd = {
        "opening": (registry.exchange & OPENING_KNOWN == 0) & (registry.opening != 0).any(axis=1),
        "closing": (registry.exchange & CLOSING_KNOWN == 0) & (registry.closing != 0).any(axis=1),
        "exchange": registry.exchange > (OPENING_KNOWN | CLOSING_KNOWN),
        "net_meter": registry.net_meter > 1,
    }
    for column, rows in odd.items():
        if rows.any():
            raise ConfigError(
                "EXPORT_INEXACT", where=column, what=f"{int(rows.sum())} rows hold what the files cannot say",
                do="correct the version where it was made",
            )  # fmt: skip


def _network(registry: Registry) -> dict[str, Array]:
    return {
        "node": registry.node, "level": registry.node_level, "parent": registry.node_parent,
        "name": registry.node_name,
    }  # fmt: skip


def _points(registry: Registry) -> dict[str, Array]:
    same = ("account", "tariff", "role", "net_meter", "sanctioned_w", "dt", "feeder")
    return {
        "service_point": registry.point, "valid_from": registry.point_from, "valid_to": registry.point_to,
        **{name: getattr(registry, name) for name in same},
    }  # fmt: skip


def _first_links(registry: Registry) -> Array:
    """The first link of each device; links are sorted by device."""
    return np.flatnonzero(np.concatenate(([True], registry.device[1:] != registry.device[:-1]))[: len(registry.device)])


def _meters(registry: Registry) -> dict[str, Array]:
    first = _first_links(registry)
    return {
        "system_title": registry.device[first],
        "serial": np.zeros(len(first), "S1"),
        **{name: getattr(registry, name)[first] for name in MODEL},
    }


def _installations(registry: Registry) -> dict[str, Array]:
    """Of the model only what differs from the first link of the meter; -1 is written as an empty cell."""
    first = _first_links(registry)
    mine = np.searchsorted(registry.device[first], registry.device)
    columns: dict[str, Array] = {
        "system_title": registry.device, "service_point": registry.service_point,
        "installed_at": registry.valid_from, "removed_at": registry.valid_to,
        "factor": np.stack((registry.factor_numerator, registry.factor_denominator), axis=1).astype(np.int64),
    }  # fmt: skip
    for names, registers, bit in (
        (OPENING, registry.opening, OPENING_KNOWN), (CLOSING, registry.closing, CLOSING_KNOWN)
    ):  # fmt: skip
        there = registry.exchange & bit > 0
        columns.update({name: np.where(there, registers[:, place], -1) for place, name in enumerate(names)})
    for name in MODEL:
        values = getattr(registry, name).astype(np.int64)
        columns[name] = np.where(values == values[first][mine], -1, values) if len(values) else values
    return columns


EMPTY_AT_ZERO = {"account", "tariff", "dt", "feeder", "parent"}


def cell_texts(column: Column, values: Array) -> list[str]:
    """Cells of a column; ids that are 0, and numbers that are -1, are empty."""
    shown = texts(column, values)
    if column.name in EMPTY_AT_ZERO or column.kind is Kind.NUMBER or column.name == "template":
        nothing = 0 if column.name in EMPTY_AT_ZERO else -1
        return ["" if value == nothing else text for value, text in zip(values.tolist(), shown, strict=True)]
    return shown


def _write(path: Path, table: Table, columns: Mapping[str, Array]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        for rows in _blocks(table, columns):
            writer.writerows(zip(*rows, strict=True))


def _blocks(table: Table, columns: Mapping[str, Array]) -> Iterator[Sequence[list[str]]]:
    count = len(next(iter(columns.values())))
    for begin in range(0, count, BLOCK_ROWS):
        yield [
            cell_texts(TABLE_BY_NAME[table.name].column(name), values[begin : begin + BLOCK_ROWS])
            for name, values in columns.items()
        ]
