"""`kvarn demo`: see the whole way of a reading in a minute."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from cli.demo.books import Expected, books
from cli.demo.embedded import EmbeddedDemo
from cli.demo.report import show
from cli.output import DEFAULT_FILE, Json, TopologyFile, aside, console, emit
from cli.topology import read_plan
from connectors.simulator import Simulation, SimulatorConfig, build_fleet
from schemas.load import load_contracts
from sinks.clickhouse.config import ClickHouseConfig
from sinks.clickhouse.reader import open_here
from sinks.clickhouse.sink import ClickHouseSink

FOLDER = Path(".kvarn/demo")
CURVE = "SELECT interval_start, wh_imp, wh_imp_quality FROM readings_latest WHERE service_point = 1 LIMIT 48"
BILL = "SELECT * FROM determinants_latest WHERE kind = 'MONTH' LIMIT 1"


def demo(
    meters: Annotated[
        int, typer.Option(min=1, help="Consumer meters; transformer and feeder meters come on top.")
    ] = 2000,
    days: Annotated[int, typer.Option(min=1, help="Days, from midnight to midnight.")] = 2,
    seed: Annotated[int, typer.Option(help="The same seed gives the same frames and the same rows.")] = 1,
    faults: Annotated[str, typer.Option(help="all, none, or name=rate,...: see `kvarn simulate --help`.")] = "all",
    file: TopologyFile = DEFAULT_FILE,
    as_json: Json = False,
) -> None:
    """Send a simulated fleet of encrypted meters through the topology, and show its books beside the truth.

    Runs in this process: no service, no Java. Meters miss pushes, send late, twice, wrong or broken ones; some are
    exchanged, some steal. What the warehouse says at the end is compared with what really flowed. The warehouse stays
    in .kvarn/demo for your own questions.
    """
    config = SimulatorConfig.model_validate({"meters": meters, "days": days, "seed": seed, "faults": faults})
    warehouse = ClickHouseConfig(dsn=f"chdb://{FOLDER / 'warehouse'}")
    figures = run_embedded(config, file, warehouse, quiet=as_json)
    if as_json:
        emit(figures)
        return
    show(console(), figures, next_steps(FOLDER))


def run_embedded(config: SimulatorConfig, file: Path, warehouse: ClickHouseConfig, *, quiet: bool) -> dict[str, Any]:
    """One embedded run into an empty warehouse; its figures."""
    plan = read_plan(file)
    shutil.rmtree(warehouse.folder, ignore_errors=True)
    warehouse.folder.parent.mkdir(parents=True, exist_ok=True)
    with Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("intervals"),
        TimeElapsedColumn(), console=aside(), disable=quiet, transient=True,
    ) as bar:  # fmt: skip
        task = bar.add_task("building the fleet; a first run compiles kernels for about a minute", total=None)
        simulation = Simulation(build_fleet(config))
        sink = ClickHouseSink(warehouse)
        sink.open()
        expected = Expected()
        demo = EmbeddedDemo(plan, simulation, load_contracts(), sink, run=f"demo-{config.seed}", seen=expected.add)
        counts = demo.go(lambda done, total: bar.update(task, description="running", completed=done, total=total))
        sink.close()
    reader = open_here(warehouse)
    figures = books(lambda sql: rows(reader.ask(sql, "JSONEachRow")), simulation, expected, demo.parked_frames)
    reader.close()
    return {**figures, "records": dict(sorted(counts.records.items())), "unparked": counts.unparked,
            "frames_per_s": round(expected.frames / counts.seconds), "seconds": round(counts.seconds, 3)}  # fmt: skip


def rows(raw: bytes) -> list[dict[str, Any]]:
    """Rows of an answer in JSONEachRow."""
    return [json.loads(line) for line in raw.splitlines()]


def next_steps(folder: Path) -> list[str]:
    """What to type next."""
    ask = f"kvarn sql --dsn chdb://{folder / 'warehouse'}"
    return [
        f'{ask} "{CURVE}"',
        f'{ask} "{BILL}" --json',
        "kvarn graph                 # a picture of what just ran",
        "kvarn demo --kafka          # the same through TCP, MQTT, Kafka and Faust",
        "kvarn lint                  # then point topologies.yaml at your own Kafka and ClickHouse",
    ]
