"""Kafka as one KRaft node: broker and controller in one process, replication 1."""

from __future__ import annotations

import base64
import subprocess
import uuid
from collections.abc import Mapping
from pathlib import Path

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from cli.services import jars, java, ports
from cli.services.service import LocalService
from pipeline.errors import Fatal

_FORMAT_TIMEOUT_SECS = 60
_ANSWER_TIMEOUT_SECS = 2.0

_SERVER_PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{controller_port}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller_port}{outside}
advertised.listeners=PLAINTEXT://{host}:{port}{outside_address}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,OUTSIDE:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
log.dirs={logs}

# A misspelt topic is an error, not a new topic with one partition.
auto.create.topics.enable=false

# One node: nothing to replicate to. Few partitions, because each is a file that has to be made before the first group
# or transaction goes on.
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0

# A batch of frames under load, or a page of state, is far above Kafka's 1 MB.
message.max.bytes=8388608
replica.fetch.max.bytes=8388608
# Simulated days may lie ahead of this machine's clock; by default Kafka refuses what is an hour ahead.
log.message.timestamp.after.max.ms=9223372036854775807

log.segment.bytes=268435456
# A bound on a log holds within seconds, not minutes.
log.retention.check.interval.ms=15000
log.cleaner.dedupe.buffer.size=33554432
num.network.threads=2
num.io.threads=4
background.threads=4
"""

_LOG4J_PROPERTIES = """\
appender.console.type=Console
appender.console.name=console
appender.console.layout.type=PatternLayout
appender.console.layout.pattern=%d %-5p %c{{1}} %m%n
rootLogger.level=warn
rootLogger.appenderRef.console.ref=console
"""


class KafkaService(LocalService):
    """The broker."""

    name = "kafka"

    @property
    def address(self) -> str:
        """Bootstrap address."""
        return self.settings.kafka_bootstrap

    @property
    def port_settings(self) -> Mapping[str, int]:
        """Clients' ports and the quorum's."""
        outside = self.settings.kafka_outside_port
        return {
            "kafka_port": self.settings.kafka_port,
            "kafka_controller_port": self.settings.kafka_controller_port,
            **({} if outside is None else {"kafka_outside_port": outside}),
        }

    def missing(self) -> list[str]:
        """Its jars, or Maven to fetch them, and Java."""
        return jars.missing(self.settings.jars) + java.missing(self.settings)

    def prepare(self) -> None:
        """Write the configuration; format the storage the first time."""
        self._log4j.write_text(_LOG4J_PROPERTIES)
        self._configuration.write_text(
            _SERVER_PROPERTIES.format(
                host=self.settings.host,
                port=self.settings.kafka_port,
                controller_port=self.settings.kafka_controller_port,
                logs=self._logs,
                **self._outside(),
            )
        )
        if not (self._logs / "meta.properties").exists():
            self._format_storage()

    def command(self) -> list[str | Path]:
        """The broker under the configured heap."""
        heap = self.settings.kafka_heap
        return [*self._java(f"-Xmx{heap}", "-XX:+ExitOnOutOfMemoryError"), "kafka.Kafka", self._configuration]

    def answers(self) -> bool:
        """Whether the broker names itself in the cluster's metadata."""
        # The client logs each refused connection; so it is asked only when something listens.
        if not ports.is_open(self.settings.kafka_port, self.settings.host):
            return False
        try:
            metadata = AdminClient({"bootstrap.servers": self.address, "log_level": 0}).list_topics(
                timeout=_ANSWER_TIMEOUT_SECS
            )
        except KafkaException:
            return False
        return bool(metadata.brokers)

    def _outside(self) -> dict[str, str]:
        port, address = self.settings.kafka_outside_port, self.settings.kafka_outside_address
        if port is None:
            return {"outside": "", "outside_address": ""}
        listener = f"OUTSIDE://{self.settings.host}:{port}"
        return {"outside": f",{listener}", "outside_address": f",OUTSIDE://{address}" if address else f",{listener}"}

    @property
    def _configuration(self) -> Path:
        return self.folder / "server.properties"

    @property
    def _log4j(self) -> Path:
        return self.folder / "log4j2.properties"

    @property
    def _logs(self) -> Path:
        return self.folder / "logs"

    def _java(self, *options: str) -> list[str | Path]:
        return [
            java.executable(self.settings),
            *options,
            "-Djava.awt.headless=true",
            f"-Dlog4j2.configurationFile={self._log4j}",
            "-cp",
            jars.kafka_classpath(self.settings.jars),
        ]

    def _format_storage(self) -> None:
        # Kafka writes cluster ids as 16 random bytes in URL-safe base64 without padding; its tool takes one that begins
        # with a hyphen for an option.
        cluster_id = "-"
        while cluster_id.startswith("-"):
            cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        command = [
            *self._java("-Xmx128m", "-XX:TieredStopAtLevel=1"),
            *("kafka.tools.StorageTool", "format", "--cluster-id", cluster_id, "--config", self._configuration),
        ]
        done = subprocess.run(
            [str(part) for part in command],
            capture_output=True,
            text=True,
            check=False,
            timeout=_FORMAT_TIMEOUT_SECS,
        )
        if done.returncode != 0:
            raise Fatal(
                "KAFKA_FORMAT",
                where=str(self._logs),
                what=(done.stdout + done.stderr).strip()[-2000:],
                do="check the folder, or remove it to begin with an empty Kafka",
            )
