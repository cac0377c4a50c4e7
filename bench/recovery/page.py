"""The page of one run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bench.page import RESULTS, machine_text, put, today
from bench.recovery.figures import PHASES

TEXT = """\
# Recovery, {date}

{ok}. First new output **{first} s** after SIGKILL (worst; goal {first_goal:g} s), lag gone after **{gone} s** (worst;
goal {gone_goal:g} s). {different} of {compared:,} rows differ from the generator's truth.

{question}

## What was measured

{meters:,} meters had their state in one worker process. The processes of `kvarn run` had first drained frames that
waited in Kafka: {capacity:,} frames a second, with everything on. Then {rate:,} frames a second came all the time,
half of that, made and written on the same machine. In this steady load a part was ended with SIGKILL, at a moment
anywhere between two checkpoints, and started again at once under its name. Then the next kill. Seconds count from the
signal.

*First new output*: of the worker, a reading record made of a frame record of which none had been made before (copies
of outputs, which a restart repeats, do not count); of the other parts, the first committed position beyond those
before. *Lag gone*: as few records wait for their outputs as at most in the ten seconds before the kill, and the
group's committed positions are as close behind too; a record a partition does not count.

| part | kills | first new output, median | worst | lag gone, median | worst | copies of outputs |
| --- | ---: | ---: | ---: | ---: | ---: | ---: |
{rows}

## The worker's restart

| seconds after the kill (median) | until |
| ---: | --- |
{phases}

State topics held {state:,.0f} MB at the end, old records that the cleaner had not come to included.

## Machine

{machine}

## What the numbers do not say

One machine of {cpus} CPUs, one run: feeder, broker, workers, warehouse and the measurement share it. A new
machine would have to load the programs from disk first, which here are in the page cache.
"""


def write(said: dict[str, Any], question: str, folder: Path = RESULTS) -> Path:
    """Write the page and return where."""
    found, machine = said["correct"], said["machine"]
    known = next(iter(said["parts"].values()))["phases"]
    return put(
        "recovery",
        TEXT.format(
            date=today(), ok="Both goals are met" if said["ok"] else "Not all goals are met",
            first=said["recovery_first_output_s"]["worst"], gone=said["lag_gone_s"]["worst"],
            first_goal=said["goals"]["recovery_first_output_s"], gone_goal=said["goals"]["lag_gone_s"],
            different=found["different"],
            compared=sum(found[name] for name in ("rows", "determinants", "losses", "rejects")),
            question=question, meters=said["meters"], capacity=said["capacity"], rate=said["fed_rate"],
            rows="\n".join(_row(name, part) for name, part in said["parts"].items()),
            phases="\n".join(f"| {known[event]} | {what} |" for event, what in PHASES if event in known),
            state=said["state_bytes"] / 1e6, cpus=machine["cpus"],
            machine=machine_text(machine),
        ),
        folder,
    )  # fmt: skip


def _row(name: str, part: dict[str, Any]) -> str:
    first, gone = part["recovery_first_output_s"], part["lag_gone_s"]
    return (
        f"| {name} | {part['tries']} | {first['median']} | {first['worst']} | {gone['median']} | {gone['worst']} | "
        f"{part['copies']} |"
    )
