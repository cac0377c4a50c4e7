"""The plain record of rows of profiles that are kept as their meter sends them."""

from __future__ import annotations

from schemas.common import FLAGS, ORIGIN, REPORTER
from schemas.fields import Field, Record, array, nullable, record

_VALUE = record(
    "ProfileValue",
    "One attribute of an object, as its meter sends it.",
    (
        Field("obis", "string", "Logical name of the object, six numbers: 1.0.1.8.3.255 is import in zone 3."),
        Field("attribute", "int", "Attribute of the object: 2 is its value, 5 the time of a maximum."),
        Field(
            "value",
            nullable("string"),
            "Exact decimal in `unit`, before the multiplying factor; null for a text or a time.",
        ),
        Field("unit", "string", "Wh, VAh, varh, W, VA, var, V, A, Hz, min, dBm; empty for counts, ratios and others."),
        Field("text", nullable("string"), "Text, or octets in hexadecimal digits; null for a number or a time."),
        Field(
            "time",
            nullable("long"),
            "[s] A time by the meter's clock, epoch seconds UTC; null for others, and for a time that is none.",
        ),
    ),
)

PROFILE_ROW = Record(
    "ProfileRow",
    "A row of a nameplate, of a billing profile, or of an event log with values beside the event (IS 15959), "
    "with everything that the meter sent in it. Billing uses none of it: determinants are made from readings.",
    (
        Field("service_point", "long", "Service point as of the row's time; a positive id of the registry."),
        REPORTER,
        Field(
            "time",
            "long",
            "[s] Stamp of the row by the meter's clock: billing date, time of the event; of a nameplate when it "
            "was sent; epoch seconds UTC.",
        ),
        Field("received_at", "long", "[s] When the connector had the frame, epoch seconds UTC."),
        Field(
            "profile",
            "string",
            "Logical name of the profile: 0.0.94.91.10.255 nameplate, 1.0.98.1.0.255 billing, 0.0.99.98.n.255 "
            "event logs.",
        ),
        Field("code", "int", "Event code of IS 15959 in the row of an event log; 0 for other profiles."),
        Field("template", "string", "Table by which the columns were named (docs/decoding.md)."),
        Field("values", array(_VALUE), "What was sent, in the profile's order; null-data is left out."),
        FLAGS,
        Field("frame", "int", "Frame within the source record, from 0."),
        *ORIGIN,
    ),
)
