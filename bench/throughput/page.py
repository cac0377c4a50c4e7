"""The page of one run: figures, conditions, and what the numbers mean."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bench.page import RESULTS, machine_text, put, today

TEXT = """\
# Throughput, {date}

**{frames_per_s:,} frames a second**, {different} of {compared:,} rows differ from the generator's truth. The gate
is {gate:,.0f}, the goal {goal:,.0f}.

{question}

## What was measured

{frames:,} encrypted block pushes (D1, general-glo-ciphering, 106 octets) of {meters:,} meters waited in Kafka, in
an order that is another one each interval, {faults}. They were taken the whole way by the processes that `kvarn
run` starts: worker (decode, VEE, rating, node energy), losses worker, sink into chDB; determinants, losses, events
and rejects went through Kafka as well. Broker, workers and warehouse shared the machine. Checkpoints, fenced
transactions, idempotent producers and insert tokens were on; all channels were stored; the first local midnight
lies behind interval {evening} of {intervals}, so days were settled and bills made within the measured span.

The clock ran from the last look before a worker had written anything ({seconds:,.1f} s) to the first look at which
every committed position equalled the end of its topic: frames and node energy for the workers, all outputs for the
sink. The frames before that point are in the warehouse and their state is saved. The end of it waits for the last
blocks of the sink and the last checkpoints; a longer run spreads that wait over more frames. Before, the same
processes had taken in the first interval, so that every meter had its state, and had been stopped cleanly; they
started again from their checkpoints.

## Cost

| part | CPU µs a frame |
| --- | ---: |
{costs}

CPU seconds of each process between the same two looks. {state:,.1f} bytes of state topic were written a frame.
Other processes of the machine, and the looking itself, used {others:.0%} of the CPU time that was used; where that
is more than a few per cent, the frames a CPU second ({frames_per_cpu_s:,.0f}) say more than the frames a second.

## Correct

Outside the measured span every row was compared with what the generator's formulas say, by code that shares nothing
with the pipeline's: all revisions of {rows:,} readings, {determinants:,} determinants, {losses:,} balances;
{rejects:,} rejects were counted by code. Lost and unreadable pushes must be estimated as the rules say, spikes of
closed days replaced, copies dropped. Rules that were on: {rules}.

## Beside the naive way

{naive}

## Machine

{machine}

## What the numbers do not say

One machine of {cpus} CPUs, one run. The meters are alike: block pushes of one model, no registers, no
exchange of meters. A day of half hours has one midnight in 48 intervals; here it is one in {intervals}, so
settlement weighs more than in service.
"""


def write(said: dict[str, Any], question: str, evening: int, folder: Path = RESULTS) -> Path:
    """Write the page and return where."""
    found, load, machine = said["correct"], said["load"], said["machine"]
    compared = sum(found[name] for name in ("rows", "determinants", "losses", "rejects"))
    return put(
        "throughput",
        TEXT.format(
            **{name: said[name] for name in ("frames_per_s", "gate", "goal", "frames", "seconds", "frames_per_cpu_s")},
            date=today(), different=found["different"], compared=compared, question=question,
            meters=load["meters"], faults=_pushes(load),
            evening=evening, intervals=load["intervals"], costs=_costs(said["cpu_us_per_frame"]),
            state=said["state_bytes_per_frame"], others=machine["cpu_used_by_others"], rows=found["rows"],
            determinants=found["determinants"], losses=found["losses"], rejects=found["rejects"],
            rules=", ".join(said["rules"]), naive=_naive(said), cpus=machine["cpus"],
            machine=machine_text(machine),
        ),
        folder,
    )  # fmt: skip


def _pushes(load: dict[str, Any]) -> str:
    bad = "a hundredth of them at fault" if load["faults"] else "none of them at fault"
    return f"{bad}, {load['late_permille'] / 10:g} % sent late" if load["late_permille"] else bad


def _costs(costs: dict[str, float]) -> str:
    rows = [f"| {name} | {cost:.2f} |" for name, cost in costs.items()]
    return "\n".join([*rows, f"| together | {sum(costs.values()):.2f} |"])


def _naive(said: dict[str, Any]) -> str:
    if not said["naive"]:
        return "Not measured in this run."
    rows = [
        f"| {row['cipher']} | {row['frames_per_s']:,} | {row['frames_per_cpu_s']:,} | "
        f"{row['cpu_us_per_frame']['worker']:,.0f} | {row['cpu_us_per_frame']['broker']:,.0f} |"
        for row in said["naive"]
    ]
    return "\n".join(
        [
            "One Kafka message and one Faust agent call a frame, gurux-dlms for the bytes; no tables, sends",
            "gathered and not waited for, Faust's compiled streams, registers in plain objects. It saves no",
            "state, notices no lost interval, settles nothing and has no warehouse behind it. gurux-dlms decrypts",
            "in plain Python; the second row gives it the `cryptography` package for that.",
            "",
            "| decryption by | frames a second | frames a CPU second | CPU µs a frame, worker | broker |",
            "| --- | ---: | ---: | ---: | ---: |",
            *rows,
            "",
            f"Per CPU second of everything used, **{said['ratio']:,.0f} times** the better of them.",
        ]
    )
