"""`kvarn up`, `kvarn status`, `kvarn down`: the services on this machine."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.output import FAILED, OK, Json, emit
from cli.services import stack
from cli.services.service import ServiceState, ServiceStatus
from cli.services.settings import ServiceSettings

Services = Annotated[
    list[str] | None, typer.Argument(help=f"Which services: {', '.join(stack.ALL)}. All of them when none is named.")
]
Data = Annotated[
    Path | None, typer.Option(help="Folder of the services' data. [KVARN_DATA; .kvarn in the project]", file_okay=False)
]
KafkaPort = Annotated[int | None, typer.Option(help="Kafka's port. [KVARN_KAFKA_PORT; 9092]")]
KafkaControllerPort = Annotated[
    int | None, typer.Option(help="Port of Kafka's own quorum. [KVARN_KAFKA_CONTROLLER_PORT; 9093]")
]
SchemaRegistryPort = Annotated[
    int | None, typer.Option(help="Schema registry's port. [KVARN_SCHEMA_REGISTRY_PORT; 8081]")
]
MosquittoPort = Annotated[int | None, typer.Option(help="MQTT port. [KVARN_MOSQUITTO_PORT; 1883]")]


def up(
    services: Services = None,
    data: Data = None,
    kafka_port: KafkaPort = None,
    kafka_controller_port: KafkaControllerPort = None,
    schema_registry_port: SchemaRegistryPort = None,
    mosquitto_port: MosquittoPort = None,
    as_json: Json = False,
) -> None:
    """Start Kafka, the schema registry and mosquitto on this machine, and wait until they answer.

    What runs already is left alone. Kafka and the registry are fetched by Maven the first time; mosquitto is the
    system's. Everything listens on this machine only, and goes on running until `kvarn down`.
    """
    settings = ServiceSettings.load(
        data=data,
        kafka_port=kafka_port,
        kafka_controller_port=kafka_controller_port,
        schema_registry_port=schema_registry_port,
        mosquitto_port=mosquitto_port,
    )
    running = stack.up(settings, services or stack.ALL, lambda line: typer.echo(line, err=True))
    _print_status(settings, running.status(), as_json, started=running.started)


def status(
    services: Services = None,
    data: Data = None,
    kafka_port: KafkaPort = None,
    schema_registry_port: SchemaRegistryPort = None,
    mosquitto_port: MosquittoPort = None,
    as_json: Json = False,
) -> None:
    """Say which services run and where; ends with 0 only when all that were asked for answer."""
    settings = ServiceSettings.load(
        data=data,
        kafka_port=kafka_port,
        schema_registry_port=schema_registry_port,
        mosquitto_port=mosquitto_port,
    )
    found = stack.status(settings, services or stack.ALL)
    _print_status(settings, found, as_json)
    raise typer.Exit(OK if all(one.state is ServiceState.READY for one in found) else FAILED)


def down(services: Services = None, data: Data = None, as_json: Json = False) -> None:
    """End the services of the data folder; their data stays for the next `kvarn up`."""
    ended = stack.down(ServiceSettings.load(data=data), services or stack.ALL)
    if as_json:
        emit({"ended": ended})
    else:
        typer.echo(f"Ended {', '.join(ended)}." if ended else "Nothing was running.")


def _print_status(
    settings: ServiceSettings,
    services: list[ServiceStatus],
    as_json: bool,
    started: dict[str, float] | None = None,
) -> None:
    if as_json:
        rows: list[dict[str, Any]] = [dataclasses.asdict(one) for one in services]
        for row in rows:
            if started and row["name"] in started:
                row["started_in_secs"] = round(started[row["name"]], 1)
        emit({"data": str(settings.data), "services": rows})
        return
    # Plain columns: an address that a table breaks or cuts off cannot be copied.
    for one in services:
        typer.echo(f"{one.name:<16} {one.state.value:<9} {one.address}")
    typer.echo(f"Data and logs: {settings.data}")
