"""Every topic of Kvarn: who owns it, its key, its schema. docs/topics.md is rendered from this table."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Topic:
    """`owner` is who writes it; `schema` None: raw bytes, or not fixed yet for a reserved topic."""

    name: str
    owner: str
    key: str
    schema: str | None
    readers: str
    doc: str
    reserved: bool = False


BY_POINT = "partition by service point"

TOPICS: tuple[Topic, ...] = (
    Topic(
        "frames",
        "connectors",
        BY_POINT,
        "FrameBatch",
        "agents, archive, replay",
        "frames, ticks, control records and records of other topics; the only input of a partition's state",
    ),
    Topic(
        "decoded",
        "decode",
        BY_POINT,
        "DecodedBatch",
        "vee",
        "decoded rows; only where decode and VEE are split by a topic",
    ),
    Topic(
        "readings", "vee", BY_POINT, "ReadingBatch", "warehouse, rating when split", "readings, revisions, settlements"
    ),
    Topic("events", "decode", "device", "Event", "warehouse, operations", "meter events"),
    Topic(
        "profile-rows",
        "decode",
        "device",
        "ProfileRow",
        "warehouse",
        "nameplates, billing profiles and values at events as meters send them",
    ),
    Topic(
        "exceptions",
        "exceptions, usage, decode",
        "service point",
        "ReadingException",
        "warehouse, operations",
        "what somebody should look at, one a revision; opens and closes by itself",
    ),
    Topic(
        "node-exceptions",
        "losses",
        "service point of the node's meter",
        "ReadingException",
        "warehouse, operations",
        "network nodes whose day does not balance",
    ),
    Topic(
        "estimate-scores",
        "scorecard",
        "class, method and gap",
        "EstimateScore",
        "warehouse, analysts",
        "how far estimates are off, by method, length of gap and class of service points",
    ),
    Topic(
        "determinants", "rating", "account", "Determinant", "warehouse, billing", "billing determinants, one a revision"
    ),
    Topic(
        "node-energy",
        "nodes",
        "partition of losses by node",
        "NodeEnergy",
        "losses",
        "changes of energy by network node; the only re-key",
    ),
    Topic("losses", "losses", "node", "Loss", "warehouse, analysts", "energy balance of network nodes, one a revision"),
    Topic(
        "rejects",
        "connectors, decode, vee",
        "device",
        "Reject",
        "warehouse, operations, the parked connector where it is told to",
        "dead letters with reason, some of them to be offered again",
    ),
    Topic(
        "cold-requests",
        "vee",
        "service point",
        "ColdRequest",
        "the cold connector, warehouse",
        "rows that are older than the hot window, whose days are to be corrected: docs/cold.md",
    ),
    Topic(
        "parked",
        "connectors",
        "device",
        "Reject",
        "the parked connector",
        "frames of devices that the registry does not know yet",
    ),
    Topic(
        "registry",
        "the registry's publisher",
        "kind/version/place/number",
        None,
        "connectors, workers",
        "immutable versions of master data, in chunks; compacted; control records name what is in force",
    ),
    Topic(
        "readings-in",
        "head-ends",
        "as they choose",
        None,
        "the readings_topic connector",
        "readings that another head-end has decoded: docs/readings-in.md",
    ),
    Topic(
        "<application>-<worker>-state",
        "workers",
        "page",
        None,
        "the owner of the partition",
        "checkpoints; compacted; not in the topology file",
    ),
    Topic(
        "commands",
        "operations, other systems",
        "device",
        "Command",
        "the pull connector, or another head-end",
        "commands to meters (docs/commands.md)",
    ),
    Topic(
        "command-results",
        "the pull connector, or another head-end",
        "device",
        "CommandResult",
        "who commanded",
        "what became of commands",
    ),
    Topic(
        "pull-journal",
        "the pull connector",
        "kind/...",
        None,
        "the pull connector",
        "counters, intents and results that must outlive it; compacted, one partition",
    ),
    Topic(
        "facts",
        "`kvarn facts import`, other systems",
        "what it is about",
        "Fact",
        "the facts connector, warehouse",
        "outages, temperatures, check meters, neighbours; one partition (docs/facts.md)",
    ),
    Topic(
        "edits",
        "people by command, other systems, the edits connector",
        "service point",
        "Edit",
        "the edits connector, warehouse",
        "edits of readings, one event a record: asked for, approved, undone, and what became of it; kept for ever, "
        "never with other partitions (docs/edits.md)",
    ),
    Topic(
        "exception-work",
        "people by command, other systems",
        "service point",
        "ExceptionWork",
        "warehouse",
        "who works on an exception, and what was done (docs/exceptions.md)",
    ),
    Topic(
        "readiness",
        "`kvarn readiness --emit`",
        "account",
        "Readiness",
        "warehouse, billing",
        "whether a consumer's billing cycle can be billed, and if not, why; one a revision (docs/readiness.md)",
    ),
    Topic(
        "payments",
        "vending, collection and billing systems",
        "account",
        "Payment",
        "the prepaid connector, warehouse",
        "payments, reversals, arrears, and accounts that begin or cease to be prepaid (docs/prepaid.md)",
    ),
    Topic(
        "ledger",
        "the prepaid connector",
        "account",
        "LedgerEntry",
        "warehouse, billing, the prepaid connector",
        "entries of prepaid accounts, kept for ever: the connector begins with them (docs/prepaid.md)",
    ),
    Topic(
        "prepaid-ticks",
        "a ticker",
        "partition",
        "FrameBatch",
        "the prepaid connector",
        "the time that prepaid accounts go by; one partition (docs/prepaid.md)",
    ),
    Topic("inspections", "field teams", "service point", None, "a connector", "outcomes of inspections", True),
    Topic("outage-state", "an outage stage", "node", None, "a connector, operations", "confirmed outages", True),
    Topic(
        "mr-orders",
        "the sap_orders connector, other systems",
        "order",
        "MeterReadingOrder",
        "the sap_mdus sink",
        "meter-reading orders of a billing system, one event a record: asked for, taken back, billed (docs/sap.md)",
    ),
)

IMPLICIT = frozenset({"registry"})
"""Topics that workers and connectors use without being named at an edge."""

FROM_OUTSIDE = frozenset(
    {"command-results", "commands", "edits", "exception-work", "facts", "mr-orders", "payments", "readiness"}
)
"""Topics that other systems write: that nothing in a file does is no finding."""
