"""The schema registry: Apicurio, which speaks the Confluent protocol under `/apis/ccompat/v7`."""

from __future__ import annotations

import http.client
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

from cli.services import jars, java
from cli.services.service import LocalService

_ANSWER_TIMEOUT_SECS = 2.0


class SchemaRegistryService(LocalService):
    """The registry, with its schemas in a database file."""

    name = "schema-registry"

    @property
    def address(self) -> str:
        """Base address of the Confluent protocol."""
        return self.settings.schema_registry_url

    @property
    def port_settings(self) -> Mapping[str, int]:
        """Its HTTP port."""
        return {"schema_registry_port": self.settings.schema_registry_port}

    def missing(self) -> list[str]:
        """Its jars, or Maven to fetch them, and Java."""
        return jars.missing(self.settings.jars) + java.missing(self.settings)

    def prepare(self) -> None:
        """Nothing: it makes its database itself."""

    def command(self) -> list[str | Path]:
        """The registry, set up for a quick start and one user."""
        properties = {
            "quarkus.http.host": self.settings.host,
            "quarkus.http.port": self.settings.schema_registry_port,
            "quarkus.http.access-log.enabled": "false",
            # Health and metrics would be offered to the network on a fixed port.
            "quarkus.management.host": self.settings.host,
            "quarkus.management.port": 0,
            'quarkus.log.category."io.apicurio".level': "WARN",
            "apicurio.datasource.url": f"jdbc:h2:file:{self.folder / 'schemas'}",
        }
        return [
            java.executable(self.settings),
            f"-Xmx{self.settings.schema_registry_heap}",
            # Compiled lightly and collected simply: it starts in half the time and is asked a few dozen times.
            "-XX:TieredStopAtLevel=1",
            "-XX:+UseSerialGC",
            "-XX:+ExitOnOutOfMemoryError",
            *(f"-D{name}={value}" for name, value in properties.items()),
            "-jar",
            jars.registry_jar(self.settings.jars),
        ]

    def answers(self) -> bool:
        """Whether it lists its subjects."""
        where = urlsplit(f"{self.address}/subjects")
        connection = http.client.HTTPConnection(where.netloc, timeout=_ANSWER_TIMEOUT_SECS)
        with closing(connection):
            try:
                connection.request("GET", where.path)
                return connection.getresponse().status == http.client.OK
            except (OSError, http.client.HTTPException):
                return False
