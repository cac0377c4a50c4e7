"""The figures of hygiene of fleets whose faults are known: every figure is what was planted."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import pytest

from cli.demo.embedded import EmbeddedDemo
from cli.main import main
from cli.topology import read_plan
from connectors.simulator import Fault, Frames, Simulation, SimulatorConfig, build_fleet
from pipeline.codes import Kind
from pipeline.localtime import DAY_SECS
from schemas.load import load_contracts
from sinks.clickhouse.config import ClickHouseConfig
from sinks.clickhouse.reader import open_here
from sinks.clickhouse.sink import ClickHouseSink
from tests.scenarios.world import ROOT

FAULTS = "none,missing=0.03,missing_daily=0.1,late=0.08,outage=0.5,stuck=0.2"
HOURS = (8, 24)

Ask = Callable[[str], list[dict[str, Any]]]


@dataclass
class Planted:
    """What was sent: by (day, point) the slot in which each interval came, and the points whose register came."""

    simulation: Simulation
    arrived: dict[tuple[int, int], dict[int, int]] = field(default_factory=lambda: defaultdict(dict))
    registers: dict[tuple[int, int], int] = field(default_factory=dict)
    counters: dict[tuple[int, int], list[tuple[int, bool]]] = field(default_factory=lambda: defaultdict(list))
    alerts: set[tuple[int, int]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.config = self.simulation.fleet.config
        self.points = self.simulation.fleet.points
        for slot in self.simulation.slots():
            self._slot(slot.number, slot.frames)

    def _slot(self, number: int, frames: Frames) -> None:
        day_slots = self.config.slots_per_day
        for row in range(len(frames)):
            point, interval, kind = int(frames.point[row]), int(frames.interval[row]), int(frames.kind[row])
            if kind == Kind.BLOCK:
                day = (interval - 1) // day_slots
                self.arrived[day, point].setdefault(interval, number)
                self.counters[day, point].append((int(frames.counter[row]), True))
            elif kind == Kind.DAILY and interval:
                self.registers.setdefault((interval - 1, point), number)
            elif kind == Kind.ALERT and frames.fault[row] == Fault.OUTAGE:
                self.alerts.add((point, number))
            if kind != Kind.BLOCK:
                day = (int(frames.stamp[row]) - self.config.start_time) // DAY_SECS
                self.counters[day, point].append((int(frames.counter[row]), False))

    def off(self, point: int) -> set[int]:
        """Intervals of a confirmed outage: both alerts came."""
        spells, dt = self.simulation.fleet.spells, int(self.points.dt[point])
        if dt < 0:
            return set()
        first, behind = int(spells.dark_from[dt]), int(spells.dark_to[dt])
        both = {(point, first - 1), (point, behind - 1)} <= self.alerts
        return set(range(first, behind)) if both else set()

    def expected(self, day: int, point: int) -> set[int]:
        """Intervals that are expected."""
        slots = self.config.slots_per_day
        return set(range(day * slots + 1, (day + 1) * slots + 1)) - self.off(point)

    def by(self, day: int, point: int, hours: int) -> int:
        """Expected intervals that were there so many hours after the day."""
        until = (day + 1) * self.config.slots_per_day + hours * 3600 // self.config.interval_secs
        mine = self.arrived[day, point]
        return sum(interval in mine and mine[interval] <= until for interval in self.expected(day, point))

    def day_of(self, day: int) -> str:
        """The local day's date."""
        return str(self.config.start + timedelta(days=day))


@pytest.fixture(scope="module")
def planted() -> Planted:
    config = SimulatorConfig.model_validate(
        {"meters": 30, "days": 2, "seed": 5, "faults": FAULTS, "shares": {"udp": 0.0, "opening": 0.0},
         "network": {"consumers_per_dt": 6, "dts_per_feeder": 3}}
    )  # fmt: skip
    return Planted(Simulation(build_fleet(config)))


@pytest.fixture(scope="module")
def warehouse(planted: Planted, tmp_path_factory: pytest.TempPathFactory) -> ClickHouseConfig:
    folder = tmp_path_factory.mktemp("hygiene")
    text = (ROOT / "topologies.yaml").read_text(encoding="utf-8").replace("partitions: 12", "partitions: 2")
    file = folder / "topologies.yaml"
    file.write_text(text, encoding="utf-8")
    config = ClickHouseConfig(dsn=f"chdb://{folder / 'warehouse'}")
    sink = ClickHouseSink(config)
    sink.open()
    run = EmbeddedDemo(read_plan(file), planted.simulation, load_contracts(), sink, run="hygiene", seen=lambda _: None)
    run.go(lambda *_: None)
    sink.close()
    return config


