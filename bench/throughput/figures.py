"""What is reported of a run: one JSON object, a table for people, a page to keep."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.throughput.drain import BROKER, Drained
from bench.throughput.run import Outcome
from bench.truth.rows import Tally
from pipeline.codes import RULES
from sinks.clickhouse.packed_tables import READINGS

NAMES = {"worker.metering": "worker", "worker.losses": "losses", "sink.warehouse": "sink", BROKER: BROKER}
"""Part -> its name in the figures; parts of other topologies keep theirs."""

ROWS = {"readings": "rows"}
"""Table -> its name in `correct`."""


def figures(outcome: Outcome) -> dict[str, Any]:
    """The JSON object."""
    drained, best = outcome.drained, outcome.best_naive
    return {
        "case": outcome.case.name,
        "frames_per_s": round(outcome.frames_per_s),
        "gate": outcome.case.gate,
        "goal": outcome.case.goal,
        "naive_frames_per_s": None if best is None else round(best.frames_per_s),
        "ratio": None if best is None else round(outcome.frames_per_cpu_s / best.frames_per_cpu_s, 1),
        "frames": drained.frames,
        "seconds": round(drained.seconds, 2),
        "frames_per_cpu_s": round(outcome.frames_per_cpu_s),
        "cpu_us_per_frame": cpu_us(drained),
        "state_bytes_per_frame": round((drained.end.state_bytes - drained.begin.state_bytes) / drained.frames, 1),
        "correct": correct(outcome.tallies),
        "naive": [
            {
                "cipher": result.cipher,
                "frames_per_s": round(result.frames_per_s),
                "frames_per_cpu_s": round(result.frames_per_cpu_s),
                "cpu_us_per_frame": {
                    "worker": round(1e6 * result.worker_secs / result.frames, 1),
                    "broker": round(1e6 * result.broker_secs / result.frames, 1),
                },
                "frames": result.frames,
                "seconds": round(result.seconds, 2),
            }
            for result in outcome.naive
        ],
        "load": outcome.case.load.model_dump() | {"intervals": outcome.case.load.intervals},
        "rules": [rule.code for rule in RULES],
        "columns": [column.name for column in READINGS.stored],
        "machine": outcome.machine | {"cpu_used_by_others": round(others(drained), 3)},
    }


def cpu_us(drained: Drained) -> dict[str, float]:
    """Part -> microseconds of CPU a frame."""
    return {NAMES.get(part, part): round(1e6 * drained.cpu(part) / drained.frames, 3) for part in drained.parts}


def others(drained: Drained) -> float:
    """Share of the machine's busy seconds that was not ours: what else ran, this measurement's own looking included."""
    busy = drained.end.machine - drained.begin.machine
    ours = sum(drained.cpu(part) for part in drained.parts)
    return max(0.0, 1 - ours / busy) if busy else 0.0


def correct(tallies: Mapping[str, Tally]) -> dict[str, Any]:
    """Rows compared and rows that differ."""
    counts = {ROWS.get(name, name): tally.rows for name, tally in tallies.items()}
    wrong = {
        name: {"missing": tally.missing, "unexpected": tally.unexpected, "other": tally.other,
               "columns": tally.columns, "examples": tally.examples}
        for name, tally in tallies.items() if tally.different
    }  # fmt: skip
    different = sum(tally.different for tally in tallies.values())
    return {**counts, "different": different, **({"wrong": wrong} if wrong else {})}


def show(out: Console, said: dict[str, Any]) -> None:
    """The table for people."""
    gate = "met" if said["frames_per_s"] >= said["gate"] else "not met"
    out.print(
        f"[bold]{said['frames_per_s']:,} frames a second[/] ({said['frames']:,} in {said['seconds']:,.1f} s); "
        f"the gate of {said['gate']:,.0f} is {gate}, the goal is {said['goal']:,.0f}"
    )
    out.print(_costs(said))
    found = said["correct"]
    out.print(
        f"{found['rows']:,} readings, {found['determinants']:,} determinants, {found['losses']:,} balances and "
        f"{found['rejects']:,} rejects compared with the truth: {found['different']:,} differ"
    )
    for name, wrong in found.get("wrong", {}).items():
        out.print(f"  {name}: {wrong}", markup=False, style="red")
    if said["naive"]:
        out.print(_naive(said["naive"]))
        out.print(f"Per CPU second of everything used: [bold]{said['ratio']:,.0f} times[/] the naive way")
    machine = said["machine"]
    out.print(
        f"{machine['cpus']} CPUs ({machine['cpu']}), {machine['memory_gib']} GiB; others used "
        f"{machine['cpu_used_by_others']:.0%} of the CPU time; load before it {machine['load_before']}"
    )


def _costs(said: dict[str, Any]) -> Table:
    table = Table("part", "CPU us a frame", title="Where the CPU goes", title_justify="left")
    table.columns[1].justify = "right"
    for name, cost in said["cpu_us_per_frame"].items():
        table.add_row(name, f"{cost:.2f}")
    table.add_row("together", f"{sum(said['cpu_us_per_frame'].values()):.2f}", style="bold")
    table.caption = f"{said['state_bytes_per_frame']} bytes of state topic a frame"
    return table


def _naive(rows: list[dict[str, Any]]) -> Table:
    table = Table("decryption by", "frames a second", "CPU us, worker", "CPU us, broker",
                  title="The naive way: an agent call a frame, gurux-dlms", title_justify="left")  # fmt: skip
    for column in table.columns[1:]:
        column.justify = "right"
    for row in rows:
        cost = row["cpu_us_per_frame"]
        table.add_row(row["cipher"], f"{row['frames_per_s']:,}", f"{cost['worker']:,.0f}", f"{cost['broker']:,.0f}")
    return table
