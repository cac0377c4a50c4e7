"""What a run is made of: its topology file, bounds of its topics, the commands of its parts, room on the disk."""

from __future__ import annotations

from pathlib import Path

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType
from ruamel.yaml import YAML

from bench.soak.case import SoakCase
from cli.run import parts
from pipeline.errors import Transient
from pipeline.topology.plan import Plan

ADMIN_SECS = 30.0
SEGMENTS = 4
"""Of what is kept of a partition: only whole segments are deleted."""

CLOCK_CONNECTORS = {"ticker"}
"""Types that are not started: the generator has the clock."""
PUSHED = {"dlms", "mqtt"}
"""Types that meters push to."""

ROW_BYTES = 30
"""In the warehouse, a frame: readings merged, the share of days and determinants, and room to merge a month."""
LOG_BYTES = 600
"""In Kafka, a frame: its own, its reading's, its share of the state, until they are deleted or compacted."""
STATE_BYTES = 4 << 30
FRAMES_PER_S = 150_000
"""What two CPUs take at best, generator and broker included; for the estimate of room alone."""
FLOODED = {"FrameBatch", "ReadingBatch", "NodeEnergy"}
"""Schemas of topics that grow with every frame."""


def write_topology(file: Path, folder: Path, behind_bytes: int) -> Path:
    """A copy of the file whose connectors stop reading at `behind_bytes`."""
    yaml = YAML(typ="safe")
    document = yaml.load(file.read_text(encoding="utf-8"))
    for connector in document.get("connectors", {}).values():
        if connector.get("type") not in CLOCK_CONNECTORS:
            connector["gather"] = {**connector.get("gather", {}), "behind_bytes": behind_bytes}
    copy = folder / "topologies.yaml"
    with copy.open("w", encoding="utf-8") as out:
        yaml.dump(document, out)
    return copy


def bound_topics(plan: Plan, retention_bytes: int) -> None:
    """Let Kafka keep so much of each partition, of all topics that are not compacted."""
    wanted = {"retention.bytes": retention_bytes, "segment.bytes": retention_bytes // SEGMENTS,
              "file.delete.delay.ms": 1000}  # fmt: skip
    resources = [
        ConfigResource(
            ResourceType.TOPIC,
            topic.name,
            incremental_configs=[
                ConfigEntry(name, str(value), incremental_operation=AlterConfigOpType.SET)
                for name, value in wanted.items()
            ],
        )
        for topic in plan.created() if not topic.compact
    ]  # fmt: skip
    admin = AdminClient({"bootstrap.servers": plan.kafka.bootstrap})
    for resource, future in admin.incremental_alter_configs(resources, request_timeout=ADMIN_SECS).items():
        try:
            future.result(ADMIN_SECS)
        except KafkaException as error:
            raise Transient("TOPIC_NOT_BOUND", where=resource.name, what=str(error), do="check the broker") from error


def commands_of(plan: Plan, file: Path, ports: list[int]) -> tuple[dict[str, list[str]], dict[str, int]]:
    """Part -> command as `kvarn run` has it, and connector -> port of its status page."""
    wanted = [name for name, row in plan.connectors.items() if row.type not in CLOCK_CONNECTORS]
    pages = dict(zip(wanted, ports, strict=False))
    commands = {}
    for name, command in parts(plan, file).items():
        kind, _, part = name.partition(".")
        if kind == "connect":
            if part not in pages:
                continue
            command[command.index("--status-port") + 1] = str(pages[part])
        commands[name] = command
    return commands, pages


def bytes_needed(case: SoakCase, plan: Plan) -> int:
    """Disk of a run: the warehouse, which keeps all rows, and what Kafka keeps of its topics."""
    frames = round(FRAMES_PER_S * case.seconds)
    flooded = sum(topic.partitions for topic in plan.topics.values() if topic.schema in FLOODED)
    # Retention looks every so often, and deletes whole segments.
    kept = flooded * (case.retention_bytes + 2 * case.retention_bytes // SEGMENTS)
    return frames * ROW_BYTES + min(frames * LOG_BYTES, kept + STATE_BYTES)
