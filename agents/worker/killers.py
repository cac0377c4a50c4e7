"""Frames that end the process at which they are worked on, where a poison frame only makes a step fail."""

from __future__ import annotations

from collections.abc import Callable

from agents.worker.poison import by_halves, others
from pipeline.batch import FrameBatch
from pipeline.errors import Fatal
from pipeline.step import Parcel

DETAIL = "the process died at it, or did not come to its end"
"""Of the reject of such a frame."""


def killers(parcel: Parcel, survives: Callable[[list[int]], bool]) -> list[int]:
    """The frames of a record at which a process dies by themselves; none when it comes through the whole record.

    `survives` tries the record with some of its frames only. Raises Fatal when no frame is to blame.
    """
    frames = others(parcel.batch, ()) if isinstance(parcel.batch, FrameBatch) else []
    if survives(frames):
        return []
    if not frames or not survives([]):
        raise _unclear(parcel, "it does so without any frame")
    bad = by_halves(frames, lambda some: not survives(some))
    if not bad:
        raise _unclear(parcel, "no frame does so by itself")
    assert isinstance(parcel.batch, FrameBatch)
    if not survives(others(parcel.batch, bad)):
        raise _unclear(parcel, f"it does so without the frames {bad} as well")
    return bad


def _unclear(parcel: Parcel, what: str) -> Fatal:
    origin = parcel.origin
    return Fatal(
        "RECORD_KILLS", where=f"partition {origin.partition}, offset {origin.offset}",
        what=f"the process dies at this record; {what}",
        do="report it; give the process more memory if it wants some; the version before goes on from the checkpoint",
    )  # fmt: skip
