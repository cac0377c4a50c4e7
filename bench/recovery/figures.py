"""What is reported: one JSON object, a table for people."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.recovery.restart import Restart
from bench.recovery.run import Outcome
from bench.throughput.figures import NAMES, correct

PHASES = (
    ("starting", "Python, libraries and settings"),
    ("joined", "a member of the group, partitions assigned"),
    ("versions in force", "registry and keys read and prepared, beside the others"),
    ("restored", "the process before fenced, state read, checked and in memory, last partition"),
    ("ready", "position committed"),
)
"""Event in a worker's log -> what is done by then."""


def figures(outcome: Outcome) -> dict[str, Any]:
    """The JSON object; `ok` is of the first part, whose goals they are."""
    case = outcome.case
    parts = {part: _part([one for one in outcome.restarts if one.part == part]) for part in case.parts}
    first = parts[case.parts[0]]
    met = (
        first["recovery_first_output_s"]["worst"] <= case.first_output_goal_s
        and first["lag_gone_s"]["worst"] <= case.lag_gone_goal_s
    )
    return {
        "case": case.name,
        "ok": met and not outcome.different,
        "goals": {"recovery_first_output_s": case.first_output_goal_s, "lag_gone_s": case.lag_gone_goal_s},
        "recovery_first_output_s": first["recovery_first_output_s"],
        "lag_gone_s": first["lag_gone_s"],
        "capacity": round(outcome.capacity),
        "fed_rate": round(outcome.fed_rate),
        "meters": case.load.meters,
        "frames": outcome.frames,
        "state_bytes": outcome.state_bytes,
        "parts": {NAMES.get(part, part): found for part, found in parts.items()},
        "restarts": [one.as_json() for one in outcome.restarts],
        "correct": correct(outcome.tallies),
        "machine": outcome.machine,
    }


def _part(restarts: Sequence[Restart]) -> dict[str, Any]:
    return {
        "tries": len(restarts),
        "recovery_first_output_s": _spread([one.first_output for one in restarts]),
        "lag_gone_s": _spread([one.lag_gone for one in restarts]),
        "processed_s": _spread([one.processed for one in restarts]),
        "copies": sum(one.copies for one in restarts),
        "phases": {event: _spread([one.phases.get(event) for one in restarts])["median"] for event, _ in PHASES
                   if any(event in one.phases for one in restarts)},
    }  # fmt: skip


def _spread(values: Sequence[float | None]) -> dict[str, float]:
    known = [value for value in values if value is not None]
    return {"median": round(median(known), 2), "worst": round(max(known), 2)} if known else {}


def show(out: Console, said: dict[str, Any]) -> None:
    """The tables for people."""
    goals, found = said["goals"], said["correct"]
    out.print(
        f"[bold]{said['recovery_first_output_s']['worst']} s[/] from SIGKILL to the first new output (goal "
        f"{goals['recovery_first_output_s']:g}), lag gone after [bold]{said['lag_gone_s']['worst']} s[/] (goal "
        f"{goals['lag_gone_s']:g}), worst of {said['parts']['worker']['tries'] if 'worker' in said['parts'] else ''} "
        f"kills; {said['meters']:,} meters, {said['fed_rate']:,} frames/s fed, {said['capacity']:,} possible"
    )
    table = Table("part", "kills", "first new output", "worst", "lag gone", "worst", "copies of outputs")
    for column in table.columns[1:]:
        column.justify = "right"
    for name, part in said["parts"].items():
        first, gone = part["recovery_first_output_s"], part["lag_gone_s"]
        table.add_row(
            name, str(part["tries"]), f"{first['median']} s", f"{first['worst']} s", f"{gone['median']} s",
            f"{gone['worst']} s", str(part["copies"]),
        )  # fmt: skip
    out.print(table)
    phases = Table("seconds after the kill (median)", "until", title="The worker's restart", title_justify="left")
    known = next(iter(said["parts"].values()))["phases"]
    for event, what in PHASES:
        if event in known:
            phases.add_row(str(known[event]), what)
    out.print(phases)
    out.print(
        f"{found['rows']:,} readings, {found['determinants']:,} determinants, {found['losses']:,} balances and "
        f"{found['rejects']:,} rejects compared with the truth: {found['different']:,} differ"
    )
    for name, wrong in found.get("wrong", {}).items():
        out.print(f"  {name}: {wrong}", markup=False, style="red")
