"""`kvarn demo`: see the whole way of a reading in a minute."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from numba.core.event import TimingListener, install_listener
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from cli.demo.books import Ask, Expected, books
from cli.demo.compare import all_rows, compare_rows
from cli.demo.embedded import KEYS_FILE, MASTER_KEY, RECORDING, EmbeddedDemo
from cli.demo.report import show
from cli.deployment import MASTER_KEY_ENV
from cli.output import DEFAULT_FILE, FAILED, Json, TopologyFile, aside, console, emit
from cli.topology import read_plan
from connectors.simulator import Simulation, SimulatorConfig, build_fleet
from schemas.load import load_contracts
from sinks.clickhouse.config import ClickHouseConfig
from sinks.clickhouse.reader import open_here
from sinks.clickhouse.sink import ClickHouseSink

T = TypeVar("T")

FOLDER = Path(".kvarn/demo")
KAFKA_FOLDER = Path(".kvarn/demo-kafka")
CURVE = "SELECT interval_start, wh_imp, wh_imp_quality FROM readings_latest WHERE service_point = 1 LIMIT 48"
BILL = "SELECT * FROM determinants_latest WHERE kind = 'MONTH' LIMIT 1"
BILL_KEY = (
    "SELECT account, service_point, toUnixTimestamp(period_start) AS start FROM determinants_latest "
    "WHERE kind = 'MONTH' ORDER BY service_point LIMIT 1"
)


def demo(
    meters: Annotated[int, typer.Option(min=1, help="Consumer meters; transformers and feeders come on top.")] = 2000,
    days: Annotated[int, typer.Option(min=1, help="Days, from midnight to midnight.")] = 2,
    seed: Annotated[int, typer.Option(help="The same seed gives the same frames and the same rows.")] = 1,
    faults: Annotated[str, typer.Option(help="all, none, or name=rate,...: `kvarn simulate --list-faults`.")] = "all",
    kafka: Annotated[
        bool, typer.Option("--kafka", help="Through TCP, MQTT, Kafka and Faust, and compared with the embedded run.")
    ] = False,
    file: TopologyFile = DEFAULT_FILE,
    as_json: Json = False,
) -> None:
    """Send a simulated fleet of encrypted meters through the topology, and show its books beside the truth.

    Runs in this process: no service, no Java. Meters miss pushes, send late, twice, wrong or broken ones; some are
    exchanged, some steal. What the warehouse says at the end is compared with what really flowed. The warehouse stays
    in .kvarn/demo for your own questions. With --kafka the real parts are started, used and ended, and their rows are
    compared with those of an embedded run: ends with 1 when any differs.
    """
    config = demo_config(meters=meters, days=days, seed=seed, faults=faults)
    if not kafka:
        figures = run_embedded(config, file, warehouse_in(FOLDER), quiet=as_json)
        folder = FOLDER
    else:
        figures = run_kafka(config, file, KAFKA_FOLDER, quiet=as_json)
        folder = KAFKA_FOLDER
    if as_json:
        emit(figures)
    else:
        show(console(), figures, next_steps(folder, explained=not kafka))
    if not figures.get("same_as_embedded", True):
        raise typer.Exit(FAILED)


def demo_config(**options: Any) -> SimulatorConfig:
    """The fleet of a demo. No meter pushes over UDP, which may lose frames without anybody knowing."""
    return SimulatorConfig.model_validate({**options, "shares": {"udp": 0.0}})


def warehouse_in(folder: Path) -> ClickHouseConfig:
    """The embedded warehouse of a run."""
    return ClickHouseConfig(dsn=f"chdb://{folder / 'warehouse'}")


def run_embedded(config: SimulatorConfig, file: Path, warehouse: ClickHouseConfig, *, quiet: bool) -> dict[str, Any]:
    """One embedded run into an empty warehouse; its figures."""
    plan = read_plan(file)
    empty(warehouse.folder)
    with progress(quiet) as bar:
        task = bar.add_task("starting; a first run compiles kernels for some minutes", total=None)
        simulation = Simulation(build_fleet(config))
        sink = ClickHouseSink(warehouse)
        sink.open()
        expected = Expected()
        run = EmbeddedDemo(plan, simulation, load_contracts(), sink, run=f"demo-{config.seed}", seen=expected.add,
                           folder=warehouse.folder.parent)  # fmt: skip
        with install_listener("numba:compile", compiling := TimingListener()):  # type: ignore[no-untyped-call]
            counts = run.go(lambda done, total: bar.update(task, description="running", completed=done, total=total))
        sink.close()
    figures = with_warehouse(warehouse, lambda ask: books(ask, simulation, expected, run.parked_frames))
    return {**figures, "unparked": counts.unparked, "records": dict(sorted(counts.records.items())),
            **pace(expected.frames, counts.seconds, compiling.duration if compiling.done else 0.0)}  # fmt: skip


def run_kafka(config: SimulatorConfig, file: Path, folder: Path, *, quiet: bool) -> dict[str, Any]:
    """The same on the real parts, and an embedded run to compare with."""
    from cli.demo.kafka import KafkaDemo

    empty(folder)
    expected = Expected()
    with progress(quiet) as bar:
        task = bar.add_task("starting the services", total=None)
        simulation = Simulation(build_fleet(config))
        run = KafkaDemo(
            simulation, file, folder, report=lambda line: bar.update(task, description=line), seen=expected.add,
            progress=lambda done, total: bar.update(task, description="sending", completed=done, total=total),
        )  # fmt: skip
        run.go()
    embedded = run_embedded(config, file, warehouse_in(folder / "embedded"), quiet=quiet)
    figures = with_warehouse(warehouse_in(folder), lambda ask: books(ask, simulation, expected, run.parked_frames))
    tables = compare_rows(
        with_warehouse(warehouse_in(folder), all_rows), with_warehouse(warehouse_in(folder / "embedded"), all_rows)
    )
    return {**figures, **pace(expected.frames, run.seconds), "tables": tables, "embedded": embedded["energy_wh"],
            "same_as_embedded": not any(row["different"] for row in tables.values())}  # fmt: skip


def with_warehouse(warehouse: ClickHouseConfig, use: Callable[[Ask], T]) -> T:
    """What `use` makes of a warehouse that nobody has open."""
    reader = open_here(warehouse)
    try:
        return use(lambda sql: rows(reader.ask(sql, "JSONEachRow")))
    finally:
        reader.close()


def empty(folder: Path) -> None:
    """Begin with nothing."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)


