"""Facts in the warehouse: every kind comes back, and the view has the newest revision, whatever part of it changed."""

from __future__ import annotations

from typing import Any

from schemas.load import load_contracts
from sinks.clickhouse.sink import ClickHouseSink
from sinks.read import read_record

CONTRACTS = load_contracts()
T0 = 1_751_351_400


def fact(**others: Any) -> dict[str, Any]:
    return {"id": "o", "kind": "OUTAGE", "revision": 1, "service_point": 7, "node": 0, "place": "", "from_time": T0,
            "until_time": None, "confirmed": True, "temperature": None, "channel": "", "energy": None,
            "neighbours": [], "source": "OMS", "who": "", "why": "", "said_at": T0, **others}  # fmt: skip


def test_facts_come_back_and_the_newest_revision_holds(warehouse: ClickHouseSink) -> None:
    facts = [
        fact(), fact(revision=2, from_time=T0 + 40 * 86_400, until_time=T0 + 41 * 86_400),
        fact(id="t", kind="TEMPERATURE", service_point=0, place="Pune", temperature=-31),
        fact(id="c", kind="CHECK", channel="wh_imp", energy=-5),
        fact(id="n", kind="NEIGHBOURS", neighbours=[{"service_point": 8}, {"service_point": 9}]),
    ]  # fmt: skip
    for place, record in enumerate(facts):
        warehouse.accept(read_record(CONTRACTS, "Fact", "facts", 0, place, CONTRACTS.encode("Fact", record)))
    warehouse.flush()
    rows = warehouse.client.query(
        "SELECT id, revision, toUnixTimestamp(from_time), toUnixTimestamp(until_time), place, temperature, energy, "
        "arrayMap(one -> one.1, neighbours) FROM facts_latest ORDER BY id"
    ).result_rows
    assert [tuple(row) for row in rows] == [
        ("c", 1, T0, None, "", None, -5, []), ("n", 1, T0, None, "", None, None, [8, 9]),
        ("o", 2, T0 + 40 * 86_400, T0 + 41 * 86_400, "", None, None, []), ("t", 1, T0, None, "Pune", -31, None, []),
    ]  # fmt: skip
