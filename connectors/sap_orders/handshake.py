"""Devices, registers and points of delivery that SAP announces, held against the registry. Pure.

Master data comes from the registry alone (docs/registry.md): nothing is taken over from here. What is confirmed is that
both sides know the same thing; what is refused says where they differ, before the first order does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from connectors.readings_in.devices import device_of
from connectors.sap_orders.config import SapOrdersConfig
from connectors.sap_orders.lookup import RefusedError, local_day, place_of, point_of
from pipeline.reference import FOREVER, Registry
from schemas.mdus.names import ASSIGNED, DEVICES, REGISTERS, Service
from schemas.mdus.xml import text_at

Known = tuple[SapOrdersConfig, Mapping[str, int], Registry]
"""Options, names of devices, the registry in force."""


def _device(announced: Any, known: Known, path: str) -> int:
    """The service point of a device now, or from its StartDate on; raises RefusedError."""
    config, names, registry = known
    id, start = text_at(announced, path), text_at(announced, "StartDate")
    device = device_of(id, "auto", names)
    if start:
        # It may be installed within the day.
        point, _ = place_of(registry, device, "06", local_day(start, config.timezone))
    else:
        point = point_of(registry, device, int(FOREVER) - 1)
    if not point:
        raise RefusedError(
            "UNKNOWN_DEVICE", f"device {id} measures no service point {f'on {start}' if start else 'now'}"
        )
    return point


def _check_device(announced: Any, known: Known) -> None:
    _device(announced, known, "ID")


def _check_registers(announced: Any, known: Known) -> None:
    _device(announced, known, "ID")
    codes = [text_at(one, "UtilitiesObjectIdentificationSystemCodeText") for one in announced.findall("Register")]
    unknown = [code for code in codes if code not in known[0].registers]
    if unknown:
        raise RefusedError("UNKNOWN_REGISTER", f"registers {', '.join(unknown)}")


def _check_assigned(announced: Any, known: Known) -> None:
    point = _device(announced, known, "UtilitiesDeviceID")
    said = text_at(announced, "UtilitiesPointOfDeliveryPartyID")
    if said != str(point):
        raise RefusedError("POINT_OTHER", f"point of delivery {said}; the registry has service point {point}")


CHECKS: dict[Service, Callable[[Any, Known], None]] = {
    DEVICES: _check_device,
    REGISTERS: _check_registers,
    ASSIGNED: _check_assigned,
}
"""Message -> check of one of its subjects; raises RefusedError."""
