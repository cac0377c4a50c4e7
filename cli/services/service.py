"""What the services on one machine have in common: start, readiness, stop, status."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import ClassVar

from cli.services import ports, process
from cli.services.settings import ServiceSettings, variable
from pipeline.errors import ConfigError, Fatal

_POLL_SECS = 0.1


class ServiceState(StrEnum):
    """What a service is doing."""

    STOPPED = "stopped"
    STARTING = "starting"
    READY = "ready"


@dataclass(frozen=True)
class ServiceStatus:
    """One service as `kvarn status` reports it."""

    name: str
    state: ServiceState
    address: str
    pid: int | None
    log: str


class LocalService(ABC):
    """One service run as a process of its own, with its files in `<data>/<name>/`."""

    name: ClassVar[str]
    # How long a clean stop may take before the process is killed.
    stop_patience_secs: ClassVar[float] = 20.0

    def __init__(self, settings: ServiceSettings) -> None:
        self.settings = settings
        self.folder = settings.folder(self.name)
        self.pid_file = self.folder / "service.pid"
        self.log_file = self.folder / "service.log"

    @property
    @abstractmethod
    def address(self) -> str:
        """Where clients reach it."""

    @property
    @abstractmethod
    def port_settings(self) -> Mapping[str, int]:
        """The ports it binds, by the name of their setting."""

    @abstractmethod
    def missing(self) -> list[str]:
        """What this machine lacks to run it, each with what to install; empty when nothing."""

    @abstractmethod
    def prepare(self) -> None:
        """Write the configuration and whatever must be there before the start. The folder exists."""

    @abstractmethod
    def command(self) -> list[str | Path]:
        """Command line of the process."""

    @abstractmethod
    def answers(self) -> bool:
        """Whether a client gets a proper answer now, in at most a second or two."""

    def running(self) -> bool:
        """Whether our process exists, ready or not."""
        return process.find(self.pid_file) is not None

    def start(self) -> bool:
        """Start the process without waiting until it answers; False when it runs already.

        Raises ConfigError when a port is taken.
        """
        if self.running():
            return False
        self._check_ports()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.prepare()
        process.start(
            self.command(),
            pid_file=self.pid_file,
            log_file=self.log_file,
            die_with_parent=self.settings.throwaway,
        )
        return True

    def wait_until_ready(self) -> None:
        """Return when the service answers; Fatal with the end of its log when it ends, or takes too long."""
        deadline = time.monotonic() + self.settings.start_timeout_secs
        while not self.answers():
            if not self.running():
                raise self._not_ready("ended at once")
            if time.monotonic() > deadline:
                raise self._not_ready(f"gave no answer in {self.settings.start_timeout_secs:g} s")
            time.sleep(_POLL_SECS)

    def stop(self) -> bool:
        """End the process and wait until it is gone; False when there was none."""
        patience = 0.0 if self.settings.throwaway else self.stop_patience_secs
        return process.stop(self.pid_file, patience_secs=patience)

    def status(self) -> ServiceStatus:
        """Look at the process and ask the service itself."""
        found = process.find(self.pid_file)
        state = ServiceState.STOPPED
        if found is not None:
            state = ServiceState.READY if self.answers() else ServiceState.STARTING
        return ServiceStatus(self.name, state, self.address, found.pid if found else None, str(self.log_file))

    def _check_ports(self) -> None:
        for setting, port in self.port_settings.items():
            if not ports.is_free(port, self.settings.host):
                raise ConfigError(
                    "PORT_TAKEN",
                    where=f"{self.name}, port {port}",
                    what="another process listens there",
                    do=f"end it, or choose another port with {variable(setting)}",
                )

    def _not_ready(self, what: str) -> Fatal:
        return Fatal(
            "SERVICE_NOT_READY",
            where=f"{self.name} ({self.address})",
            what=f"it {what}; its log ends:\n{process.tail(self.log_file)}\n",
            do=f"read {self.log_file}",
        )
