"""What is reported of a soak: JSON, a table for people. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from bench.soak.case import LONG_MINUTES, SoakCase
from bench.soak.run import OTHERS, Outcome

MIB = 1 << 20
AROUND_SECS = 15.0
PUSHING = ("calibration", "overload")
LAG_TIMES = 1.5
"""The mean lag of the last half may be so many times that of the half before it."""
LAG_SECS = 60.0
"""A reader that needs less than this for its lag, at its own pace, is not behind in any sense that matters."""


def slope_percent(at: Sequence[float], value: Sequence[float]) -> tuple[float, float] | None:
    """Growth in percent of the mean an hour, by least squares, and its standard error; `at` in seconds.

    The error takes what is left for independent, so it is rather too small. None for less than three values.
    """
    if len(at) < 3:
        return None
    times, values = np.asarray(at, float) / 3600, np.asarray(value, float)
    away = times - times.mean()
    square = (away * away).sum()
    slope = (away * (values - values.mean())).sum() / square
    left = values - values.mean() - slope * away
    error = np.sqrt((left * left).sum() / (len(at) - 2) / square)
    return float(slope / values.mean() * 100), float(error / values.mean() * 100)


def around(at: Sequence[float], value: Sequence[float], wanted: float) -> float:
    """The mean of the values within AROUND_SECS of `wanted`, or the one nearest to it."""
    near = [one for when, one in zip(at, value, strict=True) if abs(when - wanted) <= AROUND_SECS]
    return float(np.mean(near)) if near else value[min(range(len(at)), key=lambda row: abs(at[row] - wanted))]


def memory_of(case: SoakCase, samples: Sequence[dict[str, Any]], part: str, *, short: bool) -> dict[str, Any]:
    """One part's memory while it was pushed at: MiB, and whether it kept to the goals.

    `ok` is None for what is not judged: parts of others, and all of a short run, which is still warming up.
    """
    pushed = [sample for sample in samples if sample["phase"] in PUSHING]
    at = [sample["at"] for sample in pushed]
    resident = [sample["rss"][part] for sample in pushed]
    base = around(at, resident, case.base_at)
    warm = [row for row, second in enumerate(at) if second >= case.warm_at]
    slope = slope_percent([at[row] for row in warm], [resident[row] for row in warm])
    private = slope_percent([at[row] for row in warm], [pushed[row]["private"][part] for row in warm])
    most = max(resident) / base
    held = None
    if part not in OTHERS.values() and not short:
        held = slope is not None and slope[0] < case.goals.slope_percent_per_hour and most < case.goals.most
    return {
        "base_mib": round(base / MIB, 1),
        "last_mib": round(resident[-1] / MIB, 1),
        "most_mib": round(max(resident) / MIB, 1),
        "peak_mib": round(max(sample["peak"][part] for sample in pushed) / MIB, 1),
        "slope_percent_per_hour": None if slope is None else round(slope[0], 2),
        "slope_error": None if slope is None else round(slope[1], 2),
        "private_slope_percent_per_hour": None if private is None else round(private[0], 2),
        "most_over_base": round(most, 3),
        "ok": held,
    }


def lag_of(case: SoakCase, samples: Sequence[dict[str, Any]], reader: str) -> dict[str, Any]:
    """One reader's lag while it was pushed at, in records, and in seconds at its own pace; `ok`: it does not grow."""
    after = [sample for sample in samples if sample["phase"] == "overload" and sample["at"] >= case.base_at]
    if len(after) < 4:
        return {"mean": None, "most": None, "most_secs": None, "ok": True}
    lags = [sample["lag"][reader] for sample in after]
    pace = (after[-1]["done"][reader] - after[0]["done"][reader]) / (after[-1]["at"] - after[0]["at"])
    middle = len(lags) // 2
    before, later = float(np.mean(lags[:middle])), float(np.mean(lags[middle:]))
    return {
        "mean": round(float(np.mean(lags))),
        "most": max(lags),
        "most_secs": round(max(lags) / pace, 1) if pace else None,
        "ok": later <= LAG_TIMES * before or max(lags[middle:]) <= LAG_SECS * pace,
    }


