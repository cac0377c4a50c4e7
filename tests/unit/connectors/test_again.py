"""Rejected frames that flow on by themselves, when other keys or another registry are in force."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from confluent_kafka import KafkaError

from cli.in_force import same
from connectors.gather.config import GatherOptions
from connectors.gather.pump import Pump
from connectors.parked.again import Again, InForce, worth
from pipeline.errors import Transient
from pipeline.keystore import key_ring
from pipeline.reference import FOREVER, KeyRing, Registry
from pipeline.runtime import kafka_from_start
from schemas.load import load_contracts
from tests.unit.connectors.parked_log import ParkedLog
from tests.unit.connectors.test_gather import TITLE, registry
from tests.unit.connectors.test_gather_readings import frame as reading_frame
from tests.unit.connectors.test_kept import KNOWN, frame, reject
from tests.unit.connectors.test_push import MemoryOutlet


def keys(**by_number: int) -> KeyRing:
    """Keys of devices d1, d2, ...: 16 octets of a number each."""
    device = np.array([TITLE + int(name[1:]) for name in by_number], np.uint64)
    octets = np.repeat(np.array(list(by_number.values()), np.uint8)[:, np.newaxis], 16, axis=1)
    return key_ring(device, octets, octets)


def in_force(ring: KeyRing | None = None, links: Registry = KNOWN, name: str = "1") -> InForce:
    return InForce({"keys": name}, links, ring if ring is not None else keys())


BEFORE = in_force(keys(d1=1, d2=2))
LINKED = registry([(TITLE + 1, 1, 0, 500), (TITLE + 1, 9, 500, int(FOREVER)), (TITLE + 2, 2, 0, int(FOREVER))])
OTHER_MODEL = replace(KNOWN, template=KNOWN.template + np.uint16(1))


@pytest.mark.parametrize(
    ("code", "number", "before", "now", "expected"),
    [
        ("KEY_UNKNOWN", 3, BEFORE, in_force(keys(d3=3)), True),
        ("KEY_UNKNOWN", 3, BEFORE, in_force(keys(d1=7)), False),
        ("KEY_UNKNOWN", 1, None, in_force(keys(d1=1)), True),
        ("KEY_UNKNOWN", 1, None, in_force(), False),
        ("DECRYPT_FAILED", 1, BEFORE, in_force(keys(d1=7)), True),
        ("DECRYPT_FAILED", 1, BEFORE, in_force(keys(d1=1, d2=9)), False),
        ("DECRYPT_FAILED", 1, BEFORE, in_force(), False),
        ("DECRYPT_FAILED", 1, None, in_force(keys(d1=1)), False),
        ("NOT_LINKED", 1, BEFORE, in_force(links=LINKED), True),
        ("NOT_LINKED", 2, in_force(links=LINKED), in_force(links=LINKED), False),
        ("NOT_LINKED", 1, None, in_force(links=LINKED), False),
        ("NOT_LINKED", 99, BEFORE, in_force(links=LINKED), False),
        ("TEMPLATE_UNKNOWN", 1, BEFORE, in_force(links=OTHER_MODEL), True),
        ("DATA_MALFORMED", 1, BEFORE, in_force(keys(d1=7), OTHER_MODEL), False),
        ("COUNTER_REPLAYED", 1, BEFORE, in_force(keys(d1=7), OTHER_MODEL), False),
    ],
)
def test_a_reject_is_worth_a_try_when_what_it_waits_for_has_changed_for_its_device(
    code: str, number: int, before: InForce | None, now: InForce, expected: bool
) -> None:
    assert worth(reject(number, code), before, now) is expected


def test_partitions_must_agree_on_what_is_in_force() -> None:
    one, other = {"keys": "a", "registry": "b"}, {"keys": "c", "registry": "b"}
    assert same([one, dict(one)]) == one
    for found in ([one, other], [one, None], [None, None], [], [{}, {}]):
        assert same(found) is None


class Case:
    """A topic of rejects, what is in force, and what was offered."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, decoded: bool = False) -> None:
        self.log, self.outlet, self.stop = ParkedLog(), MemoryOutlet(), asyncio.Event()
        self.now: InForce | None = None
        monkeypatch.setattr(kafka_from_start, "Consumer", self.log.consumer)
        self.pump = Pump(KNOWN, 4, self.outlet, GatherOptions(), lambda: 9_999, decoded=decoded)
        self.again = Again("nowhere:1", "rejects", load_contracts(), self.pump, self.asked)

    def asked(self, known: Mapping[str, str]) -> InForce | None:
        return None if self.now is None or dict(self.now.versions) == dict(known) else self.now

    def refuse(self, number: int, code: str = "KEY_UNKNOWN", **other: Any) -> None:
        record = dict(reject(number, code, offset=len(self.log.records[0]), **other).record)
        self.log.records[0].append(load_contracts().encode("Reject", record))

    async def look(self) -> list[bytes]:
        before = len(self.outlet.frames)
        await self.again.look(self.stop)
        self.pump.cut()
        return sorted(self.outlet.frames[before:])


