"""The warehouse's server as a process: started, killed, frozen and started again on its folder."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from cli.services.ports import free_ports, is_open
from pipeline.errors import Fatal

START_SECS = 30.0
ROOT = Path(__file__).resolve().parents[2]


@dataclass
class WarehouseProcess:
    """`folder` holds the warehouse; the port stays the same however often it is started."""

    folder: Path
    port: int = field(default_factory=lambda: free_ports(1)[0])
    _process: subprocess.Popen[bytes] | None = None

    @property
    def dsn(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def embedded(self) -> str:
        """The same rows, once it has ended."""
        return f"chdb://{self.folder}"

    @property
    def running(self) -> bool:
        """Whether there is a process."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it and return when it answers; raises Fatal when it does not."""
        self.end()
        log = self.folder.with_name(self.folder.name + ".server.log")
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as out:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "bench.warehouse.server", str(self.folder), str(self.port)],
                cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=out, stderr=out,
            )  # fmt: skip
        deadline = time.monotonic() + START_SECS
        while not is_open(self.port):
            if not self.running or time.monotonic() > deadline:
                self.end()
                raise Fatal(
                    "WAREHOUSE_NOT_STARTED", where=self.dsn, what=log.read_text(errors="replace")[-1000:],
                    do=f"see {log}",
                )  # fmt: skip
            time.sleep(0.05)

    def kill(self) -> None:
        """SIGKILL: statements under way are cut off."""
        self._end(signal.SIGKILL)

    def end(self) -> None:
        """A clean end, if it runs; its folder is closed afterwards."""
        self._end(signal.SIGTERM)

    def signal(self, number: int) -> None:
        """SIGSTOP and SIGCONT: it is there and does not answer."""
        assert self._process is not None
        self._process.send_signal(number)

    def _end(self, number: int) -> None:
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.send_signal(number)
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._process = None
