"""Late frames and edits on the real Kafka, with parts killed: readings and bills end as they do in memory.

One log for both runs. In memory what people say is put into it by hand, and the cold lane answers in the end; on Kafka
the connectors of edits and of the lane do it, the sink fills a warehouse, a worker dies with requests just written, and
the lane dies with its answers written and nothing committed.
"""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from confluent_kafka import Producer

from agents.vee.config import VeeConfig
from cli.deployment import prepare
from cli.edits.ledger import Ledger
from cli.processes.children import Processes, wait_until
from cli.processes.lag import Lag
from cli.run import parts
from cli.testing import FrameDriver, topology_driver
from cli.topology import read_plan
from connectors.edits.topic import EditTopic
from connectors.simulator import Frames
from connectors.simulator.frames import joined
from pipeline.columns import Array
from pipeline.runtime.embedded import Appended
from pipeline.runtime.kafka_references import publish
from pipeline.runtime.kafka_topics import WantedTopic, ensure_topics
from pipeline.runtime.references import KEYS
from pipeline.statement_frames import ROW, Statement, StatementFrame
from pipeline.testing.driver import MASTER_KEY
from sinks.clickhouse.config import ClickHouseConfig
from sinks.clickhouse.reader import open_reader
from tests.integration.test_connectors import read_topic
from tests.integration.test_edits import ask
from tests.scenarios import rows, world
from tests.scenarios.cold import Lane
from tests.scenarios.test_cold import HISTORY
from tests.scenarios.world import Feed
from tests.unit.connectors.edits_log import CONTRACTS, interval, record

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

METERS, DAYS, SLOTS = 50, 6, 48
TOGETHER = 6
"""Slots of which all frames come together, and one tick."""
LATE_POINTS, LATE_DAY, LATE_AT = 12, 1, 5 * SLOTS + TOGETHER
"""Rows of points of which a third of a day's frames is late, that day, and the slot they come in."""
EDITED_DAY, SAID_AT = 2, (3 * SLOTS + 30) // TOGETHER
KEPT, UNDONE, DISCARDED, OLD = 3, 4, 20, 30
"""Rows of points with edits; the first two have late frames too. OLD is edited when its day has left the window."""
EDITED = {"wh_imp": 400, "vah_imp": 430}
PARTITIONS = 2

TOPOLOGY = """
version: 1
application: {mark}lane
kafka: {{bootstrap: "{kafka}"}}
topics:
  {mark}frames: {{schema: FrameBatch, partitions: 2, retention: forever}}
  {mark}readings: {{schema: ReadingBatch, partitions: 2, retention: forever}}
  {mark}determinants: {{schema: Determinant, partitions: 2, retention: forever}}
  {mark}rejects: {{schema: Reject, partitions: 1, retention: forever}}
  {mark}parked: {{schema: Reject, partitions: 1, retention: forever}}
  {mark}cold-requests: {{schema: ColdRequest, partitions: 2, retention: forever}}
  {mark}edits: {{schema: Edit, partitions: 2, retention: forever}}
  registry: {{partitions: 1, retention: forever, cleanup: compact}}
topologies:
  metering:
    source: {mark}frames
    agents: [decode: {{}}, vee: {{cold_days: 40}}, rating: {{timezone: Asia/Kolkata}}]
    to:
      readings: {mark}readings
      events: null
      profile_rows: null
      determinants: {mark}determinants
      cold_requests: {mark}cold-requests
      rejects: {mark}rejects
connectors:
  push: {{type: dlms, listen: "127.0.0.1:4059", to: {mark}frames, rejects: {mark}rejects, parked: {mark}parked}}
  {mark}people:
    type: edits
    source: {mark}edits
    group: "{mark}edits"
    approval: second_person
    to: {mark}frames
    rejects: {mark}rejects
    parked: {mark}parked
  {mark}cold: {{type: cold, source: {mark}cold-requests, warehouse: warehouse, gather_secs: 0.5, to: {mark}frames}}
sinks:
  warehouse:
    type: clickhouse
    dsn: "chdb://{folder}/warehouse"
    from: [{mark}readings, {mark}determinants, {mark}rejects, {mark}cold-requests]
"""