@pytest.fixture
def case(monkeypatch: pytest.MonkeyPatch) -> Case:
    return Case(monkeypatch)


async def test_frames_flow_on_when_their_key_is_in_force_and_once(case: Case) -> None:
    for number in (1, 2, 3):
        case.refuse(number)
    case.refuse(4, "DATA_MALFORMED")
    assert await case.look() == []
    case.now = in_force(keys(d1=1))
    assert await case.look() == [frame(1)]
    assert await case.look() == []
    case.now = in_force(keys(d1=1, d3=1), name="2")
    assert await case.look() == [frame(3)]
    assert case.log.open == 0


async def test_what_fails_again_waits_for_another_change_and_is_given_up_in_the_end(case: Case) -> None:
    case.refuse(1, "DECRYPT_FAILED")
    case.now = in_force(keys(d1=1))
    assert await case.look() == []
    for times in range(1, 8):
        case.now = in_force(keys(d1=1 + times), name=str(1 + times))
        assert await case.look() == ([frame(1)] if times <= 5 else [])
        case.refuse(1, "DECRYPT_FAILED", times=min(times, 5))
        assert await case.look() == []


async def test_after_an_error_the_change_is_looked_at_anew(case: Case) -> None:
    case.refuse(1)
    case.now = in_force(keys(d1=1))
    case.log.errors = [KafkaError(KafkaError._ALL_BROKERS_DOWN)]
    case.log.away = True
    with pytest.raises(Transient, match="PARKED_UNREADABLE"):
        await case.look()
    case.log.away, case.log.errors = False, []
    assert await case.look() == [frame(1)]


async def test_it_ends_when_it_is_told_to_though_nothing_answers(case: Case) -> None:
    case.now = in_force(keys(d1=1))
    case.log.away = True
    watching = asyncio.ensure_future(case.again.watch(0.01, case.stop))
    await asyncio.sleep(0.05)
    assert not watching.done()
    case.stop.set()
    await asyncio.wait_for(watching, 5)


async def test_readings_of_a_head_end_flow_on_and_what_a_connector_took_for_forged_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    case = Case(monkeypatch, decoded=True)
    readings, forged = reading_frame(1_751_351_400, device=TITLE + 1), reading_frame(1_751_353_200, device=TITLE + 1)
    case.now = in_force(links=KNOWN)
    assert await case.look() == []
    case.refuse(1, "NOT_LINKED", raw=readings)
    case.refuse(1, "DEVICE_UNKNOWN", stage="connector", frame=-1, raw=forged)
    case.now = in_force(links=LINKED, name="2")
    assert await case.look() == [readings]
    assert not worth(reject(1, "DEVICE_UNKNOWN", stage="connector", frame=-1, raw=forged), BEFORE, case.now)
