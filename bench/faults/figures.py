"""What is reported of a series: an object a fault kind, and a table for people."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.faults.series import FaultCase, Line, killed_enough, kills_by_moment

SUMS = ("tries", "lost", "doubled", "different", "copies", "conflicts")


def figures(lines: Sequence[Line], full: FaultCase | None = None) -> dict[str, Any]:
    """The JSON object; `full`: a whole series, which must have killed as often as the case says."""
    names = list(dict.fromkeys(line["fault"] for line in lines))
    moments = kills_by_moment(lines)
    often = full is None or killed_enough(full, lines)
    return {
        "case": "faults",
        "ok": bool(lines) and all(line["ok"] for line in lines) and often,
        "kills": moments.total(),
        "kills_by_moment": dict(sorted(moments.items())),
        "faults": [_of_kind(name, [line for line in lines if line["fault"] == name]) for name in names],
        "trials": list(lines),
    }


def _of_kind(name: str, lines: Sequence[Line]) -> dict[str, Any]:
    recoveries = [secs for line in lines for secs in line["recovery_s"]]
    moments: Counter[str] = Counter()
    apart: Counter[str] = Counter()
    for line in lines:
        moments.update(line["moments"])
        apart.update(line["apart"])
    return {
        "fault": name,
        "trials": len(lines),
        **{field: sum(line[field] for line in lines) for field in SUMS},
        "frames": sum(line["frames"] for line in lines),
        "moments": dict(sorted(moments.items())),
        "apart": dict(sorted(apart.items())),
        "recovery_s": {
            "median": round(median(recoveries), 2) if recoveries else None,
            "worst": max(recoveries, default=None),
        },
        "errors": [line["error"] for line in lines if line["error"]],
        "ok": all(line["ok"] for line in lines),
    }


def mutant_figures(lines: Sequence[Line]) -> dict[str, Any]:
    """The JSON object of a run of mutants: each must be noticed, by what it did to the rows or because it ended."""
    mutants = [
        {
            "mutant": line["trial"].split("/")[0],
            "noticed": not line["ok"],
            **{field: line[field] for field in SUMS},
            "ended_with": _codes(line["error"]),
            "error": line["error"],
        }
        for line in lines
    ]
    return {"case": "mutants", "ok": bool(mutants) and all(row["noticed"] for row in mutants), "mutants": mutants}


def _codes(error: str) -> str:
    """The trial's error and, where a process has ended, the last that it said itself: "PART_ENDED, PAGES_OTHER"."""
    found = re.findall(r"\b([A-Z]+(?:_[A-Z]+)+) at ", error)
    return ", ".join(dict.fromkeys([*found[:1], *found[-1:]]))


def show_mutants(out: Console, said: dict[str, Any]) -> None:
    """The table."""
    table = Table("mutant", "noticed", "lost", "doubled", "different", "conflicts", "ended with", title="Mutants",
                  title_justify="left")  # fmt: skip
    for row in said["mutants"]:
        numbers = (f"{row[name]:,}" for name in ("lost", "doubled", "different", "conflicts"))
        table.add_row(row["mutant"], "yes" if row["noticed"] else "NO", *numbers, row["ended_with"])
    out.print(table)


def show(out: Console, said: dict[str, Any]) -> None:
    """The table."""
    heads = ("fault", "tries", "lost", "doubled", "different", "copies dropped", "conflicts", "recovery s", "worst s")
    table = Table(*heads, title="Faults", title_justify="left")
    for column in table.columns[1:]:
        column.justify = "right"
    for row in said["faults"]:
        recovery = row["recovery_s"]
        numbers = (row[name] for name in SUMS)
        table.add_row(row["fault"], *(f"{number:,}" for number in numbers), str(recovery["median"] or ""),
                      str(recovery["worst"] or ""))  # fmt: skip
    out.print(table)
    for row in said["faults"]:
        if row["apart"]:
            out.print(f"{row['fault']}: " + ", ".join(f"{count:,} {name}" for name, count in row["apart"].items()))
        for error in row["errors"]:
            out.print(f"{row['fault']}: {error}", markup=False)
    out.print("Nothing lost, nothing twice." if said["ok"] else "NOT as an undisturbed run.")
