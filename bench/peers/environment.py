"""Environments of peers: in the folder of local data, made once, and anew when their pins have changed."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from bench.peers.peer import Peer
from cli.services.exits import MissingRequirement
from cli.services.settings import DEFAULT_DATA
from pipeline.errors import Transient

FOLDER = DEFAULT_DATA / "peers"
COMPLETE = "complete"
MOST_SECS = 900
TAIL_LINES = 12

Report = Callable[[str], None]


def environment(peer: Peer, report: Report, folder: Path = FOLDER) -> Path:
    """The folder of a peer's environment, made when it is not there.

    Raises MissingRequirement when something must be installed first, Transient when a registry does not answer.
    """
    place = folder / peer.name
    place.mkdir(parents=True, exist_ok=True)
    peer.make(place, report)
    return place


def make_once(place: Path, made_of: Iterable[Path], make: Callable[[], None]) -> None:
    """Call `make` unless it was done for the same files; one process makes, others that come meanwhile wait for it."""
    with (place / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        mark, wanted = place / COMPLETE, fingerprint(made_of)
        if mark.exists() and mark.read_text() == wanted:
            return
        mark.unlink(missing_ok=True)
        make()
        mark.write_text(wanted)


def fingerprint(files: Iterable[Path]) -> str:
    """Of names and contents."""
    found = hashlib.sha256()
    for file in sorted(files):
        found.update(f"{file.name}\n".encode() + hashlib.sha256(file.read_bytes()).digest())
    return found.hexdigest()


def need(programs: Sequence[tuple[str, str]]) -> None:
    """Raise MissingRequirement naming every (program, what to install for it) that is not on the path."""
    lacking = [f"{program} is not installed: install {what}" for program, what in programs if not shutil.which(program)]
    if lacking:
        raise MissingRequirement(lacking)


def run(command: Sequence[str], name: str) -> None:
    """Run a step of making it; raises Transient with the end of what it said."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=MOST_SECS)
    except subprocess.TimeoutExpired as error:
        raise _failed(name, f"no end after {MOST_SECS} s") from error
    if done.returncode:
        said = (done.stdout + done.stderr).strip().splitlines()
        raise _failed(name, "\n".join(said[-TAIL_LINES:]) or f"exit code {done.returncode}")


def _failed(name: str, what: str) -> Transient:
    return Transient(
        "PEER_NOT_MADE", where=name, what=what, do="check that package registries are reached, and try again"
    )
