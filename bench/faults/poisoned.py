"""`kvarn worker` with a program that fails at marked frames, or dies of them: python -m bench.faults.poisoned ...

The step is a class of its own, so that the process in which the worker tries a suspected record has it too.
"""

from __future__ import annotations

import os
import signal
from typing import Any

import numpy as np

from agents.decode.step import DecodeStep
from pipeline.batch import FrameBatch
from pipeline.columns import Array
from pipeline.state import StateStore
from pipeline.step import Advance, Parcel

POISON, KILLER = 0xDEAD_0000_0000_0001, 0xDEAD_0000_0000_0002
"""Devices, which no registry has, whose frames the step cannot take."""


class FailingDecode(DecodeStep):
    """As the step that is shipped, but for marked frames."""

    def advance(self, parcel: Parcel, store: StateStore, prepared: Any) -> Advance:
        """See DecodeStep."""
        batch = parcel.batch
        if isinstance(batch, FrameBatch):
            # What was found and emptied does no harm.
            marked: Array = batch.device[batch.length > 0]
            if (marked == np.uint64(KILLER)).any():
                os.kill(os.getpid(), signal.SIGKILL)
            if (marked == np.uint64(POISON)).any():
                raise ZeroDivisionError
        return super().advance(parcel, store, prepared)


def main() -> None:
    """The command line, with this step for the shipped one."""
    import cli.main
    import cli.worker
    from cli.stages import make_steps

    def failing(chain: Any) -> Any:
        return tuple(FailingDecode(step.config) if type(step) is DecodeStep else step for step in make_steps(chain))

    vars(cli.worker)["make_steps"] = failing
    cli.main.main()


if __name__ == "__main__":
    # By its name, so that the step can be handed to another process.
    from bench.faults import poisoned

    poisoned.main()
