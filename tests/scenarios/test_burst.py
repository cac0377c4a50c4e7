"""The fast generator's pushes through the shipped topology into the warehouse, every row against the truth."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from bench.case import Load
from bench.throughput.feed import ticks_of
from bench.truth.check import check
from bench.truth.rows import Tally
from bench.truth.warehouse import Warehouse
from cli.testing import FrameDriver
from connectors.simulator.burst import Burst, BurstBuffers, BurstPlan, burst_keys, burst_registry
from pipeline.batch import FrameBatch
from pipeline.columns import pack, unpack
from sinks.clickhouse.config import ClickHouseConfig
from sinks.clickhouse.sink import ClickHouseSink
from sinks.origins import Origins
from sinks.read import read_record
from tests.scenarios import world

TOPICS = ("readings", "events", "determinants", "losses", "rejects")


def played(folder: Path, plan: BurstPlan, numbers: range) -> FrameDriver:
    """A tick that opens the log, then the frames of these numbers with a tick behind each; before those of whole days
    the log's time goes on as well."""
    driver = world.driver(folder, partitions=plan.partitions)
    driver.put_in_force(registry=burst_registry(plan), keys=burst_keys(plan))
    driver.tick(plan.sent_at(numbers.start - 1))
    buffers = BurstBuffers(plan.partitions, 101, plan.rows)
    with closing(Burst(plan)) as burst:
        for number in numbers:
            before, behind = ticks_of(plan, number)
            if before is not None:
                driver.tick(before.time, before.lateness_secs)
            for partition, batch in burst.batches(number, buffers):
                driver.send(partition, unpack(FrameBatch, pack(batch)))
            driver.tick(behind.time, behind.lateness_secs)
    return driver


def sunk(driver: FrameDriver, folder: Path) -> str:
    """Everything that the topology wrote, in a warehouse."""
    config = ClickHouseConfig(dsn=f"chdb://{folder}/warehouse")
    with closing(ClickHouseSink(config)) as sink:
        sink.open()
        for topic in TOPICS:
            schema = driver.plan.topics[topic].schema
            assert schema is not None
            for one in driver.bytes_of(topic):
                if one.offset == 0:
                    sink.blocks.assign(topic, one.partition, 0, Origins(), log="burst")
                sink.accept(read_record(driver.contracts, schema, topic, one.partition, one.offset, one.value))
            sink.flush()
    return config.dsn


def compared(folder: Path, load: Load) -> dict[str, Tally]:
    plan = load.plan(2)
    dsn = sunk(played(folder, plan, load.pushes), folder)
    with closing(Warehouse(dsn)) as warehouse:
        return check(warehouse, plan, load.numbers, lambda done, total: None)


@pytest.mark.parametrize(
    ("meters", "frames", "late", "rows"),
    [
        pytest.param(400, 14, 0, 1, id="none-late"),
        pytest.param(400, 14, 50, 1, id="some-late"),
        pytest.param(300, 14, 400, 1, id="many-late"),
        pytest.param(200, 100, 100, 1, id="two-midnights"),
        pytest.param(100, 150, 100, 1, id="three-midnights"),
        pytest.param(400, 1, 0, 48, id="two-days-at-once"),
        pytest.param(600, 3, 0, 48, id="four-days-at-once"),
    ],
)
def test_every_row_of_a_burst_is_the_truths(tmp_path: Path, meters: int, frames: int, late: int, rows: int) -> None:
    load = Load(meters=meters, frames=meters * frames, seed=9 + late, late_permille=late, rows=rows)
    tallies = compared(tmp_path, load)
    found = {name: (tally.different, tally.examples) for name, tally in tallies.items()}
    assert found == dict.fromkeys(tallies, (0, []))
    assert {name for name, tally in tallies.items() if tally.rows == 0} == {"events"}, "its meters push none"
