"""Child processes of a run: started with a log file each, watched, ended by pid."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.errors import Fatal

STOP_SECS = 60.0
TAIL_LINES = 15


@dataclass
class Processes:
    """Named children; use as a context manager, so that none outlives the run.

    `apart`: what is sent to the run's process group (a terminal's Ctrl-C, `timeout`) does not reach them.
    """

    logs: Path
    environment: Mapping[str, str]
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    apart: bool = False

    def __enter__(self) -> Processes:
        self.logs.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(self, *_: object) -> None:
        for name in reversed(list(self.running)):
            self._end(name, signal.SIGKILL)

    def start(self, name: str, command: Sequence[str], more: Mapping[str, str] | None = None) -> None:
        """Start a child, with `more` in its environment; its output goes to `<name>.log`."""
        environment = {**os.environ, **self.environment, **(more or {})}
        with (self.logs / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(
                command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=environment,
                process_group=0 if self.apart else None,
            )  # fmt: skip

    def check(self) -> None:
        """Raise Fatal when a child has ended by itself."""
        for name, process in self.running.items():
            code = process.poll()
            if code is not None:
                raise Fatal(
                    "PART_ENDED", where=name, what=f"exit code {code}: {self.tail(name)}", do="see its log in full in "
                    f"{self.logs / f'{name}.log'}",
                )  # fmt: skip

    def stop(self, name: str) -> int:
        """End one child cleanly; its exit code."""
        return self._end(name, signal.SIGTERM)

    def _end(self, name: str, number: int) -> int:
        process = self.running.pop(name)
        if process.poll() is None:
            process.send_signal(number)
            try:
                process.wait(STOP_SECS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        return process.returncode

    def tail(self, name: str) -> str:
        """The last lines of a child's log."""
        text = (self.logs / f"{name}.log").read_text(encoding="utf-8", errors="replace")
        return " | ".join(text.splitlines()[-TAIL_LINES:])

    def cpu_secs(self, name: str) -> float:
        """CPU seconds that a running child has used."""
        import psutil

        times = psutil.Process(self.running[name].pid).cpu_times()
        return float(times.user + times.system)


def _keeper() -> list[str]:
    """What lets the system end a child when this process is killed; where it cannot, `__exit__` is all there is."""
    found = shutil.which("setpriv")
    return [found, "--pdeathsig", "KILL"] if found else []


def wait_until(
    condition: object, what: str, processes: Processes, timeout_secs: float, every_secs: float = 0.05
) -> None:
    """Poll `condition()` until it is true; raises Fatal when a child ends or the time is over."""
    assert callable(condition)
    deadline = time.monotonic() + timeout_secs
    while not condition():
        processes.check()
        if time.monotonic() > deadline:
            raise Fatal("TOO_SLOW", where=what, what=f"not reached in {timeout_secs:.0f} s", do="look at the logs in "
                        f"{processes.logs}")  # fmt: skip
        time.sleep(every_secs)
