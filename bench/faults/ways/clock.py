"""The wall clock of all parts is stepped, forwards and back, as they work (libfaketime); the steady clock goes on.

libfaketime leaves C11's waits with the true clock, so a small library of ours is laid over it (wall_waits.c).
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import ClassVar

from bench.faults.parts import Parts
from bench.faults.scene import Scene
from bench.faults.ways.base import Recurring
from pipeline.errors import ConfigError

LIBRARY = "faketime/libfaketimeMT.so.1"
PLACES = (Path("/usr/lib"), Path("/usr/local/lib"))
SOURCE = Path(__file__).with_name("wall_waits.c")
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
        """See Disturbance; raises ConfigError when the library, or a compiler, is not installed."""
        self._set("+0")
        preload = f"{waits(self.scene.folder)}:{library()}"
        for part in self.scene.commands:
            self.scene.give(
                part, LD_PRELOAD=preload, FAKETIME_TIMESTAMP_FILE=str(self._offset), FAKETIME_CACHE_DURATION="1",
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


def waits(folder: Path) -> Path:
    """Waits by the stepped clock, compiled into `folder`; raises ConfigError without a C compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        raise ConfigError(
            "COMPILER_MISSING", where=SOURCE.name, what="there is no C compiler (cc)",
            do="install one (Debian: gcc, libc6-dev), or leave this fault out with --only",
        )  # fmt: skip
    made = folder / "wall_waits.so"
    subprocess.run([compiler, "-O2", "-shared", "-fPIC", "-o", str(made), str(SOURCE)], check=True)
    return made


def library() -> Path:
    """Where libfaketime is; raises ConfigError when it is not installed."""
    for place in PLACES:
        for found in sorted([*place.glob(LIBRARY), *place.glob(f"*/{LIBRARY}")]):
            return found
    raise ConfigError(
        "FAKETIME_MISSING", where=LIBRARY, what="it is not installed",
        do="install it (Debian: faketime), or leave this fault out with --only",
    )  # fmt: skip
