"""The dated page of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bench.fuzz.case import FuzzCase
from bench.page import RESULTS, machine_text, put, today

MOST_MISSING = 60


def text(said: dict[str, Any], case: FuzzCase) -> str:
    """The page of an object of `figures`."""
    verdict = "No." if said["ok"] else "**Yes.**"
    lines = [
        f"# Fuzz, {today()}", "",
        f"{case.question} **{verdict}** {said['frames']:,} frames of seed {said['seed']}"
        f"{', with every index and address checked' if said['checked'] else ''}; "
        f"{said['share_changed_and_sealed']:.1%} changed after decryption and sealed again, {said['share_walked']:.1%} "
        f"came to the walk through their data. {said['rows']:,} rows; {said['compared_with_plain_python']:,} frames "
        f"compared with plain Python; {said['read_by_the_second_lane']:,} read by the decoder for single "
        f"frames, of which {said['taken_by_the_second_lane']:,} were taken; {said['restarts']} restarts; "
        f"slowest batch {said['slowest_batch_s']} s; made at "
        f"{said['making_frames_per_s'] or 0:,} frames a second, decoded between guards at "
        f"{said['decoding_frames_per_s'] or 0:,}; {said['seconds']:,.0f} s in all.", "",
        *(f"- {one['law']}: frame {one['frame']}: {one['what']}" for one in said["broken"]),
        *[""] * bool(said["broken"]),
        "| layer | done to it | frames | verdicts |", "| --- | --- | ---: | --- |",
        *(f"| {row['layer']} | {row['kind']} | {row['frames']:,} | {_codes(row['verdicts'])} |"
          for row in said["kinds"]),
        "", f"All: {_codes(said['verdicts'])}. {said['verdicts_reached']} verdicts, {said['cells_reached']} pairs of "
        f"kind and verdict; codes of decode that did not occur: {', '.join(said['verdicts_missing']) or 'none'}.", "",
        *_branches(said["branches"]),
        "## Machine", "", machine_text(said["machine"]), "",
    ]  # fmt: skip
    return "\n".join(lines)


def _codes(codes: dict[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in codes.items())


def _branches(reached: dict[str, Any] | None) -> list[str]:
    if reached is None:
        return []
    rows = [f"| {name} | {known} | {found} |" for name, (known, found) in reached["by_module"].items()]
    missing = [f"- {one['where']}: `{one['what']}` never {one['never']}" for one in reached["missing"][:MOST_MISSING]]
    return [
        "## Branches", "",
        f"{sum(reached['codes'].values()):,} frames of the run, decoded without compiled kernels, in smaller batches: "
        f"{reached['reached']:,} of {reached['outcomes']:,} outcomes of the kernels' conditions occurred (each "
        "condition true, and false).", "",
        "| module | outcomes | reached |", "| --- | ---: | ---: |", *rows, "", "Not reached by these frames:", "",
        *(missing or ["- none"]), "",
    ]  # fmt: skip


def write(said: dict[str, Any], case: FuzzCase, folder: Path = RESULTS) -> Path:
    """Write the page and return where."""
    return put("fuzz", text(said, case), folder)
