"""What a new version changes: rows added, removed and changed, by table, with the values before and after."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from connectors.registry.show import texts
from connectors.registry.tables import CLOSING, INSTALLATIONS, NETWORK, OPENING, SERVICE_POINTS, Column, Kind, Table
from pipeline.columns import Array
from pipeline.reference import KeyRing, Registry

ADDED, REMOVED, CHANGED = "added", "removed", "changed"
KINDS = (ADDED, REMOVED, CHANGED)


@dataclass(frozen=True)
class Change:
    """One value, or one row: of rows that are added or removed `column` is empty, and so are the values."""

    table: str
    kind: str
    row: str
    column: str = ""
    old: str = ""
    new: str = ""

    def as_dict(self) -> dict[str, str]:
        """For JSON and CSV."""
        return vars(self).copy()


@dataclass
class TableDiff:
    """Counts of rows by kind, and the changes. `keys`: who a row is, by kind; `cells`: what changed."""

    table: str
    counts: dict[str, int]
    keys: dict[str, list[str]] = field(default_factory=dict)
    cells: list[Change] = field(default_factory=list)

    def __iter__(self) -> Iterator[Change]:
        """All changes: rows added, rows removed, values changed."""
        for kind in (ADDED, REMOVED):
            for key in self.keys.get(kind, ()):
                yield Change(self.table, kind, key)
        yield from self.cells


@dataclass(frozen=True)
class _Side:
    """Key columns, and columns to compare, of one version's table."""

    keys: tuple[Array, ...]
    values: dict[str, Array]


def diff_registries(old: Registry, new: Registry) -> list[TableDiff]:
    """The differences by table."""
    return [
        _diff(NETWORK, ("node",), _nodes(old), _nodes(new)),
        _diff(SERVICE_POINTS, ("service_point", "valid_from"), _points(old), _points(new)),
        _diff(INSTALLATIONS, ("system_title", "installed_at"), _links(old), _links(new)),
    ]


def diff_keys(old: KeyRing, new: KeyRing) -> TableDiff:
    """Which meters' keys, or their times, differ; never which keys."""
    at_old, at_new = _matched(*(_Side((ring.device, ring.valid_from), {}) for ring in (old, new)))
    octets = [np.concatenate((ring.encryption, ring.authentication), axis=1) for ring in (old, new)]
    changed = old.device[at_old][(octets[0][at_old] != octets[1][at_new]).any(axis=1)]
    left = [np.delete(ring.device, at) for ring, at in ((old, at_old), (new, at_new))]
    have_old, have_new = (np.union1d(ring.device, ring.others["device"]) for ring in (old, new))
    rows = {ADDED: np.setdiff1d(have_new, have_old), REMOVED: np.setdiff1d(have_old, have_new)}
    # What only one of the two has: a row of other keys, or of usual ones.
    one_sided = {row.tobytes() for row in old.others} ^ {row.tobytes() for row in new.others}
    touched = np.union1d(np.array([int.from_bytes(row[:8], "little") for row in one_sided], np.uint64),
                         np.concatenate(left))  # fmt: skip
    changed = np.union1d(changed, np.intersect1d(touched, np.intersect1d(have_old, have_new)))
    keys = {kind: [f"{title:016X}" for title in found.tolist()] for kind, found in rows.items()}
    cells = [Change("keys", CHANGED, f"{title:016X}", "keys", "", "changed") for title in changed.tolist()]
    counts = {**{kind: len(found) for kind, found in rows.items()}, CHANGED: len(changed)}
    return TableDiff("keys", counts, keys, cells)


def diff_documents(old: Mapping[str, bytes], new: Mapping[str, bytes]) -> TableDiff:
    """Which documents differ."""
    rows = {ADDED: sorted(set(new) - set(old)), REMOVED: sorted(set(old) - set(new))}
    changed = sorted(name for name in set(old) & set(new) if old[name] != new[name])
    cells = [Change("tariffs", CHANGED, name, "document", "", "changed") for name in changed]
    counts = {**{kind: len(found) for kind, found in rows.items()}, CHANGED: len(changed)}
    return TableDiff("tariffs", counts, rows, cells)


