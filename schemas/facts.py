"""The plain record of what others say: an outage, a temperature, a check meter, neighbours."""

from __future__ import annotations

from schemas.fields import Field, Record, array, enum, nullable, record

FACT_KIND = (
    ("OUTAGE", "there was no supply at the service point, or at all below the node"),
    ("TEMPERATURE", "mean temperature of a day or an hour"),
    ("CHECK", "what a check meter or a redundant channel measured in one interval"),
    ("NEIGHBOURS", "service points whose use is like that of this one"),
)

_NEIGHBOUR = record("Neighbour", "One neighbour.", (Field("service_point", "long", "Service point of the neighbour."),))

FACT = Record(
    "Fact",
    "One revision of what others say, about a service point, a network node or a place. The key is (kind, id).",
    (
        Field("id", "string", "Id of the fact with who says it; a later revision of it has the same."),
        Field("kind", enum("FactKind", "What is said.", FACT_KIND), "What is said."),
        Field("revision", "long", "Order of the revisions of a key: the larger replaces the smaller."),
        Field("service_point", "long", "Service point that it is about; 0: a node or a place."),
        Field("node", "int", "Network node of the registry that it is about; 0: a service point or a place."),
        Field("place", "string", "Place that it is about, a weather station for example; empty when none."),
        Field("from_time", "long", "[s] Begin, epoch seconds UTC, included; 0: always."),
        Field(
            "until_time",
            nullable("long"),
            "[s] End, epoch seconds UTC, not included; null: it has not ended, or has no end.",
        ),
        Field("confirmed", "boolean", "OUTAGE: whether it is sure. One that is not changes no reading."),
        Field("temperature", nullable("int"), "TEMPERATURE: tenths of a degree Celsius; null: of another kind."),
        Field("channel", "string", "CHECK: energy channel, wh_imp for example; empty: of another kind."),
        Field("energy", nullable("long"), "[Wh or VAh] CHECK: what was measured; null: of another kind."),
        Field("neighbours", array(_NEIGHBOUR), "NEIGHBOURS: the neighbours; empty: of another kind."),
        Field("source", "string", "Where it comes from: an outage system, a weather service."),
        Field("who", "string", "Who handed it on."),
        Field("why", "string", "Why, in words; may be empty."),
        Field("said_at", "long", "[s] When it was handed on, epoch seconds UTC."),
    ),
)
