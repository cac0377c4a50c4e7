"""The endpoint of orders: what it takes, confirms, refuses and puts off; what it never opens."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from connectors.sap_orders.config import SapOrdersConfig
from connectors.sap_orders.connector import Endpoint
from connectors.sap_orders.judge import Judge
from pipeline.errors import Transient
from pipeline.reference import FOREVER
from schemas.mdus.check import Checker
from schemas.mdus.names import (
    ASSIGNED,
    CANCELLATIONS,
    DEVICES,
    IN,
    NAMESPACES,
    ORDERS,
    REGISTERS,
    RESULTS,
    Service,
)
from schemas.mdus.xml import body_of, bulk, confirmation, element, enveloped, name_of, parsed, stamp, text_at
from tests.builders_readings import CONTRACTS
from tests.unit.connectors.test_gather import registry
from tests.unit.sinks.sap_mdus.builders import DAY, DEVICE, MONTH_END, devices

NOW = 1_769_000_000
UUID = "00000000-0000-4000-8000-00000000000"


def message(service: Service, *subjects: dict[str, Any]) -> bytes:
    parts = [
        element(service.message, {"MessageHeader": {"UUID": f"{UUID}{number}", "CreationDateTime": stamp(NOW)},
                                  service.subject: subject})
        for number, subject in enumerate(subjects)
    ]  # fmt: skip
    return enveloped(bulk(service.root, {"CreationDateTime": stamp(NOW)}, parts))


def wanted(id: str = "1001", point: int = 1, obis: str | None = "1-0:1.8.0", reason: str = "01",
           date: str = "2026-02-01") -> dict[str, Any]:  # fmt: skip
    return {
        "ID": id,
        "MeterReadingReasonCode": reason,
        "ScheduledMeterReadingDate": date,
        "UtilitiesMeasurementTask": {
            "UtilitiesMeasurementTaskID": "T1",
            "UtilitiesObjectIdentificationSystemCodeText": obis,
            "UtilitiesDevice": {"UtilitiesDeviceID": f"{DEVICE + point:016X}"},
        },
    }


@dataclass
class Topic:
    values: list[tuple[bytes, dict[str, Any]]] = field(default_factory=list)
    away: bool = False

    def write(self, values: Sequence[tuple[bytes, bytes]]) -> None:
        if self.away:
            raise Transient("ORDERS_UNWRITTEN", where="mr-orders", what="no answer", do="wait")
        self.values += [(key, CONTRACTS.decode(value, "MeterReadingOrder")) for key, value in values]


@asynccontextmanager
async def served(topic: Topic, **options: Any) -> AsyncIterator[tuple[str, Endpoint]]:
    config = SapOrdersConfig.model_validate(options)
    endpoint = Endpoint(config, CONTRACTS, topic.write, devices, clock=lambda: NOW)
    app = web.Application(client_max_size=config.request_bytes)
    app.router.add_post("/{path:.*}", endpoint.answer)
    async with TestServer(app) as server:
        yield str(server.make_url("/orders")), endpoint


async def posted(url: str, octets: bytes, **options: Any) -> tuple[int, bytes]:
    async with aiohttp.ClientSession() as session, session.post(url, data=octets, **options) as answer:
        return answer.status, await answer.read()


def types(answer: bytes, service: Service) -> list[list[str]]:
    """TypeIDs of the log of each message."""
    found = body_of(parsed(answer))
    assert name_of(found) == service.confirmation
    assert Checker().fault(found) == ""
    return [[text_at(item, "TypeID") for item in one.findall("Log/Item")] for one in found.findall(service.confirmed)]


async def test_orders_are_written_and_then_confirmed() -> None:
    topic = Topic()
    async with served(topic) as (url, endpoint):
        status, answer = await posted(url, message(ORDERS, wanted(), wanted("1002", 2, "1-0:9.8.0", "06")))
    assert (status, types(answer, ORDERS)) == (200, [[], []])
    (key, first), (_, second) = topic.values
    assert key == b"1001"
    assert first == {
        "id": "1001", "event": "ORDERED", "service_point": 1, "device": f"{DEVICE + 1:016X}",
        "device_id": f"{DEVICE + 1:016X}", "measurement_task": "T1", "channel": "wh_imp", "reason": "01",
        "time": MONTH_END, "received_at": NOW, "message": f"{UUID}0", "code": "", "note": "",
    }  # fmt: skip
    assert (second["channel"], second["reason"]) == ("vah_imp", "06")
    assert endpoint.counts.orders_taken == 2


async def test_a_cancellation_is_written_under_the_key_of_its_order() -> None:
    topic = Topic()
    async with served(topic) as (url, _):
        status, answer = await posted(url, message(CANCELLATIONS, {"ID": "1001"}))
    assert (status, types(answer, CANCELLATIONS)) == (200, [[]])
    ((key, record),) = topic.values
    assert (key, record["event"]) == (b"1001", "CANCELLED")


async def test_a_cancellation_does_not_overtake_its_order(monkeypatch: pytest.MonkeyPatch) -> None:
    topic = Topic()
    async with served(topic) as (url, endpoint):
        judge = endpoint._judge

        class Slow:
            def judged(self, octets: bytes, *known: Any) -> Any:
                if ORDERS.root.encode() in octets:
                    time.sleep(0.3)
                return judge.judged(octets, *known)

        monkeypatch.setattr(endpoint, "_judge", Slow())
        first = asyncio.ensure_future(posted(url, message(ORDERS, wanted())))
        await asyncio.sleep(0.1)
        assert (await posted(url, message(CANCELLATIONS, {"ID": "1001"})))[0] == 200
        assert (await first)[0] == 200
    assert [record["event"] for _, record in topic.values] == ["ORDERED", "CANCELLED"]


def test_what_lacks_by_a_schema_of_the_customers_is_refused_by_itself(tmp_path: Path) -> None:
    elements = "".join(f'<xsd:element name="{root}" type="xsd:anyType"/>' for root in IN)
    file = tmp_path / "loose.xsd"
    file.write_text(f'<xsd:schema xmlns:xsd="http://www.w3.org/2001/XMLSchema" targetNamespace="{NAMESPACES[0]}">'
                    f"{elements}</xsd:schema>", encoding="utf-8")  # fmt: skip
    judge = Judge(SapOrdersConfig(), Checker(file), {})
    whole = wanted()
    subjects = [None, {}, *({name: value for name, value in whole.items() if name != lacks} for lacks in whole), whole]
    said = {
        ORDERS: ["INCOMPLETE", "INCOMPLETE", "INCOMPLETE", "UNKNOWN_REASON", "DATE_UNUSABLE", "INCOMPLETE", ""],
        CANCELLATIONS: ["INCOMPLETE", "INCOMPLETE", "INCOMPLETE", "", "", "", ""],
        DEVICES: ["INCOMPLETE", "UNKNOWN_DEVICE"] + ["UNKNOWN_DEVICE"] * 5,
        REGISTERS: ["INCOMPLETE", "UNKNOWN_DEVICE"] + ["UNKNOWN_DEVICE"] * 5,
    }
    for service, codes in said.items():
        parts = [
            element(service.message, {"MessageHeader": {"CreationDateTime": stamp(NOW)}, service.subject: subject})
            for subject in subjects
        ]
        judged = judge.judged(bulk(service.root, {"CreationDateTime": stamp(NOW)}, parts), devices(), NOW)
        assert ["".join(found) for found in types(judged.answer, service)] == codes
        assert len(judged.records) == (codes.count("") if service in (ORDERS, CANCELLATIONS) else 0)
    unanswered = element(ASSIGNED.message, {"MessageHeader": {"CreationDateTime": stamp(NOW)}})
    judged = judge.judged(bulk(ASSIGNED.root, {"CreationDateTime": stamp(NOW)}, [unanswered]), devices(), NOW)
    assert [code for code, _ in judged.unsaid] == ["INCOMPLETE"]


def test_an_order_of_an_exchange_within_the_day_is_one_of_that_moment() -> None:
    noon = MONTH_END + DAY // 2
    # Device 1 leaves point 1 at noon for point 2, and device 9 comes in its place.
    known = registry([(DEVICE + 1, 1, 0, noon), (DEVICE + 9, 1, noon, int(FOREVER)),
                      (DEVICE + 1, 2, noon + 3_600, int(FOREVER))])  # fmt: skip
    said = (
        ("12", 1, 1, noon), ("22", 1, 1, noon), ("01", 1, 1, MONTH_END), ("03", 1, 1, MONTH_END),
        ("08", 9, 1, noon), ("21", 9, 1, noon), ("06", 9, 1, noon), ("24", 9, 1, noon),
        ("08", 1, 2, noon + 3_600), ("06", 1, 1, MONTH_END),
    )  # fmt: skip
    asked = [wanted(str(number), device, reason=reason) for number, (reason, device, _, _) in enumerate(said)]
    judged = Judge(SapOrdersConfig(), Checker(), {}).judged(message(ORDERS, *asked), known, NOW)
    found = [(record["reason"], record["service_point"], record["time"]) for record in judged.records]
    assert found == [(reason, point, time) for reason, _, point, time in said]
    refused = [wanted("1", 9, reason="01"), wanted("2", 9, reason="08", date="2026-01-31"),
               wanted("3", 9, reason="12"), wanted("4", 77, reason="08")]  # fmt: skip
    judged = Judge(SapOrdersConfig(), Checker(), {}).judged(message(ORDERS, *refused), known, NOW)
    assert (judged.records, judged.refused) == ((), 4)


async def test_an_order_that_cannot_be_taken_is_refused_by_itself() -> None:
    topic = Topic()
    subjects = (
        wanted(),
        wanted("2", 99),
        wanted("3", obis="1-0:3.8.0"),
        wanted("4", reason="99"),
        wanted("5", obis=None),
    )
    async with served(topic) as (url, endpoint):
        _, answer = await posted(url, message(ORDERS, *subjects))
    expected = [[], ["UNKNOWN_DEVICE"], ["UNKNOWN_REGISTER"], ["UNKNOWN_REASON"], ["UNKNOWN_REGISTER"]]
    assert types(answer, ORDERS) == expected
    assert [key for key, _ in topic.values] == [b"1001"]
    assert endpoint.counts.refused == 4


async def test_while_kafka_is_away_the_sender_is_told_to_come_again() -> None:
    topic = Topic(away=True)
    async with served(topic) as (url, _):
        status, _ = await posted(url, message(ORDERS, wanted()))
        assert status == 503
        topic.away = False
        assert (await posted(url, message(ORDERS, wanted())))[0] == 200
    assert len(topic.values) == 1


async def test_who_has_no_password_is_not_let_in() -> None:
    topic = Topic()
    async with served(topic, user="sap", password="secret") as (url, _):
        assert (await posted(url, message(ORDERS, wanted())))[0] == 401
        right = {"Authorization": f"Basic {base64.b64encode(b'sap:secret').decode()}"}
        assert (await posted(url, message(ORDERS, wanted()), headers=right))[0] == 200
    assert len(topic.values) == 1


async def test_a_request_that_is_too_long_is_refused() -> None:
    topic = Topic()
    async with served(topic, request_bytes=1024) as (url, _):
        assert (await posted(url, message(ORDERS, *(wanted() for _ in range(9)))))[0] == 413
    assert topic.values == []


BOMB = "".join(f'<!ENTITY e{level} "{f"&e{level - 1};" * 10}">' for level in range(1, 10))


@pytest.mark.parametrize(
    "octets",
    [
        b"", b"no xml", b"<a>", b"<unknown/>",
        b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]><a>&x;</a>',
        b'<!DOCTYPE a SYSTEM "http://127.0.0.1:1/a.dtd"><a/>',
        f'<!DOCTYPE a [<!ENTITY e0 "xxxxxxxxxx">{BOMB}]><a>&e9;</a>'.encode(),
        f'<!DOCTYPE a [<!ENTITY e0 "xxxxxxxxxx">{BOMB}]><a b="&e9;"/>'.encode(),
        '<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>'.encode("utf-16"),
        b"<a>" * 100_000,
        message(ORDERS, {**wanted(), "Surprise": "1"}),
        message(ORDERS, {"ID": "1"}),
    ],
    ids=range(12),
)  # fmt: skip
def test_what_is_no_message_is_a_fault_and_opens_nothing(octets: bytes) -> None:
    judge = Judge(SapOrdersConfig(), Checker(), {})
    judged = judge.judged(octets, devices(), NOW)
    assert judged.records == ()
    assert judged.status in (400, 500)
    assert name_of(body_of(parsed(judged.answer))) == "Fault"
    assert b"root:" not in judged.answer


async def test_confirmations_of_our_messages_are_written_and_not_confirmed() -> None:
    topic = Topic()
    octets = confirmation(
        RESULTS, {"CreationDateTime": stamp(NOW)}, [(f"{UUID}1", []), (f"{UUID}2", [("A", "x"), ("B", "y")])], NOW
    )
    async with served(topic) as (url, _):
        assert await posted(url, enveloped(octets)) == (202, b"")
    said = [
        (key.decode(), record["event"], record["message"], record["code"], record["note"])
        for key, record in topic.values
    ]
    assert said == [
        (f"{UUID}1", "ACCEPTED", f"{UUID}1", "", ""), (f"{UUID}2", "REFUSED", f"{UUID}2", "A B", "A: x; B: y"),
    ]  # fmt: skip
