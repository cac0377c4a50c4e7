"""What is said of the rounds: medians and spread, what was compared, goals, and what a close would take."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.experiments.figures import number
from bench.rating.case import RatingCase
from bench.rating.measure import Result
from bench.throughput.machine import machine
from cli.services.settings import ServiceSettings
from pipeline.channels import N_ENERGY

UNITS = {"readings": "intervals/s a core", "bills": "bills/s a core"}


def figures(case: RatingCase, results: Sequence[Result], *, own_load: bool = False) -> dict[str, Any]:
    """The JSON object.

    cases: one a measurement: {"case", "value", "unit", "interval_readings_a_second" (each channel of an interval is
    one, as `bench vee` counts), "ns_each", "spread", "goal", "met", "count" (of a round), "rounds", "mix", "compared",
    "wrong"}. The goal is held against intervals. Rates are of a core, medians of the rounds. close: the CPU seconds of
    one core that the bills of `close_consumers` take by the median; gathering quantities, encoding and sending are not
    in it, and `goal_secs` is for all of it. Goals are met, missed, or (null) say nothing: the load is not the case's.
    """
    cases = [_of(case, result, own_load) for result in results]
    bills = next((one for one in cases if one["case"] == "bills"), None)
    close = None if bills is None else {
        "consumers": case.close_consumers, "rating_cpu_secs": round(case.close_consumers / bills["value"], 2),
        "goal_secs": case.goals.close_secs,
        "not_in_it": ["gathering quantities", "encoding determinants", "Kafka"],
    }  # fmt: skip
    return {
        "case": case.name,
        "value": cases[0]["value"],
        "unit": cases[0]["unit"],
        "goal": cases[0]["goal"],
        "spread": cases[0]["spread"],
        "cases": cases,
        "close": close,
        "correct": all(result.right for result in results),
        "rounds": case.rounds,
        "load": case.load,
        "unsaid": case.unsaid,
        "machine": machine(ServiceSettings.load().jars),
    }


def _of(case: RatingCase, result: Result, own_load: bool) -> dict[str, Any]:
    rates = result.rates
    value = median(rates)
    goal = case.goals.readings if result.name == "readings" else None
    return {
        "case": result.name,
        "value": round(value),
        "unit": UNITS[result.name],
        "interval_readings_a_second": round(N_ENERGY * value) if result.name == "readings" else None,
        "ns_each": round(1e9 / value, 1),
        "spread": {"least": round(min(rates)), "most": round(max(rates)),
                   "share": round((max(rates) - min(rates)) / value, 3)},
        "goal": goal,
        "met": None if own_load or goal is None else bool(result.right and value >= goal),
        "count": result.count,
        "rounds": len(rates),
        "mix": result.mix,
        "compared": result.compared,
        "wrong": result.wrong,
    }  # fmt: skip


def show(out: Console, said: dict[str, Any]) -> None:
    """The table for people."""
    table = Table("", "a second", "ns each", "spread", "goal", "met", "compared", "differ", title="Rating, a core",
                  title_justify="left")  # fmt: skip
    for column in table.columns[1:]:
        column.justify = "right"
    for one in said["cases"]:
        table.add_row(
            one["unit"].split("/")[0], number(one["value"]), number(one["ns_each"]), f"{one['spread']['share']:.0%}",
            "" if one["goal"] is None else number(one["goal"]),
            "" if one["met"] is None else "yes" if one["met"] else "no", f"{one['compared']:,}",
            f"{sum(one['wrong'].values()):,}",
        )  # fmt: skip
    out.print(table)
    close = said["close"]
    if close is not None:
        out.print(
            f"A month-end close of {close['consumers']:,} consumers: {close['rating_cpu_secs']} s of one core for the "
            f"bills; {', '.join(close['not_in_it'])} come to it (goal of the whole: {close['goal_secs']:g} s)."
        )
    if not said["correct"]:
        out.print("Something differs, so the figures count for nothing.")
