"""Quix Streams: its environment from the lock, its process, its changelog."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from bench.peers.environment import Report, make_once, run
from bench.peers.peer import Peer, Told
from bench.peers.quix.settings import all_settings
from cli.services.settings import PROJECT_ROOT

LOCK = Path(__file__).parent / "requirements.lock"
PINS = ("quixstreams", "confluent-kafka", "rocksdict", "gurux-dlms", "cryptography")


def _make(place: Path, report: Report) -> None:
    def install() -> None:
        report("Installing Quix Streams (once, a minute)")
        shutil.rmtree(place / "env", ignore_errors=True)
        run([sys.executable, "-m", "venv", str(place / "env")], "quix: an environment (Python's venv module)")
        pip = [_python(place), "-m", "pip", "--disable-pip-version-check", "--quiet", "install"]
        run([*pip, "--require-hashes", "-r", str(LOCK)], "quix: what its lock names")

    make_once(place, [LOCK], install)


def _python(place: Path) -> str:
    return str(place / "env" / "bin" / "python")


def _command(place: Path, told: Told) -> list[str]:
    topics = told.topics
    settings = {
        "bootstrap": told.bootstrap, "group": told.group, "state": str(told.state), "keys": str(told.keys),
        "cipher": told.way.cipher, "source": topics.frames, "readings": topics.readings, "rejects": topics.rejects,
    }  # fmt: skip
    return [_python(place), "-W", "ignore", "-m", "bench.peers.quix.worker", json.dumps(settings)]


def versions() -> Mapping[str, str]:
    """The pins that matter."""
    found = dict(re.findall(r"^([a-z0-9-]+)==(\S+)", LOCK.read_text(encoding="utf-8"), re.MULTILINE))
    return {name: found[name] for name in PINS}


PEER = Peer(
    name="quix",
    make=_make,
    command=_command,
    changelog=lambda told: f"changelog__{told.group}--{told.topics.frames}--default",
    settings=all_settings,
    versions=versions,
    environment={"PYTHONPATH": str(PROJECT_ROOT)},
)