def late(frames: Frames) -> Array:
    """A third of a day's blocks, and of one point the register at its end."""
    day = (frames.interval - 1) // SLOTS == LATE_DAY
    blocks = day & (frames.interval % 3 == 0) & (frames.point < LATE_POINTS) & (frames.kind == 1)
    return np.asarray(blocks | ((frames.kind == 2) & (frames.interval == LATE_DAY + 1) & (frames.point == KEPT)))


def starts(fed: Feed) -> list[int]:
    """Begins of the intervals that are edited."""
    begin = fed.truth.fleet.config.start_time + EDITED_DAY * rows.DAY_SECS
    return [begin + slot * 1800 for slot in (12, 13, 40)]


@dataclass(frozen=True)
class Calm:
    """The run in memory, and its log without what was said in it: up to that, and after."""

    fed: Feed
    driver: FrameDriver
    early: list[Appended]
    later: list[Appended]

    def point(self, row: int) -> int:
        return int(self.fed.truth.fleet.points.id[row])


def together(fed: Feed) -> Feed:
    """The feed in fewer records."""
    made = []
    for place in range(0, len(fed.slots), TOGETHER):
        group = fed.slots[place : place + TOGETHER]
        registry = next((slot.registry for slot in group if slot.registry is not None), None)
        made.append(replace(group[-1], frames=joined([slot.frames for slot in group]), registry=registry))
    return replace(fed, slots=made)


def play(to: FrameDriver, fed: Feed, first: int, last: int) -> None:
    """Each tick goes before what has happened by then, so that nothing of it lies in the future."""
    for slot in fed.slots[first:last]:
        if slot.registry is not None:
            to.put_in_force(registry=slot.registry, keys=fed.keys)
        to.tick(slot.tick.time, slot.tick.lateness_secs + TOGETHER * 1800)
        world.send(to, slot.frames)


def calm_run(folder: Path) -> Calm:
    whole = world.feed(
        meters=METERS, days=DAYS, seed=3, faults="none", start=date(2025, 7, 28), network={"consumers_per_dt": 25}
    )
    fed = together(whole.held(late, LATE_AT))
    file = folder / "calm.yaml"
    file.write_text(TOPOLOGY.format(mark="", kafka="nowhere:1", folder=folder))
    driver = topology_driver(file)
    play(driver, fed, 0, SAID_AT)
    early = list(driver.log)
    calm = Calm(fed, driver, early, [])
    said = [
        statement(calm, KEPT, Statement.EDIT, 1), statement(calm, UNDONE, Statement.EDIT, 1),
        statement(calm, DISCARDED, Statement.DISCARD, 1), statement(calm, UNDONE, Statement.WITHDRAW, 2),
    ]  # fmt: skip
    driver.statements(said, fed.slots[SAID_AT].end_time)
    place = len(driver.log)
    play(driver, fed, SAID_AT, len(fed.slots))
    calm.later.extend(driver.log[place:])
    assert driver.records("rejects") == []
    lane = Lane(driver, VeeConfig(cold_days=40))
    assert lane.answer() > 0
    driver.statements([statement(calm, OLD, Statement.EDIT, 3)], fed.slots[-1].end_time)
    assert lane.answer() > 0
    return calm


def statement(calm: Calm, row: int, kind: Statement, number: int) -> StatementFrame:
    said = np.zeros(3, ROW)
    said["start"], said["secs"] = starts(calm.fed), 1800
    if kind is Statement.EDIT:
        said["present"], said["energy"] = 3, [*EDITED.values(), 0, 0]
    return StatementFrame(kind, calm.point(row), number, calm.fed.slots[SAID_AT].end_time, said, "id", "asha", "why")


