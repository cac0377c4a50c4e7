"""How a view is written down."""

from __future__ import annotations

from dataclasses import dataclass

from sinks.clickhouse.columns import quoted


@dataclass(frozen=True)
class View:
    """One view: its name, what a row is, columns with their meaning in order, and the SELECT."""

    name: str
    doc: str
    columns: tuple[tuple[str, str], ...]
    select: str


def create_view(view: View) -> str:
    """CREATE VIEW, with `{timezone}` where the configured zone goes."""
    return f"CREATE OR REPLACE VIEW {view.name} AS\n{view.select.strip()}\nCOMMENT {quoted(view.doc)}"


NODES = "ARRAY JOIN [('TOTAL', toUInt32(0)), ('FEEDER', feeder), ('DT', dt)] AS place"
"""Each row of a service point for the whole, its feeder and its transformer."""

NODE_COLUMNS = (("day", "local day"), ("level", "TOTAL, FEEDER or DT"), ("node", "network node; 0 for TOTAL"))
