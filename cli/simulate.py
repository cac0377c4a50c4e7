"""`kvarn simulate`: a seeded fleet of meters pushes to wherever meters would push."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from cli.output import DEFAULT_FILE, Json, TopologyFile, aside, console, emit
from connectors.simulator import FAULTS, Simulation, SimulatorConfig, Truth, build_fleet, parse_faults
from connectors.simulator.kvf import Item, read_kvf
from connectors.simulator.senders.base import Address, parse_address
from connectors.simulator.senders.pace import Pace
from connectors.simulator.senders.play import Route, Sent, items_of, play, route_to, shares_for
from pipeline.errors import ConfigError
from pipeline.step import Tick
from schemas.load import load_contracts

To = Annotated[
    list[str],
    typer.Option(
        "--to", help="tcp://host:port, udp://host:port, mqtt://host:port (several: meters are spread over them); "
        "kafka://host:port/topic, file:name.kvf or file:name.hex take all.", show_default=False,
    ),
]  # fmt: skip
Meters = Annotated[int, typer.Option(help="Consumer meters; those of transformers and feeders come on top.")]
Days = Annotated[int, typer.Option(help="Days, from midnight to midnight in India.")]
Seed = Annotated[int, typer.Option(help="The same seed gives the same bytes.")]
Start = Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="First day.")]
Interval = Annotated[int, typer.Option("--interval-secs", help="Block capture period: 900 or 1800.")]
Faults = Annotated[str, typer.Option(help="all, none, or name=rate,... (all,late=0.1 changes one). See --list-faults.")]
Rotate = Annotated[
    float, typer.Option(help="Share of meters whose keys are exchanged at noon of the first day, each at its own time.")
]
Rate = Annotated[float, typer.Option(help="Frames a second; 0: as fast as they are taken.")]
Speed = Annotated[float, typer.Option(help="Times real time; 0: does not wait for the clock.")]
TruthTo = Annotated[Path | None, typer.Option("--truth", help="Folder for truth.json and truth.npz.", file_okay=False)]
Replay = Annotated[
    Path | None, typer.Option(help="Play a .kvf file instead of a new fleet.", exists=True, dir_okay=False)
]
ListFaults = Annotated[bool, typer.Option("--list-faults", help="Print the table of faults and end.")]

Register = Annotated[
    bool,
    typer.Option(
        "--register",
        help="Put the fleet's registry and keys in force and write its ticks, in the Kafka of the topology file, whose "
        "own ticker must not run then.",
    ),
]

DEFAULTS = SimulatorConfig()
ADOPT_SECS = 3.0
"""Connectors look for a new registry version twice a second."""


def simulate(
    to: To = [],  # noqa: B006 - typer reads it, nobody writes to it
    meters: Meters = DEFAULTS.meters,
    days: Days = DEFAULTS.days,
    seed: Seed = DEFAULTS.seed,
    start: Start = datetime.combine(DEFAULTS.start, datetime.min.time()),
    interval_secs: Interval = DEFAULTS.interval_secs,
    faults: Faults = "all",
    rotate: Rotate = DEFAULTS.rotation.share,
    rate: Rate = 0.0,
    speed: Speed = 0.0,
    truth: TruthTo = None,
    replay: Replay = None,
    list_faults: ListFaults = False,
    register: Register = False,
    file: TopologyFile = DEFAULT_FILE,
    as_json: Json = False,
) -> None:
    """Let a simulated fleet push encrypted frames over TCP, UDP, MQTT, into Kafka or a file.

    A network with transformers and feeders, Indian load shapes, rooftop solar, losses, and faults at given rates; what
    really happened can be written beside (`--truth`).
    """
    if list_faults:
        _print_faults(as_json)
        return
    addresses = [parse_address(text) for text in to]
    if not addresses:
        raise ConfigError("NO_ADDRESS", where="--to", what="nothing to send to", do="give --to, for example "
                          "--to tcp://127.0.0.1:4059 or --to file:frames.kvf")  # fmt: skip
    began = time.perf_counter()
    simulation = None if replay else Simulation(build_fleet(
        _config(addresses, meters=meters, days=days, seed=seed, start=start.date(), interval_secs=interval_secs,
                faults=parse_faults(faults), rotation={"share": rotate})
    ))  # fmt: skip
    beside = [_fleet_log(simulation, file)] if register and simulation is not None else []
    sent = asyncio.run(_play(simulation, replay, addresses, Pace(rate, speed), beside))
    book = None if simulation is None else simulation.truth()
    if truth is not None and book is not None:
        book.save(truth)
    report = _report(sent, addresses, time.perf_counter() - began, book)
    if as_json:
        emit(report)
    else:
        _print(console(), report, truth)


def _config(addresses: list[Address], **options: Any) -> SimulatorConfig:
    try:
        return SimulatorConfig(**options, shares=shares_for(addresses, DEFAULTS.shares))
    except ValidationError as error:
        first = error.errors()[0]
        raise ConfigError("OPTION_WRONG", where=".".join(str(part) for part in first["loc"]), what=first["msg"],
                          do="see kvarn simulate --help") from error  # fmt: skip


def _fleet_log(simulation: Simulation, file: Path) -> Route:
    from cli.deployment import key_folder, master_key, prepare
    from cli.fleet_log import FleetLog
    from cli.topology import read_plan

    master = master_key()
    if master is None:
        raise ConfigError("MASTER_KEY_MISSING", where="--register", what="the fleet's keys cannot be sealed",
                          do="set KVARN_MASTER_KEY (64 hexadecimal digits) here and for the workers")  # fmt: skip
    plan = read_plan(file)
    return Route(
        FleetLog(plan, prepare(plan), simulation.fleet, key_folder(), master, lambda _: time.sleep(ADOPT_SECS)), 0
    )


async def _play(
    simulation: Simulation | None, replay: Path | None, addresses: list[Address], pace: Pace, beside: list[Route]
) -> Sent:
    items: Iterator[Item]
    if simulation is not None:
        items, ticks = items_of(simulation.slots()), simulation.slot_count
    else:
        assert replay is not None
        items, ticks = read_kvf(replay), sum(isinstance(item, Tick) for item in read_kvf(replay))
    kafka = any(address.scheme == "kafka" for address in addresses)
    routes = [*beside, *(route_to(address, load_contracts() if kafka else None) for address in addresses)]
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("intervals"),
               TimeRemainingColumn(), TextColumn("{task.fields[frames]:,} frames"))  # fmt: skip
    with Progress(*columns, console=aside(), transient=True, disable=not aside().is_terminal) as bar:
        task = bar.add_task("sending", total=ticks, frames=0)
        return await play(items, routes, pace,
                          watch=lambda sent: bar.update(task, completed=sent.ticks, frames=sent.frames))  # fmt: skip


def _report(sent: Sent, addresses: list[Address], seconds: float, book: Truth | None) -> dict[str, Any]:
    report: dict[str, Any] = {
        "to": [str(address) for address in addresses],
        "frames": sent.frames,
        "octets": sent.octets,
        "ticks": sent.ticks,
        "by_transport": sent.by_transport,
        "seconds": round(seconds, 3),
        "frames_per_s": round(sent.frames / seconds) if seconds > 0 else 0,
    }
    return report if book is None else report | {"truth": book.summary()}


def _print(out: Console, report: dict[str, Any], truth: Path | None) -> None:
    ways = ", ".join(f"{count:,} for {name}" for name, count in report["by_transport"].items() if count)
    out.print(f"{report['frames']:,} frames ({report['octets'] / 1e6:,.1f} MB) to {', '.join(report['to'])}: {ways}")
    out.print(f"{report['seconds']:,.1f} s, {report['frames_per_s']:,} frames/s")
    book = report.get("truth")
    if book is None:
        return
    table = Table("fault", "hit", "frames", title="Faults", title_justify="left")
    for name, counts in book["faults"].items():
        if counts["hit"]:
            table.add_row(name, f"{counts['hit']:,}", f"{counts['frames']:,}")
    out.print(table if table.row_count else "No faults.")
    energy = book["consumer_energy_wh"]
    out.print(f"{book['service_points']:,} service points; consumers took {energy['import'] / 1e6:,.3f} MWh "
              f"and gave {energy['export'] / 1e6:,.3f} MWh")  # fmt: skip
    out.print(f"Truth: {truth}" if truth else "Truth can be written beside: --truth FOLDER")


def _print_faults(as_json: bool) -> None:
    if as_json:
        emit([{"name": row.name, "per": row.per, "rate": row.rate, "reject": row.reject or None, "doc": row.doc}
              for row in FAULTS])  # fmt: skip
        return
    table = Table("fault", "rate", "of each", "reject", "what happens")
    for row in FAULTS:
        table.add_row(row.name, f"{row.rate:g}", row.per, row.reject, row.doc)
    console().print(table)
