"""Measurements in processes of their own: started, told to begin together, and read."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

from bench.inside.once import Order
from pipeline.errors import Fatal


def measured(orders: Sequence[Order]) -> list[dict[str, Any]]:
    """What each says, all running side by side; those that wait begin when the last of them is ready.

    Raises Fatal when one ends without a result; all are ended then.
    """
    with ExitStack() as stack:
        started = [stack.enter_context(_started(order)) for order in orders]
        for process in started:
            stack.callback(process.kill)
        for process, order in zip(started, orders, strict=True):
            if order.waits:
                _line(process)
        for process, order in zip(started, orders, strict=True):
            if order.waits:
                assert process.stdin is not None
                process.stdin.write("\n")
                process.stdin.flush()
        return [_line(process) for process in started]


def _started(order: Order) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "bench.inside.once", order.model_dump_json()]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _line(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise Fatal("BENCH_FAILED", where="bench.inside.once", what=f"exit code {process.wait()}",
                    do="see what it printed; a fleet may be too large for the memory")  # fmt: skip
    said: dict[str, Any] = json.loads(line)
    return said
