"""The plain record of a meter-reading order: what a billing system asks for, takes back, has billed or accepted."""

from __future__ import annotations

from pipeline.channels import ENERGY
from schemas.common import DEVICE_DOC
from schemas.fields import Field, Record, enum

ORDER_EVENT = (
    ("ORDERED", "a reading is asked for; said again, it replaces what was asked for under this id"),
    ("CANCELLED", "it is not wanted any more"),
    ("BILLED", "it has been billed: a correction of it is a case for a new bill"),
    ("ACCEPTED", "a message of ours is accepted; it has no id"),
    ("REFUSED", "a message of ours is refused; it has no id"),
)

METER_READING_ORDER = Record(
    "MeterReadingOrder",
    "One event of a meter-reading order of a billing system, or of a message about readings to it.",
    (
        Field("id", "string", "Id of the order (the meter reading document) in the billing system, or empty."),
        Field("event", enum("OrderEvent", "What happens to it.", ORDER_EVENT), "What happens to it."),
        Field("service_point", "long", "Service point; a positive id of the registry; 0 when the event needs none."),
        Field("device", "string", f"Device: {DEVICE_DOC}; empty when the event needs none."),
        Field("device_id", "string", "The billing system's name of the device."),
        Field("measurement_task", "string", "The billing system's name of what is read; empty when it gave none."),
        Field(
            "channel",
            enum("Channel", "Energy channel.", ((channel.name, channel.doc) for channel in ENERGY)),
            "Which register; the first when the event needs none.",
        ),
        Field("reason", "string", "MeterReadingReasonCode of SAP: 01 periodic, 03 final, 06 move-in, ...; or empty."),
        Field(
            "time",
            "long",
            "[s] The local midnight that is asked for, or the moment of an exchange within the day, epoch seconds UTC; "
            "0 when it needs none.",
        ),
        Field("received_at", "long", "[s] When the connector had it, epoch seconds UTC."),
        Field(
            "message",
            "string",
            "UUID of the message that said so, empty when it came without one; of ACCEPTED and REFUSED that of ours.",
        ),
        Field("code", "string", "Types of the errors of a message that is refused, with spaces between; else empty."),
        Field("note", "string", "These errors in words; else empty."),
    ),
)
