"""A message of SAP judged: records of the topic of orders, and the confirmation that answers it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from connectors.readings_in.devices import device_of
from connectors.sap_orders.config import SapOrdersConfig
from connectors.sap_orders.handshake import CHECKS
from connectors.sap_orders.lookup import RefusedError, local_day, place_of
from pipeline.channels import ENERGY
from pipeline.reference import Registry
from schemas.mdus.check import Checker
from schemas.mdus.names import CANCELLATIONS, IN, OUT, REASONS, Service
from schemas.mdus.outcomes import outcomes_of
from schemas.mdus.xml import (
    SOAP,
    UnreadableError,
    body_of,
    confirmation,
    element,
    enveloped,
    name_of,
    parsed,
    stamp,
    text_at,
)

OrderRecord = dict[str, Any]
"""A MeterReadingOrder."""

NOTHING: OrderRecord = {
    "id": "", "service_point": 0, "device": "", "device_id": "", "measurement_task": "", "channel": ENERGY[0].name,
    "reason": "", "time": 0, "code": "", "note": "",
}  # fmt: skip
"""Fields of events that need none."""
CONFIRMED = {service.confirmation: service for service in OUT.values()}
"""Roots of confirmations of what we send."""


@dataclass(frozen=True)
class Judged:
    """What is to be written, and then answered."""

    records: tuple[OrderRecord, ...]
    answer: bytes
    status: int = 200
    refused: int = 0
    unsaid: tuple[tuple[str, str], ...] = ()
    """What is wrong with a notification, to which nothing can be answered."""


@dataclass(frozen=True)
class Judge:
    """Judges by the options, the schemas, and names of devices."""

    config: SapOrdersConfig
    checker: Checker
    names: Mapping[str, int]

    def judged(self, octets: bytes, registry: Registry, now: int) -> Judged:
        """Records and answer of a request. now: epoch seconds UTC."""
        try:
            root = parsed(octets)
            wrapped, message = name_of(root) == "Envelope", body_of(root)
        except UnreadableError as error:
            return Judged((), _fault(str(error)), 400, 1)
        confirmed = CONFIRMED.get(name_of(message))
        if confirmed is not None:
            return self._confirmations(message, confirmed, now)
        service = IN.get(name_of(message))
        said = self.checker.fault(message) if service is not None else f"{name_of(message)} is not taken here"
        if service is None or said:
            return Judged((), _fault(said), 500, 1)
        records: list[OrderRecord] = []
        outcomes: list[tuple[str, tuple[tuple[str, str], ...]]] = []
        for one in message.findall(service.message):
            uuid, subject = text_at(one, "MessageHeader/UUID"), one.find(service.subject)
            try:
                if subject is None:
                    raise RefusedError("INCOMPLETE", f"it has no {service.subject}")
                if service in CHECKS:
                    CHECKS[service](subject, (self.config, self.names, registry))
                else:
                    records.append(self._record(service, subject, registry, uuid, now))
                outcomes.append((uuid, ()))
            except RefusedError as error:
                outcomes.append((uuid, ((error.kind, error.note),)))
        refused = [fault for _, faults in outcomes for fault in faults]
        if not service.confirmation:
            return Judged((), b"", 202, len(refused), tuple(refused))
        uuid = text_at(message, "MessageHeader/UUID")
        head = {"ReferenceUUID": uuid or None, "CreationDateTime": stamp(now)}
        answer = confirmation(service, head, outcomes, now, self.config.namespace)
        return Judged(tuple(records), enveloped(answer) if wrapped else answer, refused=len(refused))

    def _confirmations(self, message: Any, service: Service, now: int) -> Judged:
        """What SAP says later of messages of ours; a confirmation is not confirmed."""
        said = self.checker.fault(message)
        if said:
            return Judged((), _fault(said), 500, 1)
        records = tuple(
            {
                **NOTHING, "event": "REFUSED" if outcome.faults else "ACCEPTED", "received_at": now, "message": uuid,
                "code": " ".join(sorted(outcome.types)), "note": outcome.note,
            }
            for uuid, outcome in outcomes_of(message, service)
        )  # fmt: skip
        return Judged(records, b"", 202)

    def _record(self, service: Service, document: Any, registry: Registry, uuid: str, now: int) -> OrderRecord:
        common: OrderRecord = {"id": text_at(document, "ID"), "received_at": now, "message": uuid}
        if not common["id"]:
            raise RefusedError("INCOMPLETE", "it has no ID")
        if service is CANCELLATIONS:
            return {**NOTHING, **common, "event": "CANCELLED"}
        reason = text_at(document, "MeterReadingReasonCode")
        if reason not in REASONS:
            raise RefusedError("UNKNOWN_REASON", f"reason code {reason}")
        task = document.find("UtilitiesMeasurementTask")
        if task is None:
            raise RefusedError("INCOMPLETE", f"order {common['id']} has no UtilitiesMeasurementTask")
        obis = text_at(task, "UtilitiesObjectIdentificationSystemCodeText")
        channel = self.config.registers.get(obis)
        if channel is None:
            raise RefusedError("UNKNOWN_REGISTER", f"register {obis or 'without OBIS code'}")
        day = local_day(text_at(document, "ScheduledMeterReadingDate"), self.config.timezone)
        device_id = text_at(task, "UtilitiesDevice/UtilitiesDeviceID")
        device = device_of(device_id, "auto", self.names)
        point, when = place_of(registry, device, reason, day)
        if not point:
            raise RefusedError("UNKNOWN_DEVICE", f"device {device_id} measures no service point then")
        return {
            **NOTHING, **common, "event": "ORDERED", "service_point": point, "device": f"{device:016X}",
            "device_id": device_id, "measurement_task": text_at(task, "UtilitiesMeasurementTaskID"),
            "channel": channel, "reason": reason, "time": when,
        }  # fmt: skip


def _fault(text: str) -> bytes:
    """A SOAP 1.1 fault: what came cannot be taken as a whole."""
    return enveloped(
        b'<soapenv:Fault xmlns:soapenv="%s">%s%s</soapenv:Fault>' % (
            SOAP.encode(), element("faultcode", {"": "soapenv:Client"}), element("faultstring", {"": text})
        )
    )  # fmt: skip
