"""All frames of one device in some batches against the plain Python decoder of the tests, which shares no kernel.

Only from a checkout: the tests are not installed. Frames of a framing that it does not know are unframed for it by the
decoder of single frames; where that cannot be done, or finds several APDUs, the frame is not compared.
"""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from agents.decode.config import DecodeConfig
from agents.decode.framing import FrameError, unframe
from bench.fuzz.kinds import FRAMING, KIND_OF
from bench.fuzz.laws import Broken, Decoded
from bench.fuzz.make import TIMED_TURN, Made
from bench.fuzz.world import DEVICES, World
from pipeline.channels import CHANNELS, SNAPSHOT
from pipeline.codes import REJECT_BY_NUMBER
from pipeline.columns import Array

UNKNOWN = "APDU_UNKNOWN"
FROM_HEAD_END = b"R"
MOST_OCTETS = 65_535
"""Longer frames are refused as such before anything is read of them; the oracle reads them."""


def find() -> Any | None:
    """The module of the oracle; None where the tests are not there."""
    try:
        return importlib.import_module("tests.oracles.decode")
    except ImportError:
        return None


def compare(oracle: Any, world: World, made: Made, decoded: Decoded, config: DecodeConfig) -> tuple[int, list[Broken]]:
    """(frames compared, those of which verdict or rows differ): all of a device, another one each time.

    Only of batches that are offered for the first time, do not say when frames were received (it knows of no clock's
    drift), and are decoded with settings that it knows. Frames that the second lane read are not compared: batches that
    are to be compared are decoded without it.
    """
    if made.requeued is not None or made.batch.received_at.any() or config != DecodeConfig(counter=config.counter):
        return 0, []
    device = made.first // len(made.kind) // TIMED_TURN * 7 % len(DEVICES)
    if world.title[device] == 0:
        return 0, []
    judge = oracle.Oracle(world.references, world.keys, strict=config.counter == "strict", others=world.others)
    compared, broken = 0, []
    for item in np.flatnonzero(made.device == device).tolist():
        frame = made.frame(item)
        if len(frame) > MOST_OCTETS or item in decoded.lane.read:
            continue
        wanted = _judged(judge, frame, made, item)
        found = _found(decoded, item)
        if frame[:1] == FROM_HEAD_END:
            wanted = "" if isinstance(wanted, list) else wanted
            same = wanted in ("", found) or (wanted == "" and isinstance(found, list))
        elif wanted == UNKNOWN != found and _layer(made, item) == FRAMING:
            inner = _inner(frame)
            if inner is None:
                continue
            wanted = _judged(judge, inner, made, item)
            same = wanted == found
        else:
            same = wanted == found
        compared += 1
        if not same:
            broken.append(Broken("oracle", made.first + item, f"{_short(found)}, and plain Python {_short(wanted)}"))
    return compared, broken


def _layer(made: Made, item: int) -> str:
    return KIND_OF[int(made.kind[item])].layer


def _judged(judge: Any, frame: bytes, made: Made, item: int) -> str | list[tuple[Any, ...]]:
    said = judge.judge(frame, int(made.batch.device[item]), int(made.batch.service_point[item]))
    if isinstance(said, str):
        return said
    return [(row.link, row.kind, row.time, row.flags, row.counter, row.values) for row in said]


def _inner(frame: bytes) -> bytes | None:
    """The one APDU in a frame."""
    try:
        apdus = list(unframe(frame)[1])
    except FrameError:
        return None
    return apdus[0] if len(apdus) == 1 else None


def _found(decoded: Decoded, item: int) -> str | list[tuple[Any, ...]]:
    """What the batch decoder made of a frame, as the oracle writes it."""
    code = int(decoded.opened.code[item])
    if code:
        return REJECT_BY_NUMBER[code].code
    rows = decoded.rows
    found = []
    for row in np.flatnonzero(rows.frame == item).tolist():
        flat = np.concatenate([rows.energy[row], rows.reactive[row], rows.physical[row]])
        values = _named(CHANNELS, flat, int(rows.present[row]))
        for place in np.flatnonzero(rows.snapshot_row == row).tolist():
            values |= _named(SNAPSHOT, rows.snapshot[place], int(rows.snapshot_present[place]))
        found.append((int(rows.link[row]), int(rows.kind[row]), int(rows.time[row]), int(rows.flags[row]),
                      int(rows.counter[row]), values))  # fmt: skip
    return found


def _named(fields: Any, values: Array, present: int) -> dict[str, int]:
    return {field.name: int(values[place]) for place, field in enumerate(fields) if present >> place & 1}


def _short(said: str | list[tuple[Any, ...]]) -> str:
    return said if isinstance(said, str) else f"{len(said)} rows {said[:1]}"[:400]