def held_back(case: SoakCase, samples: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Connector -> seconds that it read nothing, of them by the brake, and the most octets it saw unread."""
    last = samples[-1]["connectors"]
    return {
        name: {
            "stopped_secs": round(page.get("stopped_secs") or 0.0, 1),
            "braked_secs": round(page.get("braked_secs") or 0.0, 1),
            "most_behind_octets": max((sample["connectors"][name]["behind_octets"] or 0) for sample in samples),
        }
        for name, page in last.items()
    }


def rates(outcome: Outcome) -> dict[str, Any]:
    """Frames a second under overload: what was to be offered, what was sent, what was taken."""
    over = [sample for sample in outcome.samples if sample["phase"] == "overload"]
    said: dict[str, Any] = {"capacity": outcome.capacity and round(outcome.capacity)}
    if outcome.capacity is None or len(over) < 2:
        return said
    first, last = over[0], over[-1]
    secs = last["at"] - first["at"]
    sent, taken = ((last["frames"][name] - first["frames"][name]) / secs for name in ("sent", "committed"))
    target = float(np.mean([sample["offered_per_s"] for sample in over[1:]]))
    return said | {"offered": round(target), "sent": round(sent), "taken": round(taken),
                   "held_back_percent": round(100 * (1 - sent / target), 1)}  # fmt: skip


def compared(outcome: Outcome) -> dict[str, Any] | None:
    """Frames along the way, and whether all are equal; None when the run did not get so far."""
    counts = outcome.counts
    if counts is None:
        return None
    rows = counts.readings + counts.rejects
    same = counts.accepted == counts.logged == rows and counts.sent == counts.accepted and counts.odd_intervals == 0
    return asdict(counts) | {"equal": same}


def figures(outcome: Outcome) -> dict[str, Any]:
    """The JSON object."""
    case, samples = outcome.case, outcome.samples
    pushed = [sample for sample in samples if sample["phase"] in PUSHING]
    short = outcome.pushed_secs < 60 * LONG_MINUTES - case.sample_secs
    parts = {part: memory_of(case, samples, part, short=short) for part in (pushed[0]["rss"] if pushed else {})}
    readers = list(pushed[0]["lag"]) if pushed else []
    lags = {reader: lag_of(case, samples, reader) for reader in readers}
    stops = held_back(case, samples) if samples else {}
    counts = compared(outcome)
    back = any(stop["stopped_secs"] > 0 for stop in stops.values())
    ok = (
        not outcome.faults and counts is not None and bool(counts["equal"]) and back
        and all(row["ok"] is not False for row in parts.values()) and all(lag["ok"] for lag in lags.values())
    )  # fmt: skip
    return {
        "case": case.name,
        "ok": ok,
        "short": short,
        "early": outcome.early,
        "pushed_secs": round(outcome.pushed_secs, 1),
        "windows": {"base_at": case.base_at, "warm_at": case.warm_at},
        "frames_per_s": rates(outcome),
        "memory": parts,
        "lag": lags,
        "backpressure": stops,
        "backpressure_reached": back,
        "frames": counts,
        "faults": outcome.faults,
        "drain_secs": outcome.drain_secs,
        "disk_gib": {name: round(octets / 2**30, 2) for name, octets in samples[-1]["disk"].items()} if samples else {},
        "disk_most_gib": round(max((sum(s["disk"].values()) for s in samples), default=0) / 2**30, 2),
        "disk_estimate_gib": round(outcome.needed_bytes / 2**30, 1),
        "load": case.model_dump(),
        "machine": outcome.machine,
    }


def show(out: Console, said: dict[str, Any]) -> None:
    """The table for people."""
    word = "[green]bounded[/]" if said["ok"] else "[red]not as it must be[/]"
    out.print(f"{said['pushed_secs'] / 60:.1f} minutes at more than the parts take: {word}")
    if said["short"]:
        out.print(f"A short run: its memory is told, not judged; the goals are about {LONG_MINUTES:.0f} minutes.")
    rate = said["frames_per_s"]
    if "offered" in rate:
        out.print(
            f"{rate['taken']:,} frames a second taken, {rate['offered']:,} offered, {rate['sent']:,} sent: "
            f"{rate['held_back_percent']} % held back in the sockets"
        )
    out.print(_memory(said))
    for name, stop in said["backpressure"].items():
        out.print(f"{name}: nothing read for {stop['stopped_secs']:,} s, by the brake {stop['braked_secs']:,} s; "
                  f"at most {stop['most_behind_octets'] / 1e6:,.0f} MB unread", markup=False)  # fmt: skip
    for name, lag in said["lag"].items():
        out.print(f"{name}: lag {lag['mean']} records, at most {lag['most']} ({lag['most_secs']} s of its work); "
                  f"{'bounded' if lag['ok'] else 'it grows'}", markup=False)  # fmt: skip
    if said["frames"] is not None:
        found = said["frames"]
        out.print(f"{found['sent']:,} frames sent, {found['accepted']:,} accepted, {found['logged']:,} in the log, "
                  f"{found['readings']:,} readings and {found['rejects']:,} rejects: "
                  f"{'equal' if found['equal'] else 'NOT equal'}")  # fmt: skip
    for fault in said["faults"]:
        out.print(fault, markup=False, style="red")


def _memory(said: dict[str, Any]) -> Table:
    table = Table("part", "MiB, base", "most", "end", "% an hour", "±", "most / base", "",
                  title="Resident memory", title_justify="left")  # fmt: skip
    for column in table.columns[1:-1]:
        column.justify = "right"
    table.columns[0].no_wrap = table.columns[-1].no_wrap = True
    words = {True: "ok", False: "[red]grows[/]", None: "not judged"}
    for name, row in said["memory"].items():
        table.add_row(
            name, f"{row['base_mib']:,}", f"{row['most_mib']:,}", f"{row['last_mib']:,}",
            f"{row['slope_percent_per_hour']}", f"{row['slope_error']}", f"{row['most_over_base']}", words[row["ok"]],
        )  # fmt: skip
    table.caption = f"base at {said['windows']['base_at']:.0f} s, slope from {said['windows']['warm_at']:.0f} s on"
    return table
