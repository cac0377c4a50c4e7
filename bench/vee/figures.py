"""What is said of the rounds: medians and spread by case, what was found, goals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.experiments.figures import number
from bench.throughput.machine import machine
from bench.vee.case import VeeCase
from bench.vee.measure import Result
from cli.services.settings import ServiceSettings
from pipeline.channels import ENERGY
from pipeline.localtime import DAY_SECS
from pipeline.rules import RULES

NAMES = {rule.code: rule.name for rule in RULES}
CHANNELS = len(ENERGY)
"""Each is validated and estimated."""


def figures(case: VeeCase, results: Sequence[Result], *, own_load: bool = False) -> dict[str, Any]:
    """The JSON object.

    cases: one a shape: {"case", "title", "interval_secs", "intervals_a_frame" (null: no frames), "value", "unit",
    "intervals_a_second", "ns_an_interval", "spread", "goal", "met", "meters", "intervals" (of a round), "rounds",
    "rules" (code: name of what is judged), "channels", "planted" (shares), "correct"}. Rates are of one core, medians
    of the rounds. An interval has all channels and counts whether it came or was estimated; an interval reading, which
    the goals and `value` are of, is one channel of one interval. Goals are met, missed, or (null) say nothing: the load
    is not the case's, or there is none.
    """
    cases = [_of_shape(case, result, own_load) for result in results]
    return {
        "case": case.name,
        "value": cases[0]["value"],
        "unit": cases[0]["unit"],
        "goal": cases[0]["goal"],
        "spread": cases[0]["spread"],
        "cases": cases,
        "correct": all(one["correct"]["right"] for one in cases),
        "rounds": case.rounds,
        "load": case.load,
        "machine": machine(ServiceSettings.load().jars),
    }


def _of_shape(case: VeeCase, result: Result, own_load: bool) -> dict[str, Any]:
    shape, tally, rates = result.shape, result.tally, result.rates
    goal = case.goals.model_dump().get(shape.goal)
    intervals = median(rates)
    value = CHANNELS * intervals
    return {
        "case": shape.name,
        "title": shape.title,
        "interval_secs": shape.interval_secs,
        "intervals_a_frame": None if shape.whole else DAY_SECS // shape.interval_secs if shape.profile else 1,
        "value": round(value),
        "unit": "interval readings/s a core",
        "intervals_a_second": round(intervals),
        "ns_an_interval": round(1e9 / intervals, 1),
        "spread": {"least": round(CHANNELS * min(rates)), "most": round(CHANNELS * max(rates)),
                   "share": round((max(rates) - min(rates)) / intervals, 3)},
        "goal": goal,
        "met": None if own_load or goal is None else bool(result.right and value >= goal),
        "meters": result.meters,
        "intervals": result.intervals,
        "rounds": len(rates),
        "rules": {code: NAMES[code] for code in result.rules},
        "channels": [channel.name for channel in ENERGY],
        "planted": {"missing": round(tally.missing / tally.intervals, 5),
                    "spikes": round(tally.spikes / tally.intervals, 5)},
        "correct": {"right": result.right, **asdict(tally), "refused": result.refused},
    }  # fmt: skip


def show(out: Console, said: dict[str, Any]) -> None:
    """The table for people."""
    table = Table("", "readings/s", "intervals/s", "ns an interval", "spread", "goal", "met", "missing", "spikes",
                  "estimated", "differ", "doubted", "rules", title="VEE, a core", title_justify="left")  # fmt: skip
    for column in table.columns[1:]:
        column.justify = "right"
    for one in said["cases"]:
        correct = one["correct"]
        met = "" if one["met"] is None else "yes" if one["met"] else "no"
        table.add_row(
            one["title"], number(one["value"]), number(one["intervals_a_second"]), number(one["ns_an_interval"]),
            f"{one['spread']['share']:.0%}",
            "" if one["goal"] is None else number(one["goal"]), met, f"{one['planted']['missing']:.2%}",
            f"{one['planted']['spikes']:.2%}", f"{correct['estimated']:,}",
            f"{correct['different'] + correct['days_different'] + correct['refused']:,}", f"{correct['doubted']:,}",
            str(len(one["rules"])),
        )  # fmt: skip
    out.print(table)
    if not said["correct"]:
        wrong = ", ".join(one["case"] for one in said["cases"] if not one["correct"]["right"])
        out.print(f"Not as the generator made it, so the figures count for nothing: {wrong}")
