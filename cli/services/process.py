"""Processes that outlive the command that started them, known again by their pid file."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

# Set in the environment of each service. A pid alone could by now belong to a stranger; a pid with this mark is ours.
MARK = "KVARN_SERVICE"
_TAIL_BYTES = 16_384
# The system ends a killed process at once, unless it hangs in a driver.
_KILL_SECS = 10.0
_EXEC_SECS = 0.5


def start(
    command: Sequence[str | Path],
    *,
    pid_file: Path,
    log_file: Path,
    environment: Mapping[str, str] | None = None,
    die_with_parent: bool = False,
) -> int:
    """Start a process in a session of its own, its output in `log_file`; the last run's log is kept beside it.

    Returns the pid. With `die_with_parent` the system kills it when the caller ends, however the caller ends; where
    the system cannot do that, the pid file is all there is.
    """
    pid_file.parent.mkdir(parents=True, exist_ok=True)
    log_file.parent.mkdir(parents=True, exist_ok=True)
    if log_file.exists():
        log_file.replace(log_file.with_suffix(".previous.log"))
    keeper = shutil.which("setpriv") if die_with_parent else None
    arguments = [str(part) for part in command]
    with log_file.open("wb") as log:
        process = subprocess.Popen(
            [keeper, "--pdeathsig", "KILL", *arguments] if keeper else arguments,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {}), MARK: _mark(pid_file)},
            start_new_session=True,
        )
    # It is the pid file's from here, and perhaps another command will end it: without this, Popen would complain
    # that it is still running.
    process.returncode = 0
    pid_file.write_text(f"{process.pid}\n")
    return process.pid


def find(pid_file: Path) -> psutil.Process | None:
    """The running process of a pid file; None when it ended, or when its pid is a stranger's by now."""
    try:
        process = psutil.Process(int(pid_file.read_text()))
        marked = _environment(process).get(MARK) == _mark(pid_file)
    except (OSError, ValueError, psutil.NoSuchProcess, psutil.AccessDenied):
        return None
    return process if marked else None


def stop(pid_file: Path, *, patience_secs: float) -> bool:
    """End the process of a pid file: asked first, killed when it takes longer than `patience_secs` (at once for 0).

    Returns whether there was one.
    """
    process = find(pid_file)
    if process is not None:
        with contextlib.suppress(psutil.NoSuchProcess):
            _end(process, patience_secs)
    pid_file.unlink(missing_ok=True)
    return process is not None


def _end(process: psutil.Process, patience_secs: float) -> None:
    if patience_secs > 0:
        process.terminate()
        try:
            process.wait(patience_secs)
            return
        except psutil.TimeoutExpired:
            pass
    process.kill()
    process.wait(_KILL_SECS)


def tail(log_file: Path, lines: int = 12) -> str:
    """Last lines of a log, for the message about a service that did not start."""
    try:
        with log_file.open("rb") as log:
            log.seek(max(0, log_file.stat().st_size - _TAIL_BYTES))
            text = log.read().decode("utf-8", "replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-lines:])


def _environment(process: psutil.Process) -> dict[str, str]:
    # Between exec and the program's first instruction the system shows an empty environment.
    deadline = time.monotonic() + _EXEC_SECS
    while process.status() != psutil.STATUS_ZOMBIE:
        environment = process.environ()
        if environment or time.monotonic() > deadline:
            return environment
        time.sleep(_EXEC_SECS / 100)
    return {}


def _mark(pid_file: Path) -> str:
    return str(pid_file.absolute())
