"""Tables of master data, from the registry: what a service point is, which device measured it, how the network lies.

A version of the registry is written whole, with a number that grows. Rows of the newest number are the registry in
force; rows that it no longer has keep an older number and are left out by the `_latest` views.
"""

from __future__ import annotations

from pipeline.codes import Level, Role
from pipeline.reference import Registry
from sinks.clickhouse.columns import BITS, PLAIN, STEADY, TIME, TOPIC, Column, Table, enum_of

DOCS = {column.name: f"{column.unit}: {column.doc}" for column in Registry.COLUMNS}

VERSION = (
    Column("registry", "UInt64", "grows with each version that is written", PLAIN),
    Column("version", TOPIC, "SHA-256 of the version, hex", PLAIN),
)


def _column(name: str, kind: str, field: str, codec: str = PLAIN) -> Column:
    return Column(name, kind, DOCS[field], codec, field=field)


SERVICE_POINTS = Table(
    name="service_points",
    schema="Registry",
    doc="What a service point is, from when to when: account, tariff, place in the network",
    columns=(
        _column("service_point", "UInt64", "point", STEADY),
        _column("valid_from", TIME, "point_from", STEADY),
        _column("valid_to", TIME, "point_to", STEADY),
        _column("account", "UInt64", "account", BITS),
        _column("tariff", "UInt16", "tariff"),
        _column("role", enum_of(Role), "role"),
        _column("net_meter", "Bool", "net_meter"),
        _column("sanctioned_w", "UInt32", "sanctioned_w", BITS),
        _column("dt", "UInt32", "dt", BITS),
        _column("feeder", "UInt32", "feeder", BITS),
        *VERSION,
    ),
    engine="ReplacingMergeTree(registry)",
    time="",
    order_by=("service_point", "valid_from"),
)

DEVICES = Table(
    name="devices",
    schema="Registry",
    doc="Which device measured which service point, from when to when",
    columns=(
        _column("device", "UInt64", "device"),
        Column("system_title", "String", "`device` as its DLMS system title, 16 hexadecimal digits",
               alias="leftPad(hex(device), 16, '0')"),
        _column("service_point", "UInt64", "service_point", BITS),
        _column("valid_from", TIME, "valid_from", STEADY),
        _column("valid_to", TIME, "valid_to", STEADY),
        _column("template", "UInt16", "template"),
        _column("factor_numerator", "UInt32", "factor_numerator"),
        _column("factor_denominator", "UInt32", "factor_denominator"),
        _column("interval_secs", "UInt32", "interval_secs"),
        *VERSION,
    ),
    engine="ReplacingMergeTree(registry)",
    time="",
    order_by=("device", "valid_from"),
)  # fmt: skip

NODES = Table(
    name="nodes",
    schema="Registry",
    doc="Nodes of the network and what feeds them",
    columns=(
        _column("node", "UInt32", "node", STEADY),
        _column("level", enum_of(Level), "node_level"),
        _column("parent", "UInt32", "node_parent", BITS),
        _column("name", "String", "node_name"),
        *VERSION,
    ),
    engine="ReplacingMergeTree(registry)",
    time="",
    order_by=("node",),
)

REGISTRY_TABLES = (NODES, DEVICES, SERVICE_POINTS)
"""In the order of writing: no registry is without service points, so these say which version is there whole."""


def in_force_view(table: Table) -> str:
    """CREATE VIEW of the rows that the newest version of the registry has."""
    names = ", ".join(f"`{column.name}`" for column in table.columns)
    return (
        f"CREATE OR REPLACE VIEW {table.name}_latest AS\nSELECT {names}\nFROM {table.name} FINAL\n"  # noqa: S608
        f"WHERE registry = (SELECT max(registry) FROM {table.name})\n"
        f"COMMENT 'the rows of {table.name} that the newest version of the registry has'"
    )
