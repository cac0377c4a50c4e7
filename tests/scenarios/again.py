"""Play a feed in a process of its own: `python -m tests.scenarios.again FOLDER` prints a digest of every topic."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

from cli.testing import FrameDriver
from tests.scenarios import world

FEW = "all,missing=0.03,late=0.03,duplicate=0.01,conflict=0.005,spike=0.01,negative=0.005,corrupt=0.01"


def few_meters() -> world.Feed:
    """Two days of 20 meters with more faults than meters: for what costs a run for each frame."""
    return world.feed(meters=20, days=2, seed=5, faults=FEW)


def digests(driver: FrameDriver) -> dict[str, str]:
    """Topic -> SHA-256 over partition, key and bytes of each record."""
    found = {"log": hashlib.sha256(repr([(one.partition, one.value) for one in driver.log]).encode()).hexdigest()}
    for topic in driver.plan.topics:
        whole = hashlib.sha256()
        for one in driver.bytes_of(topic):
            whole.update(repr((one.partition, one.key, one.value)).encode())
        found[topic] = whole.hexdigest()
    return found


if __name__ == "__main__":
    print(json.dumps(digests(world.play(world.driver(Path(sys.argv[1])), few_meters()))))
