"""A PostgreSQL server for tests: a cluster of its own in a folder, without durability, ended with its data."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cli.services.ports import free_ports

ACCOUNT = "postgres"
"""Of the package; the server refuses to run as root."""
START_SECS, STOP_SECS = 60.0, 30.0
PASSWORD = "not-to-be-shown"


@dataclass
class Server:
    """A running server."""

    process: subprocess.Popen[bytes]
    port: int

    @property
    def dsn(self) -> str:
        """Of its owner."""
        return f"postgresql://kvarn:{PASSWORD}@127.0.0.1:{self.port}/postgres"

    def stop(self) -> None:
        """End it at once; connections break."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(STOP_SECS)


def programs() -> Path | None:
    """Folder of `initdb` and `postgres`; Debian's lies outside of the search path."""
    found = shutil.which("postgres")
    if found is not None:
        return Path(found).resolve().parent
    return max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name), default=None)


@contextmanager
def server() -> Iterator[Server]:
    """A server on a free port, which takes its owner with a password only."""
    folder, run_as = Path(tempfile.mkdtemp(prefix="kvarn-postgresql-")), _run_as()
    (folder / "password").write_text(PASSWORD, encoding="utf-8")
    for path in (folder, folder / "password"):
        if run_as:
            shutil.chown(path, ACCOUNT)
    try:
        _made(folder, run_as)
        running = _started(folder, run_as)
        try:
            yield running
        finally:
            running.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run_as() -> dict[str, str | int | list[int]]:
    if os.geteuid() != 0:
        return {}
    account = pwd.getpwnam(ACCOUNT)
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def _made(folder: Path, run_as: dict[str, str | int | list[int]]) -> None:
    command = ["initdb", "-U", "kvarn", "--auth=scram-sha-256", f"--pwfile={folder / 'password'}", "-E", "UTF8",
               "--locale=C", "-N", "-D", str(folder / "data")]  # fmt: skip
    subprocess.run([_program(command[0]), *command[1:]], check=True, stdout=subprocess.DEVNULL, cwd=folder, **run_as)  # type: ignore[call-overload]


def _started(folder: Path, run_as: dict[str, str | int | list[int]]) -> Server:
    (port,) = free_ports(1)
    settings = {"listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": "", "fsync": "off",
                "shared_buffers": "16MB"}  # fmt: skip
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [_program("postgres"), "-D", str(folder / "data"), *options], stdout=log, stderr=log, cwd=folder, **run_as
        )  # type: ignore[call-overload]
    deadline = time.monotonic() + START_SECS
    ready = [_program("pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port)]
    while subprocess.run(ready, check=False).returncode:
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError((folder / "log").read_text(encoding="utf-8", errors="replace"))
        time.sleep(0.1)
    return Server(process, port)


def _program(name: str) -> str:
    folder = programs()
    assert folder is not None
    return str(folder / name)
