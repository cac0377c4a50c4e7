"""`kvarn readiness` over a warehouse: who is counted, what is known of them, and what it says."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from agents.readiness.config import ReadinessConfig
from cli.main import main
from cli.readiness.app import gate
from schemas.load import load_contracts
from sinks.clickhouse.config import ClickHouseConfig
from sinks.clickhouse.reader import open_here
from sinks.clickhouse.sink import ClickHouseSink
from tests.builders_readings import MIDNIGHT, plain_record, readings_record

DAY, DAYS = 86_400, 31
END = MIDNIGHT + DAYS * DAY
ZONE = "Asia/Kolkata"
ROOT = Path(__file__).parents[3]
REGISTER = {"channel": "wh_imp", "opening": 1, "closing": 2, "source": "REGISTERS"}


def determinant(sink: ClickHouseSink, point: int, **values: Any) -> None:
    whole = {
        "account": 100 + point, "service_point": point, "period_start": MIDNIGHT, "period_end": END, "kind": "MONTH",
        "revision": 9, "state": "FINAL", "registers": [REGISTER], "intervals_expected": 1488,
        "intervals_estimated": 0, "intervals_missing": 0, "intervals_suspect": 0, "total_paise": 1000 * point,
        "tariff": "domestic",
    } | values  # fmt: skip
    sink.accept(plain_record("Determinant", 10 + point, **whole))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    sink = ClickHouseSink(ClickHouseConfig(dsn=f"chdb://{tmp_path}/warehouse"))
    sink.open()
    names = ["service_point", "valid_from", "valid_to", "account", "tariff", "role", "net_meter", "sanctioned_w", "dt",
             "feeder", "registry"]  # fmt: skip
    rows = [
        f"({point}, {MIDNIGHT - 9 * DAY}, {END + 9 * DAY}, {account}, 1, 'CONSUMER', false, 1000, 4, 5, 1)"
        for point, account in ((1, 101), (2, 102), (3, 103), (4, 104), (9, 0))
    ]
    sink.client.command(f"INSERT INTO service_points ({', '.join(names)}) VALUES {', '.join(rows)}")
    at = datetime.fromtimestamp(END + 6 * DAY, UTC)
    sink.client.insert(
        "log_times",
        [["frames-1", 0, 5, at, 3600]],
        column_names=["origin_topic", "origin_partition", "origin_offset", "time", "lateness_secs"],
    )
    for day in range(DAYS):
        sink.accept(readings_record(day + 1, 1, days=4, start=MIDNIGHT + day * DAY, position=day))
    determinant(sink, 1)
    determinant(sink, 2, intervals_estimated=700, registers=[{**REGISTER, "opening": None}])
    determinant(sink, 3)
    determinant(sink, 50, account=777)  # no longer in the registry
    opened = {"severity": "ERROR", "state": "OPEN", "period_start": MIDNIGHT + DAY, "period_end": MIDNIGHT + 2 * DAY}
    sink.accept(plain_record("ReadingException", 70, service_point=3, rule="V04", **opened))
    sink.accept(plain_record("ReadingException", 71, service_point=1, rule="V04", **opened | {"severity": "WARNING"}))
    sink.flush()
    sink.close()
    return tmp_path / "warehouse"


def test_a_cycle_is_judged_by_what_the_warehouse_has(folder: Path) -> None:
    reader = open_here(ClickHouseConfig(dsn=f"chdb://{folder}"))
    try:
        found, changed, cycle, at = gate(reader, ReadinessConfig(), "2026-01", None, ZONE)
    finally:
        reader.close()
    assert (cycle.start, cycle.end, cycle.days, at) == (MIDNIGHT, END, DAYS, END + 6 * DAY)
    said = {one.figures.service_point: (one.state, [(r.code, r.found) for r in one.reasons]) for one in found}
    assert said == {
        1: ("READY", []),
        2: ("BLOCKED", [("ESTIMATED_SHARE", 471), ("REGISTERS_MISSING", 1)]),
        3: ("BLOCKED", [("EXCEPTIONS_OPEN", 1)]),
        4: ("BLOCKED", [("NO_DETERMINANT", 1)]),
        50: ("BLOCKED", [("DAYS_NOT_SETTLED", DAYS)]),
    }
    assert [record["account"] for record in changed] == [101, 102, 103, 104, 777]


def test_what_was_said_before_is_not_said_again(folder: Path) -> None:
    config = ClickHouseConfig(dsn=f"chdb://{folder}")
    reader = open_here(config)
    _, changed, _, _ = gate(reader, ReadinessConfig(), "2026-01", None, ZONE)
    reader.close()
    sink = ClickHouseSink(config)
    sink.open()
    for place, record in enumerate(changed):
        sink.accept(plain_record("Readiness", place, **record))
    sink.flush()
    sink.close()
    reader = open_here(config)
    try:
        assert gate(reader, ReadinessConfig(), "2026-01", None, ZONE)[1] == []
        lenient = ReadinessConfig.model_validate({"default": {"estimated_permille": 500, "registers_missing": 2}})
        (later,) = gate(reader, lenient, "2026-01", None, ZONE)[1]
    finally:
        reader.close()
    assert (later["revision"], later["state"], later["account"]) == (2, "READY", 102)


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["readiness", *arguments])
    return int(ended.value.code or 0)


def test_the_command_lists_the_blocked_ones_with_the_money(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--dsn", f"chdb://{folder}", "--cycle", "2026-01", "--state", "blocked"]
    assert run(*arguments, "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert said["states"]["READY"] == {"consumers": 1, "paise_at_stake": 1000}
    assert [row["service_point"] for row in said["rows"]] == [50, 3, 2, 4]
    assert run(*arguments) == 0
    assert "EXCEPTIONS_OPEN" in capsys.readouterr().out
    assert run(*arguments[:3], "2026-13") == 2


def test_what_has_changed_is_written_to_the_topic_of_its_schema(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    contracts, written = load_contracts(), []

    def write(_bootstrap: str, topic: str, values: list[tuple[bytes, bytes]], _told: object) -> list[tuple[int, int]]:
        assert topic == "readiness"
        written.extend((int.from_bytes(key, "big"), contracts.decode(raw, "Readiness")) for key, raw in values)
        return [(0, place) for place in range(len(values))]

    monkeypatch.setattr("connectors.edits.topic.write_values", write)
    monkeypatch.setattr("cli.deployment.prepare", lambda _plan: contracts)
    arguments = ["--dsn", f"chdb://{folder}", "--cycle", "2026-01", "--emit", "--json", "--file"]
    assert run(*arguments, str(ROOT / "examples" / "prepaid.yaml")) == 0
    assert json.loads(capsys.readouterr().out)["written"] == 5
    assert [(key, record["state"], record["revision"]) for key, record in written] == [
        (101, "READY", 1), (102, "BLOCKED", 1), (103, "BLOCKED", 1), (104, "BLOCKED", 1), (777, "BLOCKED", 1),
    ]  # fmt: skip
    assert run(*arguments, str(ROOT / "topologies.yaml")) == 2, "it has no such topic"
