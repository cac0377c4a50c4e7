"""A sink process that is killed between sending and confirmation, and a receiver that refuses: the exchange ends right.

The log that it reads is a file of this test, so that neither it nor what is committed dies with the process.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bench.sap_receiver import Receiver, receiving
from pipeline.runtime.moments import Moments
from sinks.phases import PHASES
from sinks.plan import Position
from sinks.records import Record
from sinks.runner import RunnerOptions, SinkRunner
from sinks.sap_mdus.config import SapMdusConfig
from sinks.sap_mdus.journal import Journal
from sinks.sap_mdus.sink import SapMdusSink
from tests.builders_readings import CONTRACTS, raw_values
from tests.unit.sinks.sap_mdus.builders import DEVICE, determinant, devices, order
from tests.unit.sinks.test_runner import MemoryLog, Message

TOPICS = {"determinants": "Determinant", "mr-orders": "MeterReadingOrder"}
POINTS = 12
UNKNOWN, EARLY, LATE = 3, 5, 7
"""Points whose register the receiver does not know; whose order comes to it late; whose bill is made too soon."""

KILLS = ("sink-in-block:1", "sink-in-block:2", "sink-planned:1", "sink-in-block:3", "sink-written:1")
PROCESS = "import sys; from tests.integration.test_sap_exchange import work; work(*sys.argv[1:])"


def records() -> dict[str, list[Record]]:
    """Orders of all points, and three revisions of each month: the second corrects, the third says it again."""
    orders = [order(offset, f"{1000 + offset + 1}", offset + 1) for offset in range(POINTS)]
    months = [
        determinant(offset, 1 + offset % POINTS, value(1 + offset % POINTS, min(offset // POINTS, 1)))
        for offset in range(3 * POINTS)
    ]
    return {"mr-orders": orders, "determinants": months}


def value(point: int, revision: int) -> int:
    return 1_000_000 * point + 500 * revision


@dataclass
class FileLog(MemoryLog):
    """What is committed stands in a file."""

    path: Path = Path()

    def commit(self, positions: Sequence[Position]) -> None:
        super().commit(positions)
        rows = [[one.topic, one.partition, one.offset, one.metadata] for one in self.committed.values()]
        beside = self.path.with_suffix(".new")
        beside.write_text(json.dumps(rows))
        beside.replace(self.path)

    def load(self) -> None:
        if self.path.exists():
            self.committed = {(row[0], row[1]): Position(*row) for row in json.loads(self.path.read_text())}


def work(url: str, folder: str) -> None:
    """The sink's process: reads all that there is, and ends."""
    place = Path(folder)
    messages = {
        (topic, 0): [Message(topic, 0, offset, raw_values(record)[0]) for offset, record in enumerate(found)]
        for topic, found in records().items()
    }
    log = FileLog(messages, ids={topic: topic for topic in TOPICS}, path=place / "committed.json")
    log.load()
    sink = SapMdusSink(config(url, place))
    sink.take_registry("1", devices())
    stop = threading.Event()
    log.fail = lambda _: stop.set() if log.idle.is_set() else None
    options = RunnerOptions(poll_bytes=2_000, retry_secs=0.01)
    SinkRunner(sink, log, TOPICS, CONTRACTS, options, moments=Moments.from_environment(PHASES)).run(stop)


def config(url: str, folder: Path) -> SapMdusConfig:
    return SapMdusConfig.model_validate({
        "url": url, "journal": folder / "journal.sqlite", "orders": "required", "messages": 5, "again_tries": 1000,
        "again_secs": 0.001,
        "blocks": {"rows": 4, "age_secs": 1000},
    })  # fmt: skip


def ran(url: str, folder: Path, kill: str = "") -> int:
    """Return code of a process that is killed at a moment, or not."""
    root = Path(__file__).parents[2]
    environment: Mapping[str, str] = {**os.environ, "PYTHONPATH": str(root), "KVARN_KILL": kill}
    done = subprocess.run(
        [sys.executable, "-c", PROCESS, url, str(folder)], cwd=root, env=environment, timeout=120, check=False,
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode


class Billing(Receiver):
    """Enters the order of EARLY only after some requests, and bills LATE as soon as it has a reading."""

    def answer(self, octets: bytes) -> tuple[int, bytes]:
        assert self.orders is not None
        if len(self.requests) > 6:
            self.orders.setdefault(str(1000 + EARLY), "OPEN")
        said = super().answer(octets)
        if self.orders.get(str(1000 + LATE)) == "ENTERED":
            self.orders[str(1000 + LATE)] = "BILLED"
        return said


def billing() -> Billing:
    orders = {str(1000 + point): "OPEN" for point in range(1, POINTS + 1) if point != EARLY}
    known = {(f"{DEVICE + point:016X}", "1-0:1.8.0") for point in range(1, POINTS + 1) if point != UNKNOWN}
    return Billing(orders=orders, registers=known)


def ended(receiver: Receiver, folder: Path) -> dict[str, Any]:
    """Last value of each order at the receiver, and what the journal says."""
    values = {}
    for one in receiver.taken.values():
        document = one.find("MeterReadingDocument")
        values[document.findtext("ID")] = document.findtext("Result/MeterReadingResultValue")
    journal = Journal(folder / "journal.sqlite")
    journal.open()
    refused = list(
        journal.db.execute("SELECT DISTINCT order_id, code FROM messages WHERE state = 'REFUSED' ORDER BY 1")
    )
    cases = list(journal.db.execute("SELECT order_id, billed, now FROM cases"))
    waiting = journal.waiting(100)
    journal.close()
    return {"values": values, "refused": refused, "cases": cases, "waiting": waiting}


@pytest.mark.slow
def test_a_sink_that_is_killed_between_sending_and_confirmation_sends_nothing_under_another_uuid(
    tmp_path: Path,
) -> None:
    with receiving(billing()) as receiver:
        kills = [ran(receiver.url, tmp_path, kill) for kill in KILLS]
        assert kills == [-signal.SIGKILL] * len(kills)
        # A clean stop leaves what the receiver wants later to the next start.
        assert [ran(receiver.url, tmp_path) for _ in range(2)] == [0, 0]
    found = ended(receiver, tmp_path)
    expected = {str(1000 + point): f"{value(point, 1) // 1000}.500" for point in range(1, POINTS + 1)}
    del expected[str(1000 + UNKNOWN)]
    expected[str(1000 + LATE)] = f"{value(LATE, 0) // 1000}.000"
    assert found["values"] == expected
    assert found["waiting"] == []
    # The register's both revisions, and the correction that came after the bill.
    assert found["refused"] == [(str(1000 + UNKNOWN), "UNKNOWN_REGISTER"), (str(1000 + LATE), "BILLED")]
    late = str(1000 + LATE)
    assert found["cases"] == [(late, f"{value(LATE, 0) // 1000}.000 01", f"{value(LATE, 1) // 1000}.500 01")]
    # What was sent again after a kill is known there; a reading is entered once, and corrected once.
    kinds = {kind for _, kind in receiver.refused}
    assert kinds == {"DUPLICATE_UUID", "UNKNOWN_REGISTER", "WRONG_ORDER", "BILLED"}
    taken = Counter(one.findtext("MeterReadingDocument/ID") for one in receiver.taken.values())
    assert max(taken.values()) == 2
    assert taken[late] == 1
