"""A meter as a child process on a free port; ended by its pid."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from connectors.dlms_pull.meters import Meter
from tests.integration.dlms_pull.objects import MeterOptions

ROOT = Path(__file__).parents[3]
DEVICE = 0x4B56490000000001
START_SECS = 30


class MeterProcess:
    """`with MeterProcess(framing="hdlc") as meter`; what it said so far is `said()`."""

    def __init__(self, **options: Any) -> None:
        self.options = MeterOptions(**options)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.integration.dlms_pull.meter", json.dumps(options)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        self._lines: queue.Queue[dict[str, Any]] = queue.Queue()
        self._said: list[dict[str, Any]] = []
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()
        self.port = int(self._lines.get(timeout=START_SECS)["port"])

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            # gurux says things of its own on standard output.
            if line.startswith("{"):
                self._lines.put(json.loads(line))

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def meter(self, **more: Any) -> Meter:
        """As the list of meters has it."""
        ciphered = self.options.authentication == "gmac"
        settled: dict[str, Any] = {
            "device": int(self.options.title, 16), "address": self.address, "framing": self.options.framing,
            "authentication": self.options.authentication, "protection": 0x30 if ciphered else 0,
        }  # fmt: skip
        return Meter(**{**settled, **more})

    def said(self, key: str) -> list[Any]:
        """What it has said under a key."""
        while True:
            try:
                self._said.append(self._lines.get(timeout=0.05))
            except queue.Empty:
                return [line[key] for line in self._said if key in line]

    def close(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            os.kill(self.process.pid, signal.SIGKILL)
            self.process.wait(5)
        self._reading.join(5)
        self.process.stdout.close()

    def __enter__(self) -> MeterProcess:
        return self

    def __exit__(self, *_more: object) -> None:
        self.close()