class Parts:
    """The processes of the disturbed run, and how far they are."""

    def __init__(self, kafka: str, mark: str, file: Path, calm: Calm, logs: Path) -> None:
        self.plan = read_plan(file)
        self.mark, self.kafka, self.calm = mark, kafka, calm
        self.lag = Lag(kafka)
        self.commands = parts(self.plan, file)
        environment = {"KVARN_KEYS": str(file.parent / "keys"), "KVARN_MASTER_KEY": MASTER_KEY.hex(),
                       "KVARN_CHECKPOINT_SECS": "0.5", "KVARN_IDLE_SECS": "0.3", "KVARN_SESSION_SECS": "6"}  # fmt: skip
        self.processes = Processes(logs, environment)

    def start(self, name: str, more: Mapping[str, str] | None = None) -> None:
        command = list(self.commands[name])
        if "--status-port" in command:
            command[command.index("--status-port") + 1] = "0"
        self.processes.start(name, command, more)

    def until(self, what: str, true: Callable[[], bool]) -> None:
        wait_until(true, what, self.processes, 120)

    def ends(self, topic: str) -> int:
        return sum(self.lag.ends(f"{self.mark}{topic}", PARTITIONS).values())

    def read(self, group: str, topic: str, partitions: int = PARTITIONS) -> Callable[[], bool]:
        return lambda: self.lag.of(group, f"{self.mark}{topic}", partitions) == 0

    def write(self, log: list[Appended]) -> None:
        producer = Producer({"bootstrap.servers": self.kafka, "enable.idempotence": True})
        for one in log:
            producer.produce(f"{self.mark}frames", value=one.value, partition=one.partition)
            producer.poll(0)
        assert producer.flush(30) == 0


@contextmanager
def running(kafka: str, unique: str, calm: Calm, folder: Path) -> Iterator[Parts]:
    mark = f"{unique}-".lower()[-30:].lstrip("-")
    file = folder / "topologies.yaml"
    file.write_text(TOPOLOGY.format(mark=mark, kafka=kafka, folder=folder))
    ensure_topics(kafka, [WantedTopic("registry", 1, {"cleanup.policy": "compact", "retention.ms": "-1"})])
    (folder / "keys").mkdir()
    for (kind, version), raw in calm.driver.references.versions.items():
        if kind == KEYS:
            (folder / "keys" / f"{version}.keys").write_bytes(raw)
        else:
            publish(kafka, kind, raw)
    made = Parts(kafka, mark, file, calm, folder / "logs")
    prepare(made.plan)
    with made.processes:
        yield made
    made.lag.close()


def say(parts: Parts) -> None:
    """Edits are proposed, approved by a second person, one of them is undone; all of it is in the log after this."""
    topic, ledger = EditTopic(parts.kafka, f"{parts.mark}edits"), Ledger(CONTRACTS)

    def event(row: int, **said: object) -> dict[str, Any]:
        return record(id=f"edit-{row}", service_point=parts.calm.point(row), **said)

    values = [interval(start, **EDITED) for start in starts(parts.calm.fed)]
    empty = [interval(start) for start in starts(parts.calm.fed)]
    proposed = [event(KEPT, intervals=values), event(UNDONE, intervals=values)]
    proposed.append(event(DISCARDED, what="DISCARD", intervals=empty))
    approved = [event(row, event="APPROVED", author="ravi") for row in (KEPT, UNDONE, DISCARDED)]
    assert ask(topic, ledger, *proposed) == ["WAITING"] * 3
    assert ask(topic, ledger, *approved) == ["IN_FORCE"] * 3
    assert ask(topic, ledger, event(UNDONE, event="UNDONE")) == ["TAKEN_BACK"]
    topic.close()
    parts.until("edits handed on", parts.read(f"{parts.mark}edits", "edits"))


def say_late(parts: Parts) -> None:
    """The same of a day that has left the window."""
    topic, ledger = EditTopic(parts.kafka, f"{parts.mark}edits"), Ledger(CONTRACTS)
    values = [interval(start, **EDITED) for start in starts(parts.calm.fed)]
    said = {"id": "old", "service_point": parts.calm.point(OLD)}
    assert ask(topic, ledger, record(**said, intervals=values)) == ["WAITING"]
    assert ask(topic, ledger, record(**said, event="APPROVED", author="ravi")) == ["IN_FORCE"]
    topic.close()
    parts.until("the edit handed on", parts.read(f"{parts.mark}edits", "edits"))