@pytest.fixture(scope="module")
def ask(warehouse: ClickHouseConfig) -> Iterator[Ask]:
    reader = open_here(warehouse)
    yield lambda statement: json.loads(reader.ask(statement, "JSON"))["data"]
    reader.close()


def test_every_expected_row_is_counted_and_none_that_a_confirmed_outage_excuses(ask: Ask, planted: Planted) -> None:
    rows = ask("SELECT day, service_point, expected, in_outage, received FROM timeliness")
    have = {(row["day"], int(row["service_point"])): row for row in rows}
    excused = 0
    for day in range(2):
        for point, name in enumerate(planted.points.id.tolist()):
            row = have[planted.day_of(day), name]
            wanted = planted.expected(day, point)
            assert int(row["expected"]) == len(wanted)
            assert int(row["received"]) == len(wanted & planted.arrived[day, point].keys())
            excused += int(row["in_outage"])
    assert excused == sum(len(planted.off(point)) for point in range(len(planted.points))) > 0
    assert len(have) == 2 * len(planted.points)


@pytest.mark.parametrize("hours", HOURS)
@pytest.mark.parametrize("day", [0, 1])
def test_shares_of_rows_and_meters_by_the_hours_of_the_sla_are_the_planted_ones(
    ask: Ask, planted: Planted, day: int, hours: int
) -> None:
    (row,) = ask(f"SELECT * FROM sla_days WHERE level = 'TOTAL' AND day = '{planted.day_of(day)}' AND hours = {hours}")
    points = range(len(planted.points))
    expected = {point: len(planted.expected(day, point)) for point in points}
    by = {point: planted.by(day, point, hours) for point in points}
    whole = sum(by[point] == expected[point] for point in points if expected[point])
    assert (int(row["meters"]), int(row["meters_by"])) == (len(points), whole)
    assert (int(row["rows_expected"]), int(row["rows_by"])) == (sum(expected.values()), sum(by.values()))
    assert float(row["meters_percent"]) == pytest.approx(100 * whole / len(points), abs=5e-4)
    assert int(row["kept"]) == (100 * whole >= {8: 95.0, 24: 99.9}[hours] * len(points))
    assert 0 < sum(by.values()) < sum(expected.values())


def test_late_rows_are_there_by_24_hours_and_not_by_8(ask: Ask) -> None:
    rows = ask("SELECT hours, sum(rows_by) AS n FROM sla_days WHERE level = 'TOTAL' GROUP BY hours ORDER BY hours")
    assert int(rows[0]["n"]) < int(rows[1]["n"])


def test_transformers_and_feeders_add_up_to_the_total(ask: Ask, planted: Planted) -> None:
    rows = ask("SELECT level, sum(rows_expected) AS rows, uniqExact(node) AS nodes FROM sla_days GROUP BY level")
    found = {row["level"]: (int(row["rows"]), int(row["nodes"])) for row in rows}
    assert found["FEEDER"][0] == found["TOTAL"][0]
    network = planted.simulation.fleet.network
    assert (found["DT"][1], found["FEEDER"][1]) == (len(network.dt_node), len(network.feeder_node))


def test_registers_at_the_day_s_end_are_counted(ask: Ask, planted: Planted) -> None:
    rows = ask("SELECT day, registers_expected, registers_by FROM sla_days WHERE level = 'TOTAL' AND hours = 24")
    for row in rows:
        day = (date.fromisoformat(row["day"]) - planted.config.start).days
        dark_at_end = sum((day + 1) * 48 in planted.off(point) for point in range(len(planted.points)))
        until = (day + 1) * 48 + 48
        came = [point for (of, point), slot in planted.registers.items() if of == day and slot <= until
                and (day + 1) * 48 not in planted.off(point)]  # fmt: skip
        assert int(row["registers_expected"]) == len(planted.points) - dark_at_end
        assert int(row["registers_by"]) == len(came)


