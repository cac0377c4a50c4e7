"""Dated pages of a series and of the mutants."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bench.faults.kinds import BY_NAME
from bench.faults.mutants import BY_NAME as MUTANTS
from bench.page import RESULTS, machine_text, put, today

FAULTS = """\
# Faults, {date}

**{verdict}** {question}

{trials} trials, each on a broker of its own: {frames:,} frames of {meters:,} meters at least, {late} late, a hundredth
at fault, are drained by the processes that `kvarn run` starts while one fault befalls them. Then every row of the
warehouse (base tables, without FINAL) is compared with what the generator's formulas say, by code that shares nothing
with the pipeline's, and the raw topics are read: an output's id must stand for one content. Parts are started again as
a process manager would. Processes have a session of 6 s and make a checkpoint a second.

| fault | faults | lost | doubled | different | conflicts | copies | recovery s, median | worst |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
{rows}

Lost, doubled, different: rows of `readings`, `determinants`, `losses`, `events` and `rejects`. Conflicts: ids on the
raw topics with more than one content, and checkpoints whose number does not follow the one before. Copies: outputs that
were sent again with the same bytes, and dropped behind Kafka. Recovery: from the fault to the next output that the
disturbed part had to show; of a fault that lasts, its own time is within it.

{apart}

## SIGKILLs at named moments: {kills}

{moments}

## What each fault is

{docs}

## Machine

{machine}
"""

LEFT_OUT = """\
# Mutants, {date}

**{verdict}** One guarantee after the other was left out of the pipeline's processes; the fault bench must notice each.

| left out | what that is | noticed | lost | doubled | different | conflicts | ended with |
| --- | --- | --- | ---: | ---: | ---: | ---: | --- |
{rows}

Each in a quick trial ({frames:,} frames, {meters:,} meters) under the fault in which it must show. "Ended with": a
process found out by itself and would not go on.

## Machine

{machine}
"""


def write(
    said: dict[str, Any], load: dict[str, Any], question: str, machine: dict[str, Any], folder: Path = RESULTS
) -> Path:
    """Write the page of a series and return where."""
    rows = [
        f"| {row['fault']} | {row['tries']:,} | {row['lost']:,} | {row['doubled']:,} | {row['different']:,} | "
        f"{row['conflicts']:,} | {row['copies']:,} | {_secs(row['recovery_s']['median'])} | "
        f"{_secs(row['recovery_s']['worst'])} |"
        for row in said["faults"]
    ]
    apart = [
        f"- {row['fault']}: " + ", ".join(f"{count:,} {name}" for name, count in row["apart"].items())
        for row in said["faults"] if row["apart"]
    ]  # fmt: skip
    text = FAULTS.format(
        date=today(), verdict=_verdict(said["ok"], "Nothing lost, nothing twice.", "NOT as an undisturbed run."),
        question=question, trials=len(said["trials"]), frames=load["frames"], meters=load["meters"],
        late=f"{load['late_permille'] / 10:g} %", rows="\n".join(rows),
        apart="\n".join(["Counted apart:", "", *apart]) if apart else "", kills=said["kills"],
        moments=", ".join(f"{moment} {count}" for moment, count in said["kills_by_moment"].items()) or "None.",
        docs="\n".join(f"- {row['fault']}: {BY_NAME[row['fault']].doc}." for row in said["faults"]),
        machine=machine_text(machine),
    )  # fmt: skip
    return put("faults", text, folder)


def write_mutants(said: dict[str, Any], load: dict[str, Any], machine: dict[str, Any], folder: Path = RESULTS) -> Path:
    """Write the page of the mutants and return where."""
    rows = [
        f"| {row['mutant']} | {MUTANTS[row['mutant']].doc} | {_verdict(row['noticed'], 'yes', '**no**')} | "
        f"{row['lost']:,} | {row['doubled']:,} | {row['different']:,} | {row['conflicts']:,} | "
        f"{row['ended_with']} |"
        for row in said["mutants"]
    ]
    text = LEFT_OUT.format(
        date=today(), verdict=_verdict(said["ok"], "All were noticed.", "NOT all were noticed."), rows="\n".join(rows),
        frames=load["frames"], meters=load["meters"], machine=machine_text(machine),
    )  # fmt: skip
    return put("mutants", text, folder)


def _verdict(ok: bool, good: str, bad: str) -> str:
    return good if ok else bad


def _secs(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"
