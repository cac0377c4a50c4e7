"""The books of a demo: what the warehouse says, beside what the simulator knows.

Everything about readings, losses and rejects is asked of the warehouse, as an analyst would; the truth comes from the
simulator and has never been near the pipeline.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from connectors.simulator import Frames, Simulation, Truth
from pipeline.codes import REJECT_BY_NUMBER, REJECT_NUMBER, Role

Rows = list[dict[str, Any]]
Ask = Callable[[str], Rows]

PARKED = "DEVICE_UNKNOWN"

BY_POINT = (
    "SELECT service_point, sumIf(wh_imp, wh_imp_quality IN ('ACTUAL', 'MANUAL', 'DERIVED')) AS final, "
    "sumIf(wh_imp, wh_imp_quality = 'ESTIMATED') AS estimated FROM readings_latest GROUP BY service_point"
)


@dataclass
class Expected:
    """What the simulator knows of frames that cannot be used: by identity, so that two books can be matched."""

    frames: int = 0
    rejects: Counter[tuple[str, str]] = field(default_factory=Counter)
    energy_wh: int = 0
    pushed_wh: int = 0

    def add(self, frames: Frames) -> None:
        """Note a slot's frames."""
        self.frames += len(frames)
        self.pushed_wh += int(frames.energy_wh.sum())
        for row in np.flatnonzero(frames.expected_reject).tolist():
            code = REJECT_BY_NUMBER[int(frames.expected_reject[row])].code
            self.energy_wh += int(frames.energy_wh[row])
            self.rejects[code, identity(code, frames, row)] += 1


def identity(code: str, frames: Frames, row: int) -> str:
    """The bytes of a frame; behind decode, where bytes are gone, the meter and its stamp."""
    if is_row(code):
        return f"{int(frames.sender[row]):016X}@{int(frames.stamp[row])}"
    return frames.frame(row).hex()


def is_row(code: str) -> bool:
    """Whether VEE refuses a row, and not decode a frame."""
    return REJECT_BY_NUMBER[REJECT_NUMBER[code]].stage == "vee"


def books(ask: Ask, simulation: Simulation, expected: Expected, parked: Mapping[str, int]) -> dict[str, Any]:
    """All figures of the demo; `parked` counts frames that are (or were) parked, by their hex."""
    truth = simulation.truth()
    return {
        "frames_in": expected.frames,
        "readings": readings(ask),
        "rejected": rejected(ask, parked),
        "rejects_match": match(ask, expected, parked),
        "determinants": int(ask("SELECT count() AS n FROM determinants_latest")[0]["n"]),
        "energy_wh": energy(ask, truth, expected),
        "registers": registers(ask, truth),
        "stages": stages(ask, expected),
        "losses": losses(ask, truth),
    }


def readings(ask: Ask) -> dict[str, int]:
    """Intervals by what became of them.

    Final is actual, in a day that meets its registers at both ends or can no longer change; other actuals are
    provisional.
    """
    (row,) = ask(
        "SELECT countIf(good AND settled) AS final, countIf(good AND NOT settled) AS provisional, "
        "countIf(quality = 'ESTIMATED') AS estimated, countIf(quality = 'SUSPECT') AS suspect, "
        "countIf(quality = 'MISSING') AS missing FROM (SELECT r.wh_imp_quality AS quality, "
        "quality IN ('ACTUAL', 'MANUAL', 'DERIVED') AS good, d.settled AS settled "
        "FROM readings_latest AS r LEFT JOIN (SELECT service_point, day, "
        "max(state = 'FINAL' OR bitAnd(registers, 3) = 3) AS settled FROM days_latest "
        "GROUP BY service_point, day) AS d ON r.service_point = d.service_point AND r.day = d.day)"
    )
    return {name: int(value) for name, value in row.items()}


def rejected(ask: Ask, parked: Mapping[str, int]) -> dict[str, int]:
    """Frames, or rows of frames, by reason; parked ones count as such although some flowed on."""
    counts = {row["code"]: int(row["n"]) for row in ask("SELECT code, count() AS n FROM rejects GROUP BY code")}
    if parked:
        counts[PARKED] = counts.get(PARKED, 0) + sum(parked.values())
    return dict(sorted(counts.items()))


def match(ask: Ask, expected: Expected, parked: Mapping[str, int]) -> dict[str, int]:
    """Rejects against the simulator's list, frame by frame."""
    found: Counter[tuple[str, str]] = Counter({(PARKED, frame): number for frame, number in parked.items()})
    for row in ask("SELECT code, device, lower(hex(raw)) AS raw, toUnixTimestamp(time) AS at FROM rejects"):
        name = f"{row['device']}@{row['at']}" if is_row(row["code"]) else row["raw"]
        found[row["code"], name] += 1
    same = sum((found & expected.rejects).values())
    return {
        "matched": same,
        "unexpected": sum(found.values()) - same,
        "not_found": sum(expected.rejects.values()) - same,
    }


