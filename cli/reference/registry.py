"""The page of registry imports: tables, columns, mapping and rules, from the code."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cli.reference.markdown import code, page, table
from connectors.registry.config import Mapping, TableMapping
from connectors.registry.rules import RULES
from connectors.registry.tables import TABLES, UNITS, Column, Table
from pipeline.templates import TEMPLATES


def registry() -> str:
    """docs/reference/registry.md"""
    return page(
        "Registry import",
        "Files, columns, mapping and rules of `kvarn registry`. How it is used: [registry import](../registry.md).",
        "## Tables",
        "In a folder each is the file `NAME.csv`, with a header; in PostgreSQL the result of a query.",
        *(part for row in TABLES for part in _table(row)),
        "## Units",
        "A column may be in another unit than the registry's when the mapping declares it; the result must be whole.",
        table(("unit", "may be declared as"), ((unit, ", ".join(known)) for unit, known in UNITS.items())),
        "## Decoder templates",
        table(
            ("number", "name", "maker", "category"),
            ((row.number, code(row.name), row.maker, row.category) for row in TEMPLATES),
        ),
        "## Mapping",
        "The YAML file of `--config`. Everything may be left out.",
        _options(Mapping),
        "`tables` has for each table:",
        _options(TableMapping),
        "## Rules",
        "An error keeps the import from being applied, unless its row is left out; a warning does not. A row that "
        "refers to a row in error is a consequence, not an error of its own.",
        table(
            ("code", "severity", "tables", "what is wrong", "what to do"),
            ((code(row.code), row.severity.value, row.tables, row.what, row.do) for row in RULES),
        ),
    )


def _table(row: Table) -> Iterator[str]:
    yield f"### {row.name}"
    yield f"{row.doc} {'' if row.needed else 'The table may be missing.'}".strip()
    yield table(
        ("column", "kind", "unit", "needed", "meaning"),
        ((code(one.name), one.kind.value, one.unit, _needed(row, one), one.doc) for one in row.columns),
    )


def _needed(row: Table, column: Column) -> str:
    return "key" if column.name in row.key else "yes" if column.required else ""


def _options(model: Any) -> str:
    rows = ((code(name), _default(field.default), field.description) for name, field in model.model_fields.items())
    return table(("option", "default", "meaning"), rows)


def _default(value: Any) -> str:
    return code(value) if value and (isinstance(value, str) or hasattr(value, "isoformat")) else ""
