"""What is said of a run: laws, frames by kind and by verdict, and what of the decoder they reached."""

from __future__ import annotations

from collections import Counter
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.fuzz.case import FuzzCase
from bench.fuzz.kinds import KINDS, WALK
from bench.fuzz.run import State
from bench.throughput.machine import machine
from cli.services.settings import ServiceSettings
from pipeline.codes import REJECT_BY_NUMBER, REJECT_CODES

TAKEN = "taken"
BEFORE_THE_WALK = (
    "FRAME_UNREADABLE", "FRAME_TOO_LONG", "FRAME_TRUNCATED", "WRAPPER_VERSION", "SECURITY_UNSUPPORTED", "KEY_UNKNOWN",
    "DECRYPT_FAILED",
)  # fmt: skip
"""Verdicts on a frame whose plaintext was not looked at. The walk itself says APDU_UNKNOWN of another tag."""


def verdict(code: int) -> str:
    """A verdict by its number."""
    return TAKEN if code == 0 else REJECT_BY_NUMBER[code].code if code in REJECT_BY_NUMBER else f"code {code}"


def figures(case: FuzzCase, state: State, reached: dict[str, Any] | None) -> dict[str, Any]:
    """The JSON object.

    frames, of which changed_and_sealed were changed after decryption and sealed again, and walked of these came to the
    walk through their data. read_by_the_second_lane: by the decoder for single frames, a part of what kernels
    leave to it. kinds: {"layer", "kind", "frames", "verdicts"}; verdicts: {code: frames}; cells_reached:
    pairs of kind and verdict that occurred; verdicts_missing: reject codes of decode that did not. branches: see
    bench.fuzz.reach; null when not asked for. broken: laws that did not hold, the first of them; ok: none, and every
    frame has a verdict.
    """
    by_code: Counter[str] = Counter()
    kinds: list[dict[str, Any]] = []
    for kind in KINDS:
        codes = Counter(
            {verdict(code): count for (number, code), count in state.cells.items() if number == kind.number}
        )
        by_code.update(codes)
        kinds.append({"layer": kind.layer, "kind": kind.name, "frames": codes.total(),
                      "verdicts": dict(codes.most_common())})  # fmt: skip
    walk = [row for row in kinds if row["layer"] == WALK]
    changed = sum(row["frames"] for row in walk)
    lost = sum(row["verdicts"].get(name, 0) for row in walk for name in BEFORE_THE_WALK)
    layers = Counter({layer: sum(row["frames"] for row in kinds if row["layer"] == layer)
                      for layer in {kind.layer for kind in KINDS}})  # fmt: skip
    return {
        "case": case.name,
        "ok": not state.faults and by_code.total() == state.frames and state.next >= case.frames,
        "frames": state.frames,
        "checked": state.checked,
        "seed": state.seed,
        "changed_and_sealed": changed,
        "share_changed_and_sealed": round(changed / max(1, state.frames), 4),
        "walked": changed - lost,
        "share_walked": round((changed - lost) / max(1, state.frames), 4),
        "octets": state.octets,
        "rows": state.rows,
        "compared_with_plain_python": state.compared,
        "read_by_the_second_lane": state.lane,
        "taken_by_the_second_lane": state.lane_taken,
        "layers": dict(layers.most_common()),
        "kinds": kinds,
        "verdicts": dict(by_code.most_common()),
        "verdicts_reached": len(by_code),
        "verdicts_missing": [row.code for row in REJECT_CODES if row.stage == "decode" and row.code not in by_code],
        "cells_reached": sum(count > 0 for count in state.cells.values()),
        "branches": reached,
        "broken": state.faults,
        "restarts": state.restarts,
        "making_frames_per_s": round(state.timed / state.making_secs) if state.making_secs else None,
        "decoding_frames_per_s": round(state.timed / state.decoding_secs) if state.decoding_secs else None,
        "seconds": round(state.seconds, 1),
        "slowest_batch_s": round(state.slowest_secs, 3),
        "decoders": state.sources,
        "machine": machine(ServiceSettings.load().jars),
    }


def show(out: Console, said: dict[str, Any]) -> None:
    """The tables for people."""
    table = Table("done to it", "frames", "verdicts", title="Frames by what was done to them", title_justify="left")
    table.columns[1].justify = "right"
    for row in said["kinds"]:
        codes = ", ".join(f"{name} {count:,}" for name, count in list(row["verdicts"].items())[:4])
        table.add_row(f"{row['layer']}: {row['kind']}", f"{row['frames']:,}", codes)
    out.print(table)
    out.print(", ".join(f"{name} {count:,}" for name, count in said["verdicts"].items()))
    out.print(
        f"{said['frames']:,} frames; {said['share_changed_and_sealed']:.0%} changed after decryption and sealed again, "
        f"{said['share_walked']:.0%} walked through; {said['compared_with_plain_python']:,} also in plain Python; "
        f"{said['read_by_the_second_lane']:,} by the decoder for single frames; "
        f"{said['verdicts_reached']} verdicts, {said['cells_reached']} pairs of kind and verdict"
    )
    branches = said["branches"]
    if branches is not None:
        out.print(f"Outcomes of conditions reached by {sum(branches['codes'].values()):,} frames: "
                  f"{branches['reached']:,} of {branches['outcomes']:,}")  # fmt: skip
    for one in said["broken"]:
        out.print(f"[red]{one['law']}[/]: frame {one['frame']}: {one['what']}", markup=True)
    out.print("Every law holds." if said["ok"] else "NOT every law holds.")


def show_frame(out: Console, said: dict[str, Any]) -> None:
    """One frame, and what became of it."""
    out.print(f"Frame {said['frame']}, seed {said['seed']}: {said['layer']}: {said['kind']}")
    out.print(f"device {said['device']:016X} at service point {said['service_point']}: {said['verdict']}, "
              f"{said['rows']} rows")  # fmt: skip
    out.print(said["octets"])
    for one in said["broken"]:
        out.print(f"{one['law']}: {one['what']}", markup=False)
