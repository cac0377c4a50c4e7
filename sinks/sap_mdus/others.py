"""Intervals and events as messages: UtilitiesTimeSeriesERPItem and UtilitiesSmartMeterEventERP BulkCreateRequest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from schemas.mdus.names import EVENTS, SERIES
from schemas.mdus.xml import Tree, element, stamp
from sinks.documents.intervals import Interval, intervals_of
from sinks.documents.quantities import OBIS
from sinks.records import Record
from sinks.sap_mdus.config import SapMdusConfig
from sinks.sap_mdus.model import Message
from sinks.sap_mdus.names import uuid_of
from sinks.sap_mdus.readings import name_of
from sinks.sap_mdus.registers import kilo
from sinks.sap_mdus.results import device_tree, header

STATUS = {"ACTUAL": "W", "DERIVED": "W", "ESTIMATED": "E", "MANUAL": "E", "SUSPECT": "V"}
"""Quality -> UtilitiesTimeSeriesItemTypeCode: true, substitute and preliminary value."""
UNITS = {"wh": "KWH", "vah": "KVAH"}
MOST_ID = 60


def series_messages(record: Record, config: SapMdusConfig) -> Iterator[Message]:
    """A message for each service point, device and channel of a batch of readings; revisions in their order."""

    def whose(interval: Interval) -> tuple[int, str]:
        return interval.service_point, interval.meter

    intervals = sorted(intervals_of([record]), key=lambda one: (*whose(one), one.start, one.revision))
    for (point, meter), group in groupby(intervals, key=whose):
        found = list(group)
        for channel in config.series:
            having = [interval for interval in found if channel in interval.values]
            if having:
                first = having[0]
                place = (first.topic_id, first.partition, first.offset)
                uuid = uuid_of("series", *place, point, meter, channel)
                created = max(interval.end for interval in having)
                body = element(
                    SERIES.message,
                    {"MessageHeader": header(uuid, created, config), SERIES.subject: _series(point, channel, having)},
                )
                yield Message(uuid, "series", created, body)


def _series(point: int, channel: str, intervals: Sequence[Interval]) -> Tree:
    return {
        "UtilitiesMeasurementTaskAssignmentRole": {
            "UtilitiesObjectIdentificationSystemCodeText": f"1-0:{OBIS[channel]}.29.0",
            "UtilitiesPointOfDeliveryPartyID": str(point),
        },
        "Item": [
            {
                "Quantity": {"@unitCode": UNITS[channel.partition("_")[0]], "": kilo(interval.values[channel])},
                "UTCValidityStartDateTime": stamp(interval.start),
                "UTCValidityEndDateTime": stamp(interval.end),
                "ItemStatus": {"UtilitiesTimeSeriesItemTypeCode": STATUS[interval.qualities[channel]]},
            }
            for interval in intervals
        ],
    }


def event_message(event: Mapping[str, Any], config: SapMdusConfig) -> Message | None:
    """A message of an Event. Its type is the code of IS 15959, or the bit of the event status word; R: it has ended.
    None: it has neither, and the receiver no type for it."""
    if event["code"] is None and event["bit"] is None:
        return None
    uuid = uuid_of("event", name_of(event))
    code = f"B{event['bit']}" if event["code"] is None else str(event["code"])
    subject = {
        "ID": uuid,
        "UtilitiesSmartMeterEventTypeCode": f"{code}R"
        if event["code"] is None and event["edge"] == "RESTORED"
        else code,
        "UTCOccurrenceDateTime": stamp(event["time"]),
        "Description": f"{event['name']} ({event['edge'].lower()})",
        "UtilitiesPointOfDeliveryPartyID": str(event["service_point"]),
        "UtilitiesDevice": device_tree(event["device"][:MOST_ID], config),
    }
    head = header(uuid, event["received_at"], config)
    body = element(EVENTS.message, {"MessageHeader": head, EVENTS.subject: subject})
    return Message(uuid, "events", event["received_at"], body)
