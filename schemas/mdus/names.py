"""Services that are spoken, with the names of their messages."""

from __future__ import annotations

from dataclasses import dataclass

NAMESPACES = ("http://sap.com/xi/SAPGlobal20/Global", "http://sap.com/xi/IS-U/Global2")
"""Namespaces of root elements; elements within them have none."""


@dataclass(frozen=True)
class Service:
    """A message of many: its root, the element of each, what that is about, and root and element of the answer; empty:
    nothing is answered. `schema`: file of its schema."""

    root: str
    message: str
    subject: str
    confirmation: str
    confirmed: str
    schema: str


def _service(
    stem: str, bulk: str, kind: str, subject: str, schema: str, item: str = "", said: str = "Confirmation"
) -> Service:
    return Service(
        f"{stem}{item}{bulk}{kind}Request", f"{stem}{item}{kind}RequestMessage", subject,
        f"{stem}{item}{bulk}{kind}{said}", f"{stem}{item}{kind}{said}Message", schema,
    )  # fmt: skip


RESULTS = _service("MeterReadingDocumentERPResult", "Bulk", "Create", "MeterReadingDocument", "results")
SERIES = _service("UtilitiesTimeSeriesERPItem", "Bulk", "Create", "UtilitiesTimeSeries", "series")
EVENTS = _service("UtilitiesSmartMeterEventERP", "Bulk", "Create", "UtilitiesSmartMeterEvent", "events")
ORDERS = _service("SmartMeterMeterReadingDocumentERP", "Bulk", "Create", "MeterReadingDocument", "orders")
CANCELLATIONS = _service("SmartMeterMeterReadingDocumentERP", "Bulk", "Cancellation", "MeterReadingDocument", "orders")

DEVICES = _service("UtilitiesDeviceERPSmartMeter", "Bulk", "Create", "UtilitiesDevice", "devices")
REGISTERS = _service("UtilitiesDeviceERPSmartMeterRegister", "Bulk", "Create", "UtilitiesDevice", "devices")
_TASK = "SmartMeterUtilitiesMeasurementTaskERPPointOfDelivery"
ASSIGNED = Service(
    f"{_TASK}BulkAssignedNotification", f"{_TASK}AssignedNotificationMessage", "UtilitiesMeasurementTask", "", "",
    "devices",
)  # fmt: skip

OUT = {"results": RESULTS, "series": SERIES, "events": EVENTS}
"""What goes out, by the name that options and the journal have for it."""
IN = {service.root: service for service in (ORDERS, CANCELLATIONS, DEVICES, REGISTERS, ASSIGNED)}
"""What comes in, by its root."""
SERVICES = (*OUT.values(), *IN.values())
"""All of them."""

REASONS = {
    "01": "periodic", "02": "interim with billing", "03": "final, move-out", "05": "territory transfer with billing",
    "06": "move-in", "07": "transfer without billing", "08": "technical installation", "09": "interim without billing",
    "10": "control", "12": "technical removal", "13": "disconnection", "18": "reconnection", "21": "billing "
    "installation", "22": "billing removal", "24": "change of move-in", "25": "change of move-out",
    "26": "contract change",
}  # fmt: skip
"""MeterReadingReasonCode."""
OPENING_REASONS = frozenset({"06", "08", "21", "24"})
"""Reasons that ask for the first reading of what begins; others ask for the last of what ends."""
EXCHANGE_REASONS = frozenset({"06", "08", "12", "21", "22", "24"})
"""Reasons that may ask for what a meter showed when it was installed or removed."""
UTILITY_READ, ESTIMATED_READ = "01", "03"
"""MeterReadingTypeCode: as the register showed, estimated."""
