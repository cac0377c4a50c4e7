"""A reading as MeterReadingDocument of MeterReadingDocumentERPResultBulkCreateRequest."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from schemas.mdus.names import RESULTS
from schemas.mdus.xml import Tree, element, stamp
from sinks.sap_mdus.config import SapMdusConfig
from sinks.sap_mdus.model import Order
from sinks.sap_mdus.readings import Reading


def header(uuid: str, created: int, config: SapMdusConfig, corrects: str = "") -> Tree:
    """A MessageHeader. created: epoch seconds of what it tells, so that it is the same when it is made again."""
    return {
        "UUID": uuid,
        "ReferenceUUID": corrects or None,
        "CreationDateTime": stamp(created),
        "SenderBusinessSystemID": config.sender,
        "RecipientBusinessSystemID": config.recipient,
    }


def device_tree(device_id: str, config: SapMdusConfig) -> Tree:
    """A UtilitiesDevice that is read by this system."""
    return {"UtilitiesDeviceID": device_id, "SmartMeter": {"UtilitiesAdvancedMeteringSystemID": config.sender}}


def result(
    uuid: str, order: Order, reading: Reading, device_id: str, now: str, corrects: str, config: SapMdusConfig
) -> bytes:
    """The message of one reading. now: value and type as they are sent; corrects: UUID of the message it corrects."""
    value, type_code = now.split(" ")
    local = datetime.fromtimestamp(reading.place.time, ZoneInfo(config.timezone))
    date, time = f"{local:%Y-%m-%d}", f"{local:%H:%M:%S}"
    document = {
        "ID": None if order.own else order.id,
        "MeterReadingReasonCode": order.reason,
        "UtilitiesMeasurementTask": {
            "UtilitiesMeasurementTaskID": order.task or None,
            "UtilitiesObjectIdentificationSystemCodeText": config.registers[reading.place.channel].obis,
            "UtilitiesDevice": device_tree(device_id, config),
        },
        "Result": {
            "MeterReadingDate": date,
            "MeterReadingTime": time,
            "ActualMeterReadingDate": date,
            "ActualMeterReadingTime": time,
            "MeterReadingTypeCode": type_code,
            "MeterReadingResultValue": value,
        },
    }
    head = header(uuid, reading.place.time, config, corrects)
    return element(RESULTS.message, {"MessageHeader": head, RESULTS.subject: document})
