"""Asking a broker how far all parts have come."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path

import pytest

from bench.throughput.watch import Watch
from cli.services import ports
from cli.topology import read_plan
from pipeline.errors import Transient

ROOT = Path(__file__).resolve().parents[3]
HANGS_SECS = 20.0
"""Far more than the patience asked for, far less than what a broker gets that is there."""


def test_a_broker_that_is_gone_is_not_waited_for_longer_than_asked(tmp_path: Path) -> None:
    plan = read_plan(ROOT / "topologies.yaml")
    with closing(Watch(f"127.0.0.1:{ports.free_ports(1)[0]}", plan, {}, tmp_path)) as watch:
        before = time.monotonic()
        with pytest.raises(Transient, match="LAG_UNKNOWN"):
            watch.look(0.2)
        assert time.monotonic() - before < HANGS_SECS
