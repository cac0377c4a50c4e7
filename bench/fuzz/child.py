"""The process that makes and decodes batches; it may die or hang, and says before each what it begins with.

    python -m bench.fuzz.child '{"seed": 1, "batch": 4000, "first": 0, "frames": 8000, ...}'

Lines of JSON: {"begin": frame}, then {"first", "frames", "cells": [[kind, code, frames], ...], ...} of each batch.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field

from agents.decode.config import DecodeConfig
from bench.case import Strict
from bench.fuzz import laws, oracle
from bench.fuzz.kinds import MOST
from bench.fuzz.laws import Broken
from bench.fuzz.make import Made, Maker
from bench.fuzz.world import World, config_of, tables_by_config
from pipeline import gcm
from pipeline.batch import FrameBatch

MOST_SAID = 20


class Order(Strict):
    """What is to be done."""

    seed: int
    batch: int = Field(ge=1, description="frames of a batch")
    first: int = Field(ge=0, description="number of the first frame, of a whole batch unless `singly`")
    frames: int = Field(ge=1)
    singly: bool = Field(False, description="each frame in a batch of its own")
    oracle_batches: int = Field(1, ge=1)
    lane_octets: int = Field(0, ge=0, description="of a batch, for the decoder for single frames")
    lane_batches: int = Field(1, ge=1, description="one batch of so many is bounded as in a topology")
    shown: bool = Field(False, description="the octets of a batch's first frame too, and whom they are from")
    saved: Path | None = Field(None, description="file to which the frames go, instead of being decoded")


def main(order: Order) -> None:
    """All batches of an order, one after the other."""
    world = World(order.seed)
    maker, context = Maker(world, order.seed, order.batch), gcm.new_context(encrypt=False)
    tables, judge = tables_by_config(world), oracle.find()
    step = 1 if order.singly else order.batch
    for first in range(order.first, order.first + order.frames, step):
        _say({"begin": first})
        number = first // order.batch
        begin = time.perf_counter()
        made = maker.make(first, min(step, order.first + order.frames - first))
        making = time.perf_counter() - begin
        config = config_of(number)
        octets = _lane_octets(order, number, compared=judge is not None)
        decoded, broken = laws.decode(made, tables[config], context, octets)
        decoding = time.perf_counter() - begin - making
        again, more = laws.decode(made, tables[config], context, octets)
        broken += more + laws.check(made, decoded, again)
        compared = 0
        if judge is not None and (number % order.oracle_batches == 0 or order.singly):
            compared, other = oracle.compare(judge, world, made, decoded, config)
            broken += other
        line = _line(made, decoded, broken) | {"compared": compared, "secs": [round(making, 4), round(decoding, 4)]}
        _say(line | {"shown": _shown(made)} if order.shown else line)


def _lane_octets(order: Order, number: int, *, compared: bool) -> int:
    """Bound of the second lane for a batch: none where all frames are compared, for the oracle does not know it."""
    if order.singly or number % order.lane_batches == order.lane_batches - 1:
        return DecodeConfig().single_octets
    return 0 if compared and number % order.oracle_batches == 0 else order.lane_octets


def _line(made: Made, decoded: laws.Decoded, broken: list[Broken]) -> dict[str, Any]:
    cells = np.bincount(made.kind.astype(np.int64) * 256 + decoded.opened.code, minlength=MOST * 256)
    there = np.flatnonzero(cells)
    return {
        "first": made.first,
        "frames": len(made.kind),
        "octets": len(made.batch.payload),
        "rows": len(decoded.rows.frame),
        "lane": [len(decoded.lane.read), int((decoded.opened.code[decoded.lane.read] == 0).sum())],
        "cells": [[int(cell) // 256, int(cell) % 256, int(cells[cell])] for cell in there],
        "broken": [one.as_json() for one in broken[:MOST_SAID]],
    }


def _shown(made: Made) -> dict[str, Any]:
    batch = made.batch
    return {"device": int(batch.device[0]), "service_point": int(batch.service_point[0]), "octets": made.frame(0).hex()}


def save(order: Order) -> None:
    """Write the frames of whole batches to `saved`, for a process that cannot make them."""
    assert order.saved is not None
    maker = Maker(World(order.seed), order.seed, order.batch)
    parts: dict[str, Any] = {"seed": np.array([order.seed]), "batches": np.array([-(-order.frames // order.batch)])}
    for number, first in enumerate(range(order.first, order.first + order.frames, order.batch)):
        made = maker.make(first, min(order.batch, order.first + order.frames - first))
        fields = {column.name: getattr(made.batch, column.name) for column in FrameBatch.COLUMNS}
        if made.requeued is not None:
            fields["requeued"] = made.requeued
        parts |= {f"{number}.{name}": value for name, value in fields.items()}
    np.savez(order.saved, **parts)


def _say(line: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asked = Order.model_validate_json(sys.argv[1])
    if asked.saved is None:
        main(asked)
    else:
        save(asked)
