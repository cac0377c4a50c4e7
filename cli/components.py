"""Joins the tables of stages, connectors, sinks and schemas: what a topology file may name."""

from __future__ import annotations

from pipeline.topology.components import FIRST_LOG, Components, Counted
from pipeline.topology.stages import STAGES
from schemas.records import STORED_SCHEMAS

CONNECTOR_TOPICS = {
    "cold": ("source",),
    "parked": ("source", "rejects_from"),
    "dlms_pull": ("commands", "journal"),
    "readings_topic": ("source",),
    "facts": ("source",),
    "edits": ("source",),
    "prepaid": ("determinants", "payments", "ticks", "results"),
}
"""Connector type -> its options that name a topic it reads."""

CONNECTOR_OUTPUTS: dict[str, dict[str, str | None]] = {
    "dlms_pull": {"results": "CommandResult", "journal": None},
    "edits": {"source": "Edit"},
    "prepaid": {"commands": "Command"},
    "sap_orders": {"orders": "MeterReadingOrder"},
}
"""Connector type -> its options that name a topic it writes beside frames, with the schema; None: raw bytes."""

CONNECTOR_MAKES = {"prepaid": "LedgerEntry"}
"""Connector type -> schema of what it writes to its `to`, where that is not frames."""

SILENT_CONNECTORS = frozenset({"cold", "prepaid", "ticker"})
"""Connector types that handle no frames of meters: they reject and park nothing."""

OUTSIDE_CONNECTORS = frozenset({"readings_topic"})
"""Connector types that read what another system writes."""

SINK_SCHEMAS = {
    "clickhouse": STORED_SCHEMAS,
    "sap_mdus": frozenset({"Determinant", "ReadingBatch", "Event", "MeterReadingOrder"}),
}
"""Sink type -> schemas that it can store."""

COUNTED = (Counted("nodes", "partitions", "node_energy"), Counted("losses", "sources", FIRST_LOG))
"""Options that are the number of partitions of a topic: filled in, so that a file says it once."""

SHARED = ("timezone", "hot_days")
"""Options that mean the same thing in every stage and sink of a flow: a local day is one day, and closes once."""


def components() -> Components:
    """The parts of this Kvarn. Imports their options only: no client library, no kernel that decodes."""
    import agents
    import connectors
    import sinks
    from schemas.load import shipped_ids
    from sinks.documents.names import FORMAT_SCHEMAS

    return Components(
        # A stage that the table does not have yet takes any options.
        agents={**dict.fromkeys(STAGES), **{name: config for name, (config, _) in agents.STAGES.items()}},
        connectors=connectors.CONNECTORS,
        sinks=sinks.SINKS,
        schemas=frozenset(shipped_ids()),
        topic_options=CONNECTOR_TOPICS,
        topic_outputs=CONNECTOR_OUTPUTS,
        silent=SILENT_CONNECTORS,
        outside=OUTSIDE_CONNECTORS,
        makes=CONNECTOR_MAKES,
        sink_schemas=SINK_SCHEMAS,
        format_schemas=FORMAT_SCHEMAS,
        counted=COUNTED,
        shared=SHARED,
    )
