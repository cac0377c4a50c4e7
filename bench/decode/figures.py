"""What is said of the rounds: medians and spread by shape and way, ratios, goals."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.decode.case import DecodeCase
from bench.decode.measure import GURUX, GURUX_FAST, KVARN, LIBCRYPTO, OWN, Result, Turn
from bench.decode.work import GOAL_SHAPE
from bench.experiments.figures import number
from bench.throughput.machine import machine
from cli.services.settings import ServiceSettings


def figures(case: DecodeCase, results: Sequence[Result], *, own_load: bool = False) -> dict[str, Any]:
    """The JSON object.

    cases: one a shape: {"case", "title", "octets_a_frame", "readings_a_frame", "read", "refused": {code: frames},
    "frames_per_s", "ns_a_frame", "readings_per_s", "spread", "times_gurux", "times_gurux_cryptography",
    "share_of_libcrypto", "share_of_own_cipher", "ways": {way: ...}, "correct"}. Rates are of one core, medians of the
    rounds; of a shape that is not read, and of what a way does not do, they are null. A share is the time of the cipher
    alone over that of the decoder, which opens the frames too. Goals are met, missed, or (null) say nothing, because
    the load is not the case's.
    """
    cases = [_of_shape(result) for result in results]
    main = next(one for one in cases if one["case"] == GOAL_SHAPE)
    different = sum(one["correct"]["different"] for one in cases)
    return {
        "case": case.name,
        "value": main["frames_per_s"],
        "unit": "frames/s a core",
        "goals": {
            name: {
                "goal": goal,
                "value": main[name],
                "met": None if own_load else bool(not different and main[name] is not None and main[name] >= goal),
            }
            for name, goal in case.goals.model_dump().items()
        },
        "cases": cases,
        "correct": {"compared": sum(one["correct"]["compared"] for one in cases), "different": different},
        "rounds": case.rounds,
        "load": case.load,
        "machine": machine(ServiceSettings.load().jars),
    }


def _of_shape(result: Result) -> dict[str, Any]:
    ways = {name: _of_way(turns) for name, turns in result.turns.items()}
    own = ways[KVARN]
    # Refused as a whole it is a shape that decode does not read; refused in part it is a fault, and differs.
    read = own["readings"] > 0
    rate = own["frames_per_s"] if read else None
    compared = {name: way for name, way in ways.items() if read or name != KVARN}
    return {
        "case": result.shape.name,
        "title": result.shape.title,
        "octets_a_frame": result.octets,
        "readings_a_frame": result.shape.rows,
        "read": read,
        "refused": dict(sorted(result.verdicts.items())),
        "frames_per_s": rate,
        "ns_a_frame": own["ns_a_frame"] if read else None,
        "readings_per_s": None if rate is None else round(rate * result.shape.rows),
        "spread": own["spread"] if read else None,
        "times_gurux": _ratio(rate, ways, GURUX),
        "times_gurux_cryptography": _ratio(rate, ways, GURUX_FAST),
        "share_of_libcrypto": _ratio(rate, ways, LIBCRYPTO),
        "share_of_own_cipher": _ratio(rate, ways, OWN),
        "ways": ways,
        "correct": {
            "compared": sum(way["frames"] for way in compared.values()),
            "different": sum(way["different"] for way in compared.values()),
        },
    }


def _of_way(turns: Sequence[Turn]) -> dict[str, Any]:
    rates = [turn.frames_per_s for turn in turns]
    middle = median(rates)
    return {
        "frames_per_s": round(middle, 1),
        "ns_a_frame": round(1e9 / middle, 1),
        "spread": {"least": round(min(rates), 1), "most": round(max(rates), 1),
                   "share": round((max(rates) - min(rates)) / middle, 3)},
        "frames": sum(turn.frames for turn in turns),
        "readings": sum(turn.readings for turn in turns),
        "different": sum(turn.different for turn in turns),
    }  # fmt: skip


def _ratio(rate: float | None, ways: dict[str, dict[str, Any]], other: str) -> float | None:
    """Median over median; None where one is not there, or differs from the truth."""
    if rate is None or other not in ways or ways[other]["different"]:
        return None
    return round(rate / float(ways[other]["frames_per_s"]), 3)


def show(out: Console, said: dict[str, Any]) -> None:
    """The table for people."""
    table = Table("", "frames/s a core", "ns a frame", "readings/s", "spread", "x gurux", "x gurux, cryptography",
                  "of libcrypto", "of own cipher", "differ", title="Decode, a core", title_justify="left")  # fmt: skip
    for column in table.columns[1:]:
        column.justify = "right"
    for one in said["cases"]:
        if not one["read"]:
            refused = ", ".join(f"{count:,} {code}" for code, count in one["refused"].items())
            table.add_row(one["title"], "not read", "", "", "", "", "", "", "", refused)
            continue
        table.add_row(
            one["title"], number(one["frames_per_s"]), number(one["ns_a_frame"]), number(one["readings_per_s"]),
            f"{one['spread']['share']:.0%}", _number(one["times_gurux"]), _number(one["times_gurux_cryptography"]),
            _share(one["share_of_libcrypto"]), _share(one["share_of_own_cipher"]),
            f"{one['correct']['different']:,}",
        )  # fmt: skip
    out.print(table)
    alone = Table("alone, frames/s a core", *(one["case"] for one in said["cases"]))
    for way in (GURUX, GURUX_FAST, LIBCRYPTO, OWN):
        found = [one["ways"].get(way) for one in said["cases"]]
        alone.add_row(way, *("" if one is None else number(one["frames_per_s"]) for one in found))
    for column in alone.columns[1:]:
        column.justify = "right"
    out.print(alone)
    for name, goal in said["goals"].items():
        met = "says nothing of this load" if goal["met"] is None else "is met" if goal["met"] else "is not met"
        out.print(f"{name}: {_number(goal['value'])}; the goal of {number(goal['goal'])} {met}")
    if said["correct"]["different"]:
        out.print(f"{said['correct']['different']:,} differ from the truth: the figures count for nothing")


def _number(value: float | None) -> str:
    return "" if value is None else number(value)


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.0%}"
