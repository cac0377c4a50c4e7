"""What is said of a series: the median and the spread, gate and goal, and how two series compare."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.experiments.experiment import Experiment
from bench.experiments.series import Line
from pipeline.errors import ConfigError


def figures(experiment: Experiment, lines: Sequence[Line]) -> dict[str, Any]:
    """The JSON object: `value` is the median; `spread` the least and the most, and their distance over the median.

    Gate and goal are met, missed, or (null) say nothing, because the load is not the case's.
    """
    case, values = experiment.case, [line["value"] for line in lines]
    value = median(values)
    different = sum(line["correct"]["different"] for line in lines)
    also = {name: median([line["details"][name] for line in lines]) for name in case.also}
    beside = all(also[name] <= most for name, most in case.also.items())
    return {
        "case": case.name,
        "gate": case.gate,
        "goal": case.goal,
        "value": value,
        "unit": case.unit,
        "better": case.better,
        "spread": {"least": min(values), "most": max(values), "share": round((max(values) - min(values)) / value, 3)},
        "gate_met": None if experiment.own_load else not different and experiment.reached(value, case.gate),
        "goal_met": None if experiment.own_load else not different and beside and experiment.reached(value, case.goal),
        "also": {name: {"value": also[name], "goal": most} for name, most in case.also.items()},
        "correct": {"different": different, "runs": [line["correct"] for line in lines]},
        "load": lines[-1]["load"],
        "runs": [
            {
                "run": line["run"],
                "value": line["value"],
                "cpu_used_by_others": line["machine"]["cpu_used_by_others"],
                **line["details"],
            }
            for line in lines
        ],
        "machine": lines[-1]["machine"],
    }


def show(out: Console, said: dict[str, Any]) -> None:
    """The table for people."""
    table = Table("run", said["unit"], "rows that differ", title=said["case"], title_justify="left")
    for column in table.columns[1:]:
        column.justify = "right"
    for run, correct in zip(said["runs"], said["correct"]["runs"], strict=True):
        table.add_row(str(run["run"]), f"{run['value']:,.6g}", f"{correct['different']:,}")
    out.print(table)
    spread = said["spread"]
    out.print(
        f"Median [bold]{number(said['value'])} {said['unit']}[/], {number(spread['least'])} to "
        f"{number(spread['most'])} ({spread['share']:.0%} of it); the gate of {number(said['gate'])} "
        f"{_met(said['gate_met'])}, the goal of {number(said['goal'])} {_met(said['goal_met'])}"
    )
    if said["correct"]["different"]:
        out.print(f"{said['correct']['different']:,} rows differ from the truth: the value counts for nothing")


def compare(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """Two objects of `figures` of one case: the ratio, and whether it is outside of what the runs themselves spread.

    Raises ConfigError when they are of different cases or loads, or rows differ from the truth in one.
    """
    one, other = ([said[name] for name in ("case", "unit", "load")] for said in (before, after))
    if one != other:
        raise ConfigError("CASES_DIFFER", where="compare", what=f"{one} and {other}",
                          do="compare results of one case and load")  # fmt: skip
    for said in (before, after):
        if said["correct"]["different"]:
            raise ConfigError("NOT_CORRECT", where=said["case"], what="rows differ from the truth in one of them",
                              do="compare correct runs")  # fmt: skip
    apart = after["spread"]["least"] > before["spread"]["most"] or after["spread"]["most"] < before["spread"]["least"]
    ratio = after["value"] / before["value"]
    better = ratio > 1 if after["better"] == "more" else ratio < 1
    names = ("value", "spread", "machine")
    return {
        "case": after["case"], "unit": after["unit"], "ratio": round(ratio, 4),
        "verdict": ("better" if better else "worse") if apart else "within the spread",
        "same_machine": _kind(before) == _kind(after),
        "before": {name: before[name] for name in names}, "after": {name: after[name] for name in names},
    }  # fmt: skip


def show_comparison(out: Console, said: dict[str, Any]) -> None:
    """The table for people."""
    table = Table("", said["unit"], "least", "most", title=said["case"], title_justify="left")
    for name in ("before", "after"):
        spread = said[name]["spread"]
        table.add_row(name, *(number(value) for value in (said[name]["value"], spread["least"], spread["most"])))
    out.print(table)
    out.print(f"{said['ratio']:.2f} times: {said['verdict']}")
    if not said["same_machine"]:
        out.print("They are of different machines.")


def number(value: float) -> str:
    """Thousands apart; decimals only where they say something."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:,.3g}"


def _met(met: bool | None) -> str:
    return "says nothing of this load" if met is None else "is met" if met else "is not met"


def _kind(said: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(said["machine"].get(name) for name in ("cpu", "cpus", "memory_gib"))