def energy(ask: Ask, truth: Truth, expected: Expected) -> dict[str, int]:
    """Import energy of registered consumers: what flowed, and what the readings say."""
    billed = truth.billed(truth.energy.sum(axis=0, dtype=np.int64))[:, 0]
    mine = consumers(truth)
    wanted = set(truth.fleet.points.id[mine].tolist())
    rows = [row for row in ask(BY_POINT) if int(row["service_point"]) in wanted]
    final, estimated = (sum(int(row[name]) for row in rows) for name in ("final", "estimated"))
    total = int(billed[mine].sum())
    return {
        "truth": total,
        "final": final,
        "estimated": estimated,
        "rejected": expected.energy_wh,
        "unexplained": total - final - estimated,
    }


def consumers(truth: Truth) -> np.ndarray:
    """bool (points,): consumers that the registry knows at the end."""
    points = truth.fleet.points
    registered = np.isin(points.id, truth.fleet.registry_versions[-1][1].point)
    return np.asarray((points.role == Role.CONSUMER) & registered)


def registers(ask: Ask, truth: Truth) -> dict[str, Any]:
    """Service points whose registers arrived at both ends of the run, to the watt-hour; the others are listed."""
    points = truth.fleet.points
    known = truth.known.all(axis=0) & consumers(truth)
    differences = truth.billed(truth.register_energy.sum(axis=0))[:, 0]
    found = {int(row["service_point"]): int(row["final"]) + int(row["estimated"]) for row in ask(BY_POINT)}
    different, unexplained = [], []
    for place in np.flatnonzero(consumers(truth)).tolist():
        identifier = int(points.id[place])
        gap = int(differences[place]) - found.get(identifier, 0)
        if known[place] and gap:
            different.append({"service_point": identifier, "wh": gap})
        elif not known[place]:
            unexplained.append({"service_point": identifier, "wh": gap})
    return {
        "both_ends": int(known.sum()),
        "exact": int(known.sum()) - len(different),
        "different": different,
        "without": len(unexplained),
        "unexplained": [row for row in unexplained if row["wh"]],
    }


def stages(ask: Ask, expected: Expected) -> list[dict[str, Any]]:
    """Import energy that entered and left each stage, all service points, network meters too."""
    (row,) = ask(
        "SELECT sumIf(wh_imp, wh_imp_quality IN ('ACTUAL', 'MANUAL', 'DERIVED')) AS actual, "
        "sumIf(wh_imp, wh_imp_quality = 'ESTIMATED') AS estimated, "
        "sumIf(wh_imp, wh_imp_quality = 'SUSPECT') AS suspect FROM readings_latest"
    )
    (rated,) = ask("SELECT sum(wh_imp) AS wh FROM determinants_latest WHERE kind = 'DAY'")
    (balanced,) = ask("SELECT sum(output_wh) AS wh FROM losses_latest WHERE span = 'DAY' AND level = 'DT'")
    return [
        {"stage": "connector", "wh": {"pushed": expected.pushed_wh, "rejected": expected.energy_wh}},
        {"stage": "vee", "wh": {name: int(value) for name, value in row.items()}},
        {"stage": "rating", "wh": {"determinants": int(rated["wh"])}},
        {"stage": "losses", "wh": {"out of transformers, net of export": int(balanced["wh"])}},
    ]


def losses(ask: Ask, truth: Truth) -> list[dict[str, Any]]:
    """Balances of transformers and feeders over all days, beside the truth."""
    (names, nodes) = (truth.fleet.names, truth.nodes)
    real = {int(node): int(nodes.loss_wh[:, place].sum()) for place, node in enumerate(nodes.node)}
    rows = ask(
        "SELECT node, any(level) AS level, sum(input_wh) AS input, sum(output_wh) AS output, sum(actual) AS actual, "
        "sum(expected) AS expected FROM losses_latest WHERE span = 'DAY' GROUP BY node ORDER BY node"
    )
    return [
        {
            "node": names.get(int(row["node"]), str(row["node"])),
            "level": row["level"],
            "input_wh": int(row["input"]),
            "output_wh": int(row["output"]),
            "loss_wh": int(row["input"]) - int(row["output"]),
            "truth_loss_wh": real.get(int(row["node"])),
            "coverage": round(int(row["actual"]) / int(row["expected"]), 4) if int(row["expected"]) else 0.0,
        }
        for row in rows
    ]
