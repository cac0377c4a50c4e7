"""The rows of a CSV or YAML file as named cells, each with its line and column."""

from __future__ import annotations

import csv
import io
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode

from cli.losses.columns import Cell, Fault, column_of

Rows = list[dict[str, Cell]]
NULLS = ("", "~", "null")
YAML_KEYS = ("version", "none", "accounts")


def csv_rows(text: str, faults: list[Fault]) -> Rows:
    """Rows of a CSV text with a header. A cell's column is its place in the row, its line the last one of the row."""
    reader = csv.reader(io.StringIO(text), delimiter=";" if ";" in text.partition("\n")[0] else ",", strict=True)
    rows: Rows = []
    try:
        head = [cell.strip().lower() for cell in next(reader, [])]
        for place, name in enumerate(head, 1):
            if not name or name in head[: place - 1]:
                faults.append(Fault(1, place, f"column {name} stands twice" if name else "a column has no name"))
        known = [_known(name, (1, place), faults) for place, name in enumerate(head, 1)]
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(head):
                what = f"{len(cells)} cells, and the header has {len(head)}"
                faults.append(Fault(reader.line_num, min(len(cells), len(head)) + 1, what))
                continue
            line = reader.line_num
            rows.append(
                {
                    name: Cell(cell.strip() or None, line, place)
                    for place, (name, cell) in enumerate(zip(head, cells, strict=True), 1)
                    if known[place - 1]
                }
            )
    except csv.Error as error:
        faults.append(Fault(reader.line_num, 1, f"no CSV: {error}"))
    return rows


def yaml_rows(text: str, faults: list[Fault]) -> tuple[Rows, list[Cell]]:
    """Rows under `accounts`, and what stands under `none`. Scalars stay text, so that 3.46 is 3.46."""
    try:
        root = YAML(typ="base", pure=True).compose(text)
    except YAMLError as error:
        mark = error.problem_mark if isinstance(error, MarkedYAMLError) else None
        line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
        faults.append(Fault(line, column, f"no YAML: {getattr(error, 'problem', None) or error}"))
        return [], []
    except RecursionError:
        faults.append(Fault(1, 1, "values stand too deep within each other"))
        return [], []
    parts = _mapping(root, faults, "the file") if root is not None else {}
    for name, (key, _) in parts.items():
        if name not in YAML_KEYS:
            faults.append(Fault(*_place(key), f"key {name!r} is not known: use {', '.join(YAML_KEYS)}"))
    if "version" in parts and getattr(parts["version"][1], "value", None) != "1":
        faults.append(Fault(*_place(parts["version"][1]), "version must be 1"))
    nothing = [_cell(node, faults) for node in _sequence(parts, "none", faults)]
    return [_row(node, faults) for node in _sequence(parts, "accounts", faults)], nothing


def _row(node: Any, faults: list[Fault]) -> dict[str, Cell]:
    parts = _mapping(node, faults, "an account").items()
    return {name: _cell(value, faults) for name, (key, value) in parts if _known(name, _place(key), faults)}


def _known(name: str, place: tuple[int, int], faults: list[Fault]) -> bool:
    try:
        column_of(name)
    except ValueError as error:
        if name:
            faults.append(Fault(*place, str(error)))
        return False
    return True


def _sequence(parts: dict[str, tuple[Any, Any]], name: str, faults: list[Fault]) -> list[Any]:
    node = parts[name][1] if name in parts else None
    if node is None or isinstance(node, SequenceNode):
        return [] if node is None else list(node.value)
    faults.append(Fault(*_place(node), f"{name} must be a list"))
    return []


def _mapping(node: Any, faults: list[Fault], what: str) -> dict[str, tuple[Any, Any]]:
    if not isinstance(node, MappingNode):
        faults.append(Fault(*_place(node), f"{what} must be keys with values"))
        return {}
    found: dict[str, tuple[Any, Any]] = {}
    for key, value in node.value:
        name = key.value if isinstance(key, ScalarNode) else "?"
        if name in found:
            faults.append(Fault(*_place(key), f"{name} stands twice"))
        found[name] = (key, value)
    return found


def _cell(node: Any, faults: list[Fault]) -> Cell:
    if not isinstance(node, ScalarNode):
        faults.append(Fault(*_place(node), "a single value is needed here"))
        return Cell(None, *_place(node))
    text = str(node.value).strip()
    return Cell(None if node.style is None and text in NULLS else text, *_place(node))


def _place(node: Any) -> tuple[int, int]:
    return node.start_mark.line + 1, node.start_mark.column + 1
