"""Stages alone in this process, the limit of the same frames, and the real processes in a drain of the same load."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.case import Case
from bench.experiments.drain import OnDrain, frames_a_second
from bench.inside.chains import Inside, StageClock
from bench.inside.warehouse import INSERTED
from bench.limit.measure import limit_from, sample_of, smaller, warm_up
from bench.throughput.drain import Progress, named

BUDGET_US = 6.6
"""CPU microseconds a frame at 300,000 frames a second on two CPUs."""

LIMIT_OF = {"decode": "cipher", INSERTED: "insert"}
"""Stage -> the part of the limit that it cannot do without."""


def budget(case: Case, file: Path, progress: Progress, *, drain: bool = True) -> dict[str, Any]:
    """The JSON object: nanoseconds a frame by stage and part.

    stages: {"stage", "frames_ns", "ticks_ns", "limit_ns"}; frames: of records of frames, ticks: of ends of intervals,
    midnights among them. limit_us_per_frame: see bench.limit. drain: cpu_us_per_frame by process, frames_per_s; null
    without.
    """
    warm_up(case.load, file, progress)
    inside = Inside(file, smaller(case.load))
    try:
        sample = sample_of(inside, named("stages", progress))
        rows, sink = _rows(inside.clock.spent, sample.frames), StageClock()
        parts = limit_from(sample, progress, sink).as_json()
        rows += _rows(sink.spent, sample.frames)
        rows.append({"stage": INSERTED, "frames_ns": 1000 * parts["insert"], "ticks_ns": 0.0})
    finally:
        inside.close()
    del sample
    for row in rows:
        part = LIMIT_OF.get(row["stage"])
        row["limit_ns"] = None if part is None else round(1000 * parts[part], 1)
    drained = OnDrain(frames_a_second)(case, file, named("drain", progress)) if drain else None
    return {
        "load": case.load.model_dump(),
        "stages": rows,
        "stages_us_per_frame": round(sum(row["frames_ns"] + row["ticks_ns"] for row in rows) / 1000, 3),
        "limit_us_per_frame": parts,
        "budget_us_per_frame": BUDGET_US,
        "drain": None if drained is None else {
            "frames_per_s": drained.value,
            "cpu_us_per_frame": drained.details["cpu_us_per_frame"],
            "share_of_limit": round(parts["together"] / drained.details["cpu_us_per_frame"]["together"], 3),
            "correct": drained.correct,
            "machine": drained.machine,
        },
    }  # fmt: skip


def _rows(spent: Mapping[tuple[str, bool], int], frames: int) -> list[dict[str, Any]]:
    names = list(dict.fromkeys(name for name, _ in spent))
    known: Counter[tuple[str, bool]] = Counter(spent)
    return [
        {
            "stage": name,
            "frames_ns": round(known[name, False] / frames, 1),
            "ticks_ns": round(known[name, True] / frames, 1),
        }
        for name in names
    ]


def show(out: Console, said: dict[str, Any]) -> None:
    """The tables for people."""
    table = Table("stage, alone", "ns a frame", "at ticks", "limit", title="CPU by stage", title_justify="left")
    for column in table.columns[1:]:
        column.justify = "right"
    for row in said["stages"]:
        limit = "" if row["limit_ns"] is None else f"{row['limit_ns']:,.0f}"
        table.add_row(row["stage"], f"{row['frames_ns']:,.0f}", f"{row['ticks_ns']:,.0f}", limit)
    out.print(table)
    limit = ", ".join(f"{name} {value:.2f}" for name, value in said["limit_us_per_frame"].items())
    out.print(f"Stages together {said['stages_us_per_frame']:.2f} us a frame; the limit, us: {limit}")
    drain = said["drain"]
    if drain is None:
        return
    costs = ", ".join(f"{name} {value:.2f}" for name, value in drain["cpu_us_per_frame"].items())
    out.print(f"In a drain ({drain['frames_per_s']:,.0f} frames/s), us: {costs}; of it {drain['share_of_limit']:.0%} "
              f"is the limit; the budget is {said['budget_us_per_frame']} us")  # fmt: skip