def disturbed(parts: Parts) -> None:
    """The same log, with the worker and the lane killed once each."""
    parts.write(parts.calm.early)
    cold, worker = f"connect.{parts.mark}cold", "worker.metering"
    for name in (f"connect.{parts.mark}people", "sink.warehouse", worker):
        parts.start(name)
    parts.start(cold, {"KVARN_KILL": "cold-answered:1"})
    say(parts)
    parts.write(parts.calm.later)
    parts.until("requests", lambda: parts.ends("cold-requests") > 0)
    killed = parts.processes.running.pop(worker)
    killed.kill()
    killed.wait()
    parts.start(worker)
    lane = parts.processes.running.pop(cold)
    try:
        deadline = time.monotonic() + 120
        while lane.poll() is None:
            parts.processes.check()
            assert time.monotonic() < deadline, parts.processes.tail(cold)
            time.sleep(0.1)
    finally:
        lane.kill()
        lane.wait()
    assert lane.returncode == -signal.SIGKILL, parts.processes.tail(cold)
    parts.start(cold)
    answered(parts)
    say_late(parts)
    answered(parts)
    sink = parts.plan.sinks["warehouse"].group
    for topic in ("readings", "determinants", "cold-requests"):
        parts.until(f"the sink has {topic}", parts.read(sink, topic))


def answered(parts: Parts) -> None:
    """All that was asked of the lane is in the log, and worked on."""
    chain = parts.plan.chains[0].group
    parts.until("the worker has the log", parts.read(chain, "frames"))
    parts.until("requests are answered", parts.read(f"kvarn-{parts.mark}cold", "cold-requests"))
    parts.until("the worker has the answers", parts.read(chain, "frames"))


@pytest.mark.timeout(600)
def test_late_frames_and_edits_end_alike_whatever_is_killed(kafka: str, unique: str, tmp_path: Path) -> None:
    calm = calm_run(tmp_path)
    with running(kafka, unique, calm, tmp_path) as parts:
        disturbed(parts)
        found = readings(tmp_path)
        bills = determinants(parts)
    wanted = rows.readings(calm.driver)
    assert len(found) == len(wanted["service_point"]) > METERS * (DAYS - 1) * SLOTS
    differs = [(ours, theirs) for ours, theirs in zip(found, lines(wanted), strict=True) if ours != theirs]
    assert differs[:5] == []
    qualities = {quality & 15 for *_, quality, _ in found}
    assert {1, 3} <= qualities, qualities
    same_bills(bills, rows.last_of(calm.driver.records("determinants"), "service_point", "kind", "period_start"))
    assert {bill["reason"] for bill in bills.values()} >= {"LATE_DATA"}


def lines(table: rows.Table) -> list[tuple[Any, ...]]:
    """What the latest readings say: point, begin, length, method, rules, qualities of energies, energies."""
    columns = [table[name].tolist() for name in ("service_point", "interval_start", "interval_secs", "method", "rules")]
    energies = [tuple(row) for row in table["energy"].tolist()]
    return list(zip(*columns, (table["quality"] & np.uint64(0xFFFF)).tolist(), energies, strict=True))


def readings(folder: Path) -> list[tuple[Any, ...]]:
    """The same of the view readings_latest, asked through the sink that has the warehouse open."""
    reader = open_reader(ClickHouseConfig(dsn=f"chdb://{folder / 'warehouse'}"))
    text = reader.ask(
        "SELECT service_point, toUnixTimestamp(interval_start) AS start, interval_secs, toUInt8(method) AS how, "
        "toUInt32(rules) AS failed, toUInt32(bitAnd(quality, 65535)) AS qualities, "
        "[wh_imp, vah_imp, wh_exp, vah_exp] AS energy FROM readings_latest ORDER BY service_point, start",
        "JSONCompactEachRow",
    )
    reader.close()
    found = [json.loads(line) for line in text.splitlines()]
    return [(*(int(value) for value in row[:6]), tuple(int(value) for value in row[6])) for row in found]


def determinants(parts: Parts) -> dict[tuple[Any, ...], Mapping[str, Any]]:
    read = read_topic(parts.kafka, f"{parts.mark}determinants", PARTITIONS)
    records = [CONTRACTS.decode(value, "Determinant") for _, _, value in read]
    return rows.last_of(records, "service_point", "kind", "period_start")


def same_bills(ours: Mapping[Any, Mapping[str, Any]], theirs: Mapping[Any, Mapping[str, Any]]) -> None:
    assert ours.keys() == theirs.keys()
    for key, bill in theirs.items():
        differs = {name for name in bill if bill[name] != ours[key][name]} - HISTORY
        assert (key, {name: (ours[key][name], bill[name]) for name in differs}) == (key, {})