def test_counters_that_no_frame_had_are_the_pushes_that_were_never_sent(ask: Ask, planted: Planted) -> None:
    found = {(row["day"], int(row["service_point"])): row for row in ask("SELECT * FROM counter_days")}
    lost = 0
    for (day, point), counters in planted.counters.items():
        blocks = [counter for counter, block in counters if block]
        if not blocks or day not in (0, 1):
            continue
        inside = {counter for counter, _ in counters if min(blocks) <= counter <= max(blocks)}
        row = found[planted.day_of(day), int(planted.points.id[point])]
        assert (int(row["first_counter"]), int(row["last_counter"])) == (min(blocks), max(blocks))
        assert int(row["unused"]) == max(blocks) - min(blocks) + 1 - len(inside)
        lost += int(row["unused"])
    assert lost > 20


def test_energy_that_intervals_do_not_explain_is_that_of_the_missing_and_wrong_ones(ask: Ask, planted: Planted) -> None:
    truth = planted.simulation.truth()
    billed = truth.billed(truth.register_energy)[:, :, 0]
    rows = ask("SELECT * FROM unexplained")
    places = {int(name): place for place, name in enumerate(planted.points.id.tolist())}
    for row in rows:
        day = (date.fromisoformat(row["day"]) - planted.config.start).days
        point = places[int(row["service_point"])]
        assert int(row["register_wh"]) == int(billed[day, point])
        assert int(row["unexplained_wh"]) == 0  # substitutes are scaled to the registers
        assert int(row["not_metered_wh"]) == int(row["register_wh"]) - int(row["actual_wh"])
        if len(planted.arrived[day, point]) == 48 and planted.simulation.fleet.spells.stuck_from[point] > 96:
            assert int(row["not_metered_wh"]) == 0
    (total,) = ask("SELECT sum(not_metered_wh) AS wh, sum(service_points) AS n FROM unexplained_nodes "
                   "WHERE level = 'TOTAL'")  # fmt: skip
    assert int(total["n"]) == len(rows) > 30
    assert int(total["wh"]) == sum(int(row["not_metered_wh"]) for row in rows) > 0


def test_a_filter_by_day_reaches_the_readings(ask: Ask, planted: Planted) -> None:
    """Else every question would read the whole table."""
    day = planted.day_of(1)
    plan = "\n".join(row["explain"] for row in ask(
        f"EXPLAIN indexes = 1 SELECT * FROM sla_days WHERE day = '{day}' AND level = 'TOTAL'"))  # fmt: skip
    for table, column in (("readings", "interval_start"), ("days", "day_start")):
        reads = plan.split(f"ReadFromMergeTree (kvarn.{table})")[1:]
        assert reads
        for read in reads:
            assert f"Condition: (toDate({column}, 'Asia/Kolkata') in" in read.split("ReadFromMergeTree")[0]


def hygiene(*arguments: str) -> None:
    with pytest.raises(SystemExit) as end:
        main(["hygiene", *arguments])
    assert not end.value.code


def test_the_command_prints_the_same_figures(
    ask: Ask, planted: Planted, warehouse: ClickHouseConfig, capfd: pytest.CaptureFixture[str]
) -> None:
    hygiene("--dsn", warehouse.dsn, "--day", planted.day_of(0), "--by", "point", "--most", "3", "--json")
    said = json.loads(capfd.readouterr().out)
    rows = ask(f"SELECT hours, meters_by FROM sla_days WHERE level = 'TOTAL' AND day = '{planted.day_of(0)}'")
    assert {row["hours"]: row["meters_by"] for row in said["sla"]} == {
        int(row["hours"]): int(row["meters_by"]) for row in rows
    }
    lacking = [
        len(planted.expected(0, point) - planted.arrived[0, point].keys()) for point in range(len(planted.points))
    ]
    assert [row["expected"] - row["received"] for row in said["point"]] == sorted(lacking, reverse=True)[:3]
    hygiene("--dsn", warehouse.dsn)
    shown = capfd.readouterr().out
    assert shown.splitlines()[0] == planted.day_of(1)
    assert "missed" in shown


def test_a_day_that_is_not_there_is_said(warehouse: ClickHouseConfig, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["hygiene", "--dsn", warehouse.dsn, "--day", "1999-01-01"])
    assert end.value.code == 2
    assert "NO_SUCH_DAY" in capfd.readouterr().err
