"""Devices, registers and points of delivery that SAP announces: confirmed where the registry has them."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.sap_orders.config import SapOrdersConfig
from connectors.sap_orders.judge import Judge, Judged
from pipeline.reference import FOREVER
from schemas.mdus.check import Checker
from schemas.mdus.names import ASSIGNED, DEVICES, REGISTERS, Service
from tests.unit.connectors.sap_orders.test_orders import NOW, message, types
from tests.unit.connectors.test_gather import registry
from tests.unit.sinks.sap_mdus.builders import DAY, DEVICE, MONTH_END, devices


def judged(service: Service, *subjects: dict[str, Any]) -> Judged:
    return Judge(SapOrdersConfig(), Checker(), {"M-7": DEVICE + 7}).judged(message(service, *subjects), devices(), NOW)


def name(point: int) -> str:
    return f"{DEVICE + point:016X}"


def test_a_device_is_confirmed_when_the_registry_has_it_at_that_date() -> None:
    found = judged(DEVICES, {"ID": name(1)}, {"ID": "M-7", "StartDate": "2026-01-01"}, {"ID": name(99)},
                   {"ID": name(1), "StartDate": "1960-01-01"})  # fmt: skip
    assert types(found.answer, DEVICES) == [[], [], ["UNKNOWN_DEVICE"], ["UNKNOWN_DEVICE"]]
    assert (found.records, found.refused) == ((), 2)


def test_a_device_that_is_installed_within_the_day_is_confirmed() -> None:
    known = registry([(DEVICE + 9, 1, MONTH_END + DAY // 2, int(FOREVER))])
    announced = ({"ID": name(9), "StartDate": day} for day in ("2026-02-01", "2026-01-31"))
    found = Judge(SapOrdersConfig(), Checker(), {}).judged(message(DEVICES, *announced), known, NOW)
    assert types(found.answer, DEVICES) == [[], ["UNKNOWN_DEVICE"]]


@pytest.mark.parametrize(
    ("codes", "said"), [(["1-0:1.8.0", "1-0:2.8.0"], []), (["1-0:1.8.0", "9"], ["UNKNOWN_REGISTER"])]
)
def test_registers_are_confirmed_when_each_is_a_channel(codes: list[str], said: list[str]) -> None:
    announced = [{"UtilitiesObjectIdentificationSystemCodeText": code} for code in codes]
    found = judged(REGISTERS, {"ID": name(1), "Register": announced})
    assert types(found.answer, REGISTERS) == [said]


def test_a_point_of_delivery_that_differs_is_told_to_the_operator_for_nothing_can_be_answered() -> None:
    def task(point: str) -> dict[str, str]:
        return {
            "UtilitiesMeasurementTaskID": "T",
            "UtilitiesDeviceID": name(3),
            "UtilitiesPointOfDeliveryPartyID": point,
        }

    found = judged(ASSIGNED, task("3"), task("4"))
    assert (found.status, found.answer, found.refused) == (202, b"", 1)
    assert found.unsaid == (("POINT_OTHER", "point of delivery 4; the registry has service point 3"),)