def _nodes(registry: Registry) -> _Side:
    values = {"level": registry.node_level, "parent": registry.node_parent, "name": registry.node_name}
    return _Side((registry.node,), values)


def _points(registry: Registry) -> _Side:
    same = ("account", "tariff", "role", "net_meter", "sanctioned_w", "dt", "feeder")
    values = {"valid_to": registry.point_to, **{name: getattr(registry, name) for name in same}}
    return _Side((registry.point, registry.point_from), values)


def _links(registry: Registry) -> _Side:
    factor = np.stack((registry.factor_numerator, registry.factor_denominator), axis=1)
    values = {"service_point": registry.service_point, "removed_at": registry.valid_to, "factor": factor}
    for names, registers, bit in ((OPENING, registry.opening, 1), (CLOSING, registry.closing, 2)):
        there = registry.exchange & bit > 0
        values.update({name: np.where(there, registers[:, place], -1) for place, name in enumerate(names)})
    values.update({name: getattr(registry, name) for name in ("template", "interval_secs", "limit_wh")})
    return _Side((registry.device, registry.valid_from), values)


def _diff(table: Table, keys: tuple[str, ...], old: _Side, new: _Side) -> TableDiff:
    before, after = _matched(old, new)
    rows = {
        ADDED: np.setdiff1d(np.arange(len(new.keys[0])), after),
        REMOVED: np.setdiff1d(np.arange(len(old.keys[0])), before),
    }
    named = {
        kind: _row_names(table, keys, side, rows[kind]) for kind, side in ((ADDED, new), (REMOVED, old))
    }  # fmt: skip
    touched = np.zeros(len(before), bool)
    cells: list[tuple[int, int, Change]] = []
    for number, (name, values) in enumerate(new.values.items()):
        unlike = old.values[name][before] != values[after]
        unlike = unlike.any(axis=1) if unlike.ndim > 1 else unlike
        at = np.flatnonzero(unlike)
        touched |= unlike
        column = table.column(name)
        shown = [_shown(column, old.values[name][before[at]]), _shown(column, values[after[at]])]
        who = _row_names(table, keys, new, after[at])
        for row, key, was, now in zip(at.tolist(), who, *shown, strict=True):
            cells.append((row, number, Change(table.name, CHANGED, key, name, was, now)))
    cells.sort(key=lambda cell: cell[:2])
    counts = {ADDED: len(rows[ADDED]), REMOVED: len(rows[REMOVED]), CHANGED: int(touched.sum())}
    return TableDiff(table.name, counts, named, [change for *_, change in cells])


def _matched(old: _Side, new: _Side) -> tuple[Array, Array]:
    """Rows of both sides that have the same key: (rows before, rows after), by key."""
    keys = [np.concatenate((mine, other)) for mine, other in zip(old.keys, new.keys, strict=True)]
    order = np.lexsort(keys[::-1])
    same = np.ones(max(len(order) - 1, 0), bool)
    for values in keys:
        same &= values[order][1:] == values[order][:-1]
    at = np.flatnonzero(same)
    # The sort is stable: of two equal keys the old one stands first.
    return order[at], order[at + 1] - len(old.keys[0])


def _row_names(table: Table, keys: tuple[str, ...], side: _Side, rows: Array) -> list[str]:
    parts = [texts(table.column(name), values[rows]) for name, values in zip(keys, side.keys, strict=True)]
    return [" ".join(row) for row in zip(*parts, strict=True)]


def _shown(column: Column, values: Array) -> list[str]:
    shown = texts(column, values)
    if column.kind is not Kind.NUMBER:
        return shown
    return ["" if value == -1 else text for value, text in zip(values.tolist(), shown, strict=True)]
