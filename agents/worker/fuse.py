"""A fuse in the way to `rejects`: many rejected frames at once are the fault of a deploy, not of the meters."""

from __future__ import annotations

import numpy as np

from agents.worker.poison import CODE
from agents.worker.unreadable import RECORD_FRAMES, WHOLE
from pipeline.batch import FrameBatch
from pipeline.codes import REJECT_NUMBER
from pipeline.errors import Fatal
from pipeline.runtime.chain import Output, OutputRun, RejectRun
from pipeline.step import Parcel

OURS = frozenset(
    {
        "POISON", "DATA_MALFORMED", "DECRYPT_FAILED", "FRAME_TRUNCATED", "APDU_UNKNOWN", "SECURITY_UNSUPPORTED",
        "TEMPLATE_UNKNOWN", "CLOCK_UNUSABLE", "OFF_GRID", "IN_FUTURE", "FRAME_DAMAGED", "SEGMENT_MISSING",
    }
)  # fmt: skip
"""Reject codes that a fault of ours could cause. Copies, late and unknown ones come in masses by themselves."""


_OUR_NUMBERS = np.array(sorted(REJECT_NUMBER[code] for code in OURS))


def weight(code: str, frame: int) -> int:
    """Frames that a reject counts for; `frame` is its number in its record, or WHOLE."""
    if code == CODE and frame == WHOLE:
        return RECORD_FRAMES
    return int(code in OURS)


def weight_of(output: Output | OutputRun) -> int:
    """Frames that an output counts for; only rejects do. A stage behind decode refuses rows, many of one frame."""
    if isinstance(output, RejectRun):
        return len(np.unique(output.frame[np.isin(output.code, _OUR_NUMBERS)]))
    return 0 if isinstance(output, OutputRun) else weight(output.code, output.frame)


def counted(parcel: Parcel) -> int:
    """Frames of a record of which the share is taken; 0: it does not count.

    What is offered again was refused before: when it is refused once more, that is no fault of today's.
    """
    batch = parcel.batch if parcel.requeued is None else None
    return len(batch.length) if isinstance(batch, FrameBatch) else 0


class Fuse:
    """Counts over about the last `frames` frames; older ones lose weight."""

    def __init__(self, share: float, frames: int) -> None:
        self._share = share
        self._window = frames
        self._frames = 0.0
        self._rejected = 0.0

    def count(self, frames: int, rejected: int) -> None:
        """Note a batch; raises Fatal when the share of rejected frames is too high."""
        self._frames += frames
        self._rejected += rejected
        if self._frames < self._window:
            return
        if self._rejected > self._share * self._frames:
            raise Fatal(
                "TOO_MANY_REJECTS",
                where="rejects",
                what=f"{self._rejected:.0f} of the last {self._frames:.0f} frames were rejected",
                do="look at what the topic rejects says of them; deploy the version before, or raise --fuse-share",
            )
        while self._frames >= 2 * self._window:
            self._frames /= 2
            self._rejected /= 2
