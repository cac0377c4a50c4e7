"""The services together: start what is asked for, look at it, end it; and a stack of one's own for a test."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from cli.services import jars, ports
from cli.services.exits import MissingRequirement
from cli.services.kafka import KafkaService
from cli.services.mosquitto import MosquittoService
from cli.services.registry import SchemaRegistryService
from cli.services.service import LocalService, ServiceStatus
from cli.services.settings import ServiceSettings, recorded_ports
from pipeline.errors import ConfigError, KvarnError

# In the order in which they are started; they are ended in reverse.
SERVICES: dict[str, type[LocalService]] = {
    service.name: service for service in (KafkaService, SchemaRegistryService, MosquittoService)
}
ALL = tuple(SERVICES)
_FROM_MAVEN = {KafkaService.name, SchemaRegistryService.name}

Report = Callable[[str], None]
NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Stack:
    """Services that answer."""

    settings: ServiceSettings
    services: tuple[LocalService, ...]
    # Seconds from the start until it answered; a service that ran before is not in here.
    started: dict[str, float]

    @property
    def kafka(self) -> str:
        """Kafka's `bootstrap.servers`."""
        return self.settings.kafka_bootstrap

    @property
    def schema_registry(self) -> str:
        """Schema registry's base address."""
        return self.settings.schema_registry_url

    @property
    def mosquitto(self) -> str:
        """MQTT broker's URL."""
        return self.settings.mosquitto_url

    def status(self) -> list[ServiceStatus]:
        """State of each service."""
        return [service.status() for service in self.services]

    def down(self) -> list[str]:
        """End the services; the names of those that ran."""
        return [service.name for service in reversed(self.services) if service.stop()]


def choose(settings: ServiceSettings, names: Collection[str] = ALL) -> tuple[LocalService, ...]:
    """The services of these names, in starting order. Raises ConfigError for a name that is none."""
    if unknown := sorted(set(names) - set(SERVICES)):
        raise ConfigError(
            "UNKNOWN_SERVICE", where=", ".join(unknown), what="there is no such service", do=f"use {', '.join(ALL)}"
        )
    return tuple(service(settings) for name, service in SERVICES.items() if name in names)


def up(settings: ServiceSettings, names: Collection[str] = ALL, report: Report = lambda line: None) -> Stack:
    """Start what does not run yet and return when all of it answers.

    They start side by side. When one of them fails, those started here are ended again. Raises MissingRequirement with
    everything that is missing at once, ConfigError for a taken port, Transient when Maven fails, Fatal when a service
    does not come up.
    """
    services = choose(settings, names)
    _check_same_ports(settings, services)
    asleep = [service for service in services if not service.running()]
    # Kafka and the registry lack the same things: each is named once.
    if lacking := list(dict.fromkeys(line for service in asleep for line in service.missing())):
        raise MissingRequirement(lacking)
    if any(service.name in _FROM_MAVEN for service in asleep):
        jars.fetch(settings.jars, report)
    settings.record_ports()
    began: dict[str, float] = {}
    started: dict[str, float] = {}
    try:
        for service in asleep:
            began[service.name] = time.monotonic()
            service.start()
        # The slowest was started first and is waited for last, so that each one's time is its own.
        for service in reversed(services):
            service.wait_until_ready()
            if service.name in began:
                started[service.name] = time.monotonic() - began[service.name]
                report(f"{service.name} answers at {service.address}")
    except BaseException:
        for service in reversed(asleep):
            if service.name in began:
                service.stop()
        raise
    return Stack(settings, services, started)


def status(settings: ServiceSettings, names: Collection[str] = ALL) -> list[ServiceStatus]:
    """State of the services that belong to the data folder."""
    return [service.status() for service in choose(settings, names)]


def down(settings: ServiceSettings, names: Collection[str] = ALL) -> list[str]:
    """End the services that belong to the data folder; the names of those that ran."""
    return [service.name for service in reversed(choose(settings, names)) if service.stop()]


def _check_same_ports(settings: ServiceSettings, services: tuple[LocalService, ...]) -> None:
    recorded = recorded_ports(settings.data)
    for service in services:
        for name, port in service.port_settings.items():
            if recorded.get(name, port) != port and service.running():
                raise ConfigError(
                    "RUNS_ELSEWHERE",
                    where=service.name,
                    what=f"it runs already, with port {recorded[name]} instead of {port}",
                    do="end it with `kvarn down` first, or leave the port as it is",
                )


@contextmanager
def temporary(
    names: Collection[str] = ALL, report: Report = lambda line: None, settings: Mapping[str, Any] = NOTHING
) -> Iterator[Stack]:
    """A stack on free ports with its data in a temporary folder; ended, and its data removed, on the way out.

    `settings` go over those that it chooses itself (ServiceSettings). The services end with the calling process even
    when that is killed.
    """
    with tempfile.TemporaryDirectory(prefix="kvarn-", ignore_cleanup_errors=True) as folder:
        kafka, controller, registry, mosquitto = ports.free_ports(4)
        chosen = {
            "data": Path(folder), "kafka_port": kafka, "kafka_controller_port": controller,
            "schema_registry_port": registry, "mosquitto_port": mosquitto, "throwaway": True,
        }  # fmt: skip
        stack = up(ServiceSettings.load(**{**chosen, **settings}), names, report)
        try:
            yield stack
        finally:
            stack.down()


def why_not(names: Collection[str] = ALL) -> str | None:
    """Why this machine cannot run these services, as one line; None when it can, as far as can be seen."""
    try:
        services = choose(ServiceSettings.load(), names)
        lacking = list(dict.fromkeys(line for service in services for line in service.missing()))
    except KvarnError as error:
        return str(error)
    return "; ".join(lacking) or None
