"""What people and systems say of intervals, from a decoded batch into the hot window."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from agents.vee.output import REJECT
from pipeline.batch import DecodedBatch
from pipeline.columns import Array
from pipeline.rejects import MEANINGS, Rejects
from pipeline.step import Emission, Origin


class Said(NamedTuple):
    """The columns of statements that kernels read, as in DecodedBatch."""

    frame: Array
    service_point: Array
    kind: Array
    number: Array
    start: Array
    secs: Array
    present: Array
    energy: Array


def said_in(decoded: DecodedBatch) -> Said:
    """The statements of a batch, copied: arrays that can be written to are of one type, whatever they came in."""
    return Said(*(np.array(getattr(decoded, f"statement_{name}")) for name in Said._fields))


def known_among(points: Array, known: Array) -> Array:
    """bool (n,): which service points u64 (n,) are among `known` u64, which rise."""
    places = np.minimum(np.searchsorted(known, points), max(len(known) - 1, 0))
    found: Array = known[places] == points if len(known) else np.zeros(len(points), np.bool_)
    return found


def new_refused(said: Said) -> Array:
    """Room for a reject of each statement."""
    return np.zeros(len(said.kind), REJECT)


def statement_rejects(refused: Array, decoded: DecodedBatch, origin: Origin) -> list[Emission]:
    """The refused statements (REJECT) as one batch of rejects, each with the begin of its interval."""
    if not len(refused):
        return []
    rows, count = refused["row"], len(refused)
    rejects = Rejects(
        stage="vee", topic=origin.topic_id, origin=origin, code=refused["code"],
        frame=decoded.statement_frame[rows].astype(np.int64), service_point=decoded.statement_service_point[rows],
        device=np.zeros(count, np.uint64), received_at=np.zeros(count, np.int64),
        time=decoded.statement_start[rows], detail=MEANINGS[refused["code"]], raw=np.zeros(0, np.uint8),
        raw_length=np.zeros(count, np.int64),
    )  # fmt: skip
    return [Emission("rejects", rejects)]
