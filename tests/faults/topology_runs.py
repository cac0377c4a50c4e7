"""Parts of a fault run on the real topology that need a process of their own: one warehouse is open a process.

    python -m tests.faults.topology_runs embedded FOLDER FILE METERS DAYS SEED
    python -m tests.faults.topology_runs rows WAREHOUSE

`embedded` runs a fleet in memory and leaves in FOLDER: the warehouse, every record of `frames` in order (log.pickle: a
list a slot of (partition, value)), and the versions that control records name. `rows` prints every row of a warehouse.
"""

from __future__ import annotations

import json
import pickle
import sys
from pathlib import Path
from typing import Any

from cli.demo.command import demo_config, warehouse_in, with_warehouse
from cli.demo.compare import all_rows
from cli.demo.embedded import EmbeddedDemo
from cli.topology import read_plan
from connectors.simulator import Simulation, build_fleet
from pipeline.runtime.references import KEYS
from schemas.load import load_contracts
from sinks.clickhouse.config import ClickHouseConfig
from sinks.clickhouse.sink import ClickHouseSink


def embedded(folder: Path, file: Path, meters: int, days: int, seed: int) -> None:
    """The run that nobody disturbs, and the log that it was made from."""
    plan = read_plan(file)
    simulation = Simulation(build_fleet(demo_config(meters=meters, days=days, seed=seed, faults="all")))
    folder.mkdir(parents=True, exist_ok=True)
    sink = ClickHouseSink(warehouse_in(folder))
    sink.open()
    demo = EmbeddedDemo(plan, simulation, load_contracts(), sink, run="calm", seen=lambda _: None)
    source = plan.chains[0].source.name
    slots: list[list[tuple[int, bytes]]] = [[]]
    append = demo._embedded.append

    def recorded(topic: str, partition: int, value: bytes, key: bytes = b"") -> Any:
        if topic == source:
            slots[-1].append((partition, value))
        return append(topic, partition, value, key)

    demo._embedded.append = recorded  # type: ignore[method-assign]
    demo.go(lambda _done, _total: slots.append([]))
    sink.close()
    (folder / "log.pickle").write_bytes(pickle.dumps(slots))
    for (kind, version), raw in demo._references.versions.items():
        name = folder / "keys" / f"{version}.keys" if kind == KEYS else folder / "versions" / f"{kind}-{version}"
        name.parent.mkdir(exist_ok=True)
        name.write_bytes(raw)


def rows(dsn: str) -> None:
    """Table -> row -> how often, as JSON; rejects of connectors left out, for they were put aside before the log."""
    tables = with_warehouse(ClickHouseConfig(dsn=dsn), all_rows)
    kept = {line: number for line, number in tables["rejects"].items() if not line.startswith("('connector'")}
    sys.stdout.write(json.dumps({**tables, "rejects": kept}))


if __name__ == "__main__":
    if sys.argv[1] == "embedded":
        embedded(Path(sys.argv[2]), Path(sys.argv[3]), *(int(text) for text in sys.argv[4:7]))
    else:
        rows(sys.argv[2])
