"""What the warehouse's merges cost: CPU a row of insert and merges together, by `merge_selector_base`.

    python -m bench.merges --blocks 40 --pause 0.7

Each block holds the readings of some of a million meters in another order, as a sink cuts them; the pause stands for
the time in which they come. The figures of docs/decisions/0003-fewer-merges.md come from here. Generating is not timed.
"""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from bench.inside.warehouse import Ready, cpu_secs, inserts
from pipeline.columns import Array
from sinks.clickhouse import native
from sinks.clickhouse.columns import TOPIC
from sinks.clickhouse.packed_tables import READINGS

METERS, FIRST_POINT = 1_000_000, 10_000_000
INTERVAL_SECS, BEGIN = 1800, 1_751_328_000
RECORD_ROWS, PARTITIONS = 4000, 12

SPREADS = {
    "wh_imp": (0, 2000), "vah_imp": (0, 2000), "voltage_r": (220_000, 250_000), "current_r": (0, 20_000),
    "current_n": (0, 20_000), "power_factor": (800, 1000), "counter": (0, 1_000_000),
}  # fmt: skip
"""Column -> (least, most): what a single-phase meter sends; all other channels are absent."""


def block_of(number: int, rows: int) -> native.NativeBlock:
    """Block `number`: `rows` meters in an order of its own, two blocks an interval."""
    chance = np.random.default_rng(number)
    points = chance.permutation(METERS)[:rows].astype(np.int64) + FIRST_POINT
    records = np.arange(rows) // RECORD_ROWS
    known: dict[str, Array] = {
        "service_point": points,
        "device": points * 7919 + 13,
        "interval_start": np.full(rows, BEGIN + INTERVAL_SECS * (number // 2)),
        "interval_secs": np.full(rows, INTERVAL_SECS),
        "revision": np.arange(rows) + (number * rows + (1 << 40)),
        "quality": np.full(rows, 0x1111_0000_1111),
        "frame": np.arange(rows) % RECORD_ROWS,
        "origin_partition": records % PARTITIONS,
        "origin_offset": records + number * 100,
        **{name: chance.integers(*spread, rows) for name, spread in SPREADS.items()},
    }
    absent = np.zeros(rows, np.int64)
    columns = [
        native.constants(column.name, [("topic", rows)])
        if column.type == TOPIC
        else native.arrays(column.name, column.type, [known.get(column.name, absent)])
        for column in READINGS.stored
    ]
    return native.block(columns, rows)


def measure(base: int, blocks: int, rows: int, pause: float) -> dict[str, Any]:
    """Insert the blocks with this base and wait until nothing is merged any more."""
    with (
        tempfile.TemporaryDirectory(prefix="kvarn-merges-", ignore_cleanup_errors=True) as folder,
        inserts(Path(folder)) as warehouse,
    ):
        client = warehouse.client
        client.command(f"ALTER TABLE {READINGS.name} MODIFY SETTING merge_selector_base = {base}")
        merged_before, used = _merged(client), 0.0
        for number in range(blocks):
            ready = Ready(READINGS, block_of(number, rows))
            begin = cpu_secs()
            warehouse.put(ready)
            time.sleep(pause)
            used += cpu_secs() - begin
        begin = cpu_secs()
        warehouse.until_quiet()
        used, merged = used + cpu_secs() - begin, _merged(client) - merged_before
        parts = client.query(f"SELECT count() FROM system.parts WHERE active AND table = '{READINGS.name}'").first_row
    return {
        "base": base, "rows": blocks * rows, "cpu_us_per_row": round(1e6 * used / (blocks * rows), 3),
        "rows_merged": merged, "parts": parts[0],
    }  # fmt: skip


def _merged(client: Any) -> int:
    rows = client.query("SELECT value FROM system.events WHERE event = 'MergedRows'").result_rows
    return int(rows[0][0]) if rows else 0


def main(
    base: Annotated[list[int] | None, typer.Option(help="`merge_selector_base`; repeat it.")] = None,
    blocks: Annotated[int, typer.Option(min=1, help="Blocks that are inserted.")] = 40,
    rows: Annotated[int, typer.Option(min=1, max=METERS, help="Readings of a block.")] = 400_000,
    pause: Annotated[float, typer.Option(min=0, help="Seconds between two blocks.")] = 0.7,
) -> None:
    """Print a JSON line for each base."""
    for one in base or [5, 16]:
        typer.echo(json.dumps(measure(one, blocks, rows, pause)))


if __name__ == "__main__":
    typer.run(main)
