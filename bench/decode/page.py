"""The dated page of `kvarn bench decode --page`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bench.decode.case import DecodeCase
from bench.decode.measure import GURUX, GURUX_FAST, LIBCRYPTO, OWN
from bench.experiments.figures import number
from bench.page import RESULTS, machine_text, put, today


def text(said: dict[str, Any], case: DecodeCase) -> str:
    """The page of an object of `figures`."""
    main = said["cases"][0]
    lines = [
        f"# Decode, {today()}", "",
        f"**{_number(main['frames_per_s'])} encrypted D1 block pushes a second on one core**, "
        f"{_number(main['times_gurux'])} times gurux-dlms, {_share(main['share_of_libcrypto'])} of libcrypto alone; "
        f"{said['correct']['different']:,} of {said['correct']['compared']:,} frames differ from the truth.", "",
        case.question, "",
        "| frames | octets | frames/s a core | ns a frame | readings/s | spread | x gurux-dlms | x, cryptography | "
        "of libcrypto | of own cipher |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
        *map(_row, said["cases"]), "",
        "Each alone, frames a second on the core:", "",
        "| | " + " | ".join(one["case"] for one in said["cases"]) + " |",
        "| --- |" + " ---: |" * len(said["cases"]),
        *(f"| {way} | " + " | ".join(_alone(one, way) for one in said["cases"]) + " |"
          for way in (GURUX, GURUX_FAST, LIBCRYPTO, OWN)),
        "", "| goal | | met |", "| --- | ---: | --- |",
        *(f"| {name} | {number(goal['goal'])} | {_met(goal['met'])} |" for name, goal in said["goals"].items()),
        "", f"Medians of {said['rounds']} rounds in which all take turns on one CPU, by CPU time; spread: most less "
        f"least over the median. A round is a frame of each of {said['load']['meters']:,} meters, of day profiles "
        f"{said['load']['profile_meters']:,}; gurux-dlms reads as many of them as it can in {case.gurux_secs:g} s. Of "
        "libcrypto and own cipher: the decoder's rate over that of opening the same frames and nothing else.", "",
        f"What the numbers do not say: {case.unsaid.strip()}", "", "## Machine", "", machine_text(said["machine"]), "",
    ]  # fmt: skip
    return "\n".join(lines)


def _row(one: dict[str, Any]) -> str:
    if not one["read"]:
        refused = ", ".join(f"{count:,} {code}" for code, count in one["refused"].items())
        return f"| {one['title']} | {one['octets_a_frame']} | not read: {refused} | | | | | | | |"
    cells = [
        one["title"], f"{one['octets_a_frame']:,}", number(one["frames_per_s"]), number(one["ns_a_frame"]),
        number(one["readings_per_s"]), f"{one['spread']['share']:.0%}", _number(one["times_gurux"]),
        _number(one["times_gurux_cryptography"]), _share(one["share_of_libcrypto"]), _share(one["share_of_own_cipher"]),
    ]  # fmt: skip
    return f"| {' | '.join(cells)} |"


def _alone(one: dict[str, Any], way: str) -> str:
    found = one["ways"].get(way)
    if found is None:
        return ""
    return number(found["frames_per_s"]) + (f" ({found['different']:,} differ)" if found["different"] else "")


def _number(value: float | None) -> str:
    return "" if value is None else number(value)


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.0%}"


def _met(met: bool | None) -> str:
    return "says nothing of this load" if met is None else "yes" if met else "no"


def write(said: dict[str, Any], case: DecodeCase, folder: Path = RESULTS) -> Path:
    """Write the page and return where."""
    return put("decode", text(said, case), folder)
