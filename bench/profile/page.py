"""The budget page: `bench/results/budget.md`, one that is kept current."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bench.page import RESULTS, machine_text, today

NAME = "budget.md"


def text(said: dict[str, Any]) -> str:
    """The page of an object of `budget`."""
    load, drain = said["load"], said["drain"]
    lines = [
        "# Budget: what a frame costs", "",
        f"`kvarn bench profile --page`, {today()}. A frame may take {said['budget_us_per_frame']} us of CPU:",
        "300,000 frames a second on two CPUs, all counted. Each change that adds to it says the sum before and after.",
        "",
        f"Load: {load['meters']:,} service points, {load['frames']:,} frames in records of {load['batch_frames']:,}, "
        "one local midnight.",
        "", "## Stages, each alone", "",
        "A tenth of the service points over the same intervals, in one process, one stage at a time; CPU nanoseconds",
        "a frame. Ticks are the ends of intervals: estimates, the midnight's settlement and bills, balances.", "",
        "| stage | records of frames | ticks | limit |", "| --- | ---: | ---: | ---: |",
    ]  # fmt: skip
    for row in said["stages"]:
        limit = "" if row["limit_ns"] is None else f"{row['limit_ns']:,.0f}"
        lines.append(f"| {row['stage']} | {row['frames_ns']:,.0f} | {row['ticks_ns']:,.0f} | {limit} |")
    limit = said["limit_us_per_frame"]
    lines += [
        "", f"Together {1000 * said['stages_us_per_frame']:,.0f} ns.", "",
        "## Limit", "",
        "What the same frames, outputs and rows take without anything of ours: AES-128-GCM (by libcrypto or our own,",
        "whichever takes less), the octets through Kafka once (frames read; outputs written and read), the insert of",
        "ready blocks with its merges.", "",
        "| part | us a frame |", "| --- | ---: |",
        *(f"| {name} | {value:.2f} |" for name, value in limit.items()),
    ]  # fmt: skip
    if drain is not None:
        different = drain["correct"]["different"]
        lines += [
            "", "## In a drain, all at once", "",
            f"{drain['frames_per_s']:,.0f} frames a second, {different:,} rows differ from the truth. What a process "
            "takes here beyond its stages",
            "alone: Kafka's clients, checkpoints, and that two hardware threads at work slow each other down.", "",
            "| process | us a frame |", "| --- | ---: |",
            *(f"| {name} | {value:.2f} |" for name, value in drain["cpu_us_per_frame"].items()),
            "", f"The limit is {drain['share_of_limit']:.0%} of it.",
            "", machine_text(drain["machine"]),
        ]  # fmt: skip
    return "\n".join([*lines, ""])


def write(said: dict[str, Any], folder: Path = RESULTS) -> Path:
    """Put the page in its place."""
    path = folder / NAME
    path.write_text(text(said), encoding="utf-8")
    return path