def progress(quiet: bool) -> Progress:
    """A bar on standard error."""
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("intervals"),
        TimeElapsedColumn(), console=aside(), disable=quiet, transient=True,
    )  # fmt: skip


def pace(frames: int, seconds: float, compiling: float = 0.0) -> dict[str, float]:
    """Frames a second of a run, without the seconds in which kernels were compiled."""
    working = max(seconds - compiling, 0.001)
    return {"frames_per_s": round(frames / working), "seconds": round(working, 3), "compiling_s": round(compiling, 1)}


def rows(raw: bytes) -> list[dict[str, Any]]:
    """Rows of an answer in JSONEachRow."""
    return [json.loads(line) for line in raw.splitlines()]


def explaining(folder: Path) -> str:
    """How to walk back the first bill of a run that has left its log."""
    (bill,) = with_warehouse(warehouse_in(folder), lambda ask: ask(BILL_KEY))
    key = f"{bill['account']}/{bill['service_point']}/{bill['start']}"
    return (
        f"{MASTER_KEY_ENV}={MASTER_KEY.hex()} kvarn explain {key} --dsn chdb://{folder / 'warehouse'} "
        f"--log {folder / RECORDING} --key-store {folder / KEYS_FILE}"
    )


def next_steps(folder: Path, *, explained: bool) -> list[str]:
    """What to type next."""
    ask = f"kvarn sql --dsn chdb://{folder / 'warehouse'}"
    return [
        f'{ask} "{CURVE}"',
        f'{ask} "{BILL}" --json',
        *([explaining(folder)] if explained else []),
        "kvarn graph                 # a picture of what just ran",
        "kvarn demo --kafka          # the same through TCP, MQTT, Kafka and Faust",
        "kvarn lint                  # then point topologies.yaml at your own Kafka and ClickHouse",
    ]
