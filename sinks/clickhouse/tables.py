"""All base tables of the warehouse, by name and by the schema that fills them."""

from __future__ import annotations

from sinks.clickhouse.columns import Table
from sinks.clickhouse.hygiene_tables import HYGIENE_TABLES
from sinks.clickhouse.packed_tables import PACKED_TABLES
from sinks.clickhouse.plain_tables import PLAIN_TABLES
from sinks.clickhouse.registry_tables import REGISTRY_TABLES

TABLES: dict[str, Table] = {
    table.name: table for table in (*PACKED_TABLES, *PLAIN_TABLES, *REGISTRY_TABLES, *HYGIENE_TABLES)
}

TABLE_OF_RECORD: dict[str, Table] = {table.schema: table for table in PLAIN_TABLES}
"""Schema of a plain record -> its table."""
