"""The page of the methods of estimation."""

from __future__ import annotations

from agents.vee.estimate.errors import LENGTH_NAMES, SHIPPED, Expected
from agents.vee.estimate.methods import TABLE, Row
from agents.vee.estimate.order import Tuning
from cli.reference.markdown import code, page, table


def estimates() -> str:
    """docs/reference/estimates.md"""
    return page(
        "Methods of estimation",
        "How an interval that lacks a value gets one. A method is tried where its place in the order stands, if its "
        "conditions hold; the first that applies fills the gap (in a running topology: docs/estimates.md). Where "
        "registers are good at both ends, the estimates between them are scaled afterwards (E06 to E08). How well they "
        "do: docs/vee-accuracy.md.",
        table(
            ("id", "method", "number", "name", "formula", "conditions", "place", "inputs that an estimate names"),
            (
                (row.id, code(row.method.name), int(row.method), row.name, row.formula, row.conditions,
                 row.place or "", row.inputs)
                for row in TABLE
            ),
        ),
        "## Names in other systems",
        "NEM12: substitution type behind S (F when final). ESPI: quality of reading. IES: `changeMethod`, with "
        "`validationStatus` and `source` of its quality.",
        table(
            ("method", "quality", "NEM12", "ESPI", "IES"),
            ((code(row.method.name), code(row.quality.name), _nem12(row), row.espi, code(row.ies)) for row in TABLE),
        ),
        "## Numbers of the methods",
        table(
            ("number", "default"),
            ((code(name), value) for name, value in Tuning()._asdict().items()),
        ),
        "## Errors that are expected before a scorecard knows better",
        "Thousandths of the energy, by length of gap; where days are around, thousandths of the distance of these days "
        "from the estimate (second figure). Other methods: 1000.",
        table(
            ("method", *LENGTH_NAMES),
            ((code(method.name), *map(_expected, found)) for method, found in sorted(SHIPPED.items())),
        ),
    )  # fmt: skip


def _nem12(row: Row) -> str:
    return f"S{row.nem12}"


def _expected(expected: Expected) -> str:
    return f"{expected.wape} / {expected.spread}" if expected.spread else str(expected.wape)
