"""The connector of facts, its topic in memory: statements in order, committed behind what Kafka has, harmless again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest

from connectors.facts import connector as module
from connectors.facts.checks import check_statement
from connectors.facts.config import FactsConfig
from connectors.facts.connector import run
from connectors.gather.config import GatherOptions
from connectors.gather.pump import Pump
from pipeline.reference import FOREVER, Registry
from pipeline.statement_frames import StatementFrame, read_statement_frame
from schemas.load import load_contracts
from tests.unit.connectors.facts.test_outages import DT, T0, fact, network, node
from tests.unit.connectors.test_gather import TITLE
from tests.unit.connectors.test_push import MemoryOutlet, until

CONTRACTS = load_contracts()


def metered() -> Registry:
    """The network with a meter at 7, 8 and 9; none at 10."""
    made = network()
    points = [7, 8, 9]
    for column in Registry.COLUMNS:
        if column.section == "link":
            setattr(made, column.name, column.empty(len(points)))
    made.device[:] = [TITLE + point for point in points]
    made.service_point[:] = points
    made.valid_to[:] = int(FOREVER)
    return made


class MemoryTopic:
    """Facts, and what was committed."""

    def __init__(self, committed: int = 0) -> None:
        self.committed, self.commits = committed, committed
        self.values: list[bytes] = []
        self._place = 0

    def write(self, *records: dict[str, Any]) -> None:
        full = {"place": "", "temperature": None, "channel": "", "energy": None, "neighbours": []}
        self.values += [CONTRACTS.encode("Fact", {**full, **record}) for record in records]

    def begin(self) -> None:
        self._place = 0

    def read(self) -> list[tuple[int, bytes]]:
        found = list(enumerate(self.values))[self._place :]
        self._place = len(self.values)
        return found

    def commit(self, offset: int) -> None:
        assert offset >= self.commits
        self.commits = offset

    def close(self) -> None:
        pass


@asynccontextmanager
async def running(
    topic: MemoryTopic, outlet: MemoryOutlet, counts: dict[str, Any] | None = None, config: FactsConfig | None = None
) -> AsyncIterator[Pump]:
    pump = Pump(metered(), 4, outlet, GatherOptions(batch_age_ms=1), lambda: T0, stated=True)
    stop, pumping_stop = asyncio.Event(), asyncio.Event()
    pumping = asyncio.ensure_future(pump.run(pumping_stop))
    told = {} if counts is None else counts

    def tell(ask: Any) -> None:
        told["ask"] = ask

    task = asyncio.ensure_future(run(config or FactsConfig(), topic, CONTRACTS, pump, stop, tell))
    try:
        yield pump
    finally:
        outlet.hold = False
        stop.set()
        await task
        pumping_stop.set()
        await pumping


def statements(outlet: MemoryOutlet) -> list[StatementFrame]:
    return sorted((read_statement_frame(raw) for raw in outlet.frames), key=lambda one: (one.number, one.service_point))


def test_outages_become_statements_and_other_facts_do_not() -> None:
    async def scenario() -> None:
        topic, outlet = MemoryTopic(), MemoryOutlet()
        told: dict[str, Any] = {}
        topic.write(fact(kind="TEMPERATURE"), node(DT, until_time=None), fact("p", service_point=10), fact("q"))
        # Octets that are nothing, and those of a fact that end too early.
        topic.values[2:2] = [b"no fact", topic.values[0][:-1], topic.values[0][:6]]
        async with running(topic, outlet, told):
            await until(lambda: topic.commits == 7)
            counts = told["ask"]()
        found = [(one.number, one.service_point, int(one.rows["secs"][0])) for one in statements(outlet)]
        # 7 is at the DT too, whose outage of the same begin goes on.
        assert found == [(2, 7, 259_200), (2, 8, 259_200), (7, 7, 259_200)]
        assert counts == {"facts": 7, "outages": 3, "checks": 0, "checks_unused": 0, "statements": 3,
                          "points_unknown": 1, "nodes_unknown": 0, "facts_refused": 3}  # fmt: skip

    asyncio.run(scenario())


def test_nothing_is_committed_before_kafka_has_the_statements() -> None:
    async def scenario() -> None:
        topic, outlet = MemoryTopic(), MemoryOutlet()
        outlet.hold = True
        topic.write(fact("a"), fact("b", service_point=8))
        async with running(topic, outlet):
            await until(lambda: len(outlet.frames) == 2)
            await asyncio.sleep(0.6)
            assert topic.commits == 0
        assert topic.commits == 2

    asyncio.run(scenario())


def test_a_process_that_comes_later_says_only_what_was_not_handed_on_and_knows_what_was() -> None:
    async def scenario() -> None:
        topic, outlet = MemoryTopic(committed=1), MemoryOutlet()
        topic.write(fact(until_time=None), fact(revision=2, from_time=T0 + 600))
        async with running(topic, outlet):
            await until(lambda: topic.commits == 2)
        found = [(one.number, int(one.rows["start"][0]), int(one.rows["secs"][0])) for one in statements(outlet)]
        assert sorted(found) == [(2, T0, 0), (2, T0 + 600, 3000)]

    asyncio.run(scenario())


def test_a_feeder_of_many_is_told_in_portions(monkeypatch: Any) -> None:
    monkeypatch.setattr(module, "PORTION", 2)

    async def scenario() -> None:
        topic, outlet = MemoryTopic(), MemoryOutlet()
        topic.write(node(100))
        async with running(topic, outlet) as pump:
            await until(lambda: topic.commits == 1)
            assert pump.counts.received == 3
        assert np.unique([one.service_point for one in statements(outlet)]).tolist() == [7, 8, 9]

    asyncio.run(scenario())


MIDNIGHT = T0 - (T0 + 19_800) % 86_400


def check(id: str, begin: int, **others: Any) -> dict[str, Any]:
    """What a check meter measured in half an hour."""
    return fact(id, **{"kind": "CHECK", "from_time": begin, "until_time": begin + 1800, "channel": "wh_imp",
                       "energy": 450, "revision": 3, **others})  # fmt: skip


def test_a_check_meter_is_told_to_its_service_point_with_the_revision_as_number() -> None:
    async def scenario() -> None:
        topic, outlet = MemoryTopic(), MemoryOutlet()
        told: dict[str, Any] = {}
        topic.write(
            check("a", MIDNIGHT), check("b", MIDNIGHT, revision=4, confirmed=False), check("c", MIDNIGHT + 60),
            check("d", MIDNIGHT, channel="vah_imp"), check("e", MIDNIGHT + 85_500), check("f", MIDNIGHT, energy=None),
            check("g", MIDNIGHT, service_point=10), check("h", MIDNIGHT + 1800, service_point=8),
        )  # fmt: skip
        async with running(topic, outlet, told):
            await until(lambda: topic.commits == 8)
            counts = told["ask"]()
        rows = [(one, one.rows[0]) for one in statements(outlet)]
        found = {
            (one.kind.name, one.service_point, one.number, int(row["start"]) - MIDNIGHT, int(row["present"]),
             int(row["energy"][0]))
            for one, row in rows
        }  # fmt: skip
        assert found == {("CHECK", 7, 3, 0, 1, 450), ("CHECK", 7, 4, 0, 0, 0), ("CHECK", 8, 3, 1800, 1, 450)}
        assert len(outlet.frames) == 3
        assert (counts["checks"], counts["checks_unused"], counts["facts_refused"]) == (7, 3, 1)
        assert (counts["statements"], counts["points_unknown"]) == (3, 1)

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "wrong",
    [
        {"energy": None}, {"energy": 10**13}, {"revision": 0}, {"revision": 2**56}, {"service_point": 0},
        {"service_point": 2**56}, {"until_time": None}, {"until_time": MIDNIGHT}, {"from_time": 0},
    ],
)  # fmt: skip
def test_energy_of_a_check_meter_that_cannot_be_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        check_statement(check("a", MIDNIGHT, **wrong), 19_800)


def test_a_whole_local_day_is_told_at_once() -> None:
    made = check_statement(check("a", MIDNIGHT, until_time=MIDNIGHT + 86_400), 19_800)
    assert made is not None
    assert read_statement_frame(made.octets()).rows["secs"].tolist() == [86_400]
    assert check_statement(check("a", MIDNIGHT, until_time=MIDNIGHT + 86_400), 0) is None, "it is not that day there"


def test_check_meters_stay_in_the_warehouse_where_the_option_says_so() -> None:
    async def scenario() -> None:
        topic, outlet = MemoryTopic(), MemoryOutlet()
        topic.write(check("a", MIDNIGHT), fact("b"))
        async with running(topic, outlet, config=FactsConfig(checks=False)):
            await until(lambda: topic.commits == 2)
        assert [one.kind.name for one in statements(outlet)] == ["OUTAGE"]

    asyncio.run(scenario())
