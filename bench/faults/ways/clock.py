"""The wall clock of all parts is stepped, forwards and back, as they work (libfaketime); the steady clock goes on."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from bench.faults.parts import Parts
from bench.faults.scene import Scene
from bench.faults.ways.base import Recurring
from pipeline.errors import ConfigError

LIBRARY = "faketime/libfaketimeMT.so.1"
PLACES = (Path("/usr/lib"), Path("/usr/local/lib"))
STEPS = ("+3600", "-7200", "+86400", "-86400", "+40000000", "-60")
"""Seconds beside the true time, one after the other."""


class ClockSteps(Recurring):
    """Each strike is another step; in between the clock is right."""

    gap: ClassVar[tuple[float, float]] = (0.5, 2.0)
    lasts: ClassVar[tuple[float, float]] = (2.0, 4.0)

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._offset = scene.folder / "clock"

    def prepare(self) -> None:
        """See Disturbance; raises ConfigError when the library is not installed."""
        self._set("+0")
        for part in self.scene.commands:
            self.scene.give(
                part, LD_PRELOAD=str(library()), FAKETIME_TIMESTAMP_FILE=str(self._offset), FAKETIME_NO_CACHE="1",
                FAKETIME_DONT_FAKE_MONOTONIC="1", DONT_FAKE_MONOTONIC="1",
            )  # fmt: skip

    def begin(self, parts: Parts) -> None:
        """See Disturbance."""
        super().begin(parts)
        # They do when it is set back (cli.wall_clock).
        parts.may_end.update(parts.commands)

    def strike(self, parts: Parts) -> str:
        """See Recurring."""
        step = STEPS[self.done.tries % len(STEPS)]
        self._set(step)
        return "forwards" if step.startswith("+") else "back"

    def heal(self, parts: Parts) -> None:
        """See Recurring."""
        self._set("+0")

    def _set(self, offset: str) -> None:
        fresh = self._offset.with_suffix(".new")
        fresh.write_text(offset + "\n", encoding="ascii")
        fresh.replace(self._offset)


def library() -> Path:
    """Where libfaketime is; raises ConfigError when it is not installed."""
    for place in PLACES:
        for found in sorted([*place.glob(LIBRARY), *place.glob(f"*/{LIBRARY}")]):
            return found
    raise ConfigError(
        "FAKETIME_MISSING", where=LIBRARY, what="it is not installed",
        do="install it (Debian: faketime), or leave this fault out with --only",
    )  # fmt: skip
