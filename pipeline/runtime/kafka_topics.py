"""Create the topics of a topology, and hold what is there against what is wanted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient, NewTopic

from pipeline.errors import ConfigError, Transient

ADMIN_SECS = 30.0


@dataclass(frozen=True)
class WantedTopic:
    """A topic as the topology wants it; `settings` are Kafka's own topic settings."""

    name: str
    partitions: int
    settings: Mapping[str, str] = field(default_factory=dict)


def ensure_topics(bootstrap: str, topics: Iterable[WantedTopic], replication: int = 1) -> list[str]:
    """Create what is missing and return its names.

    Raises ConfigError when a topic has another number of partitions: its keys would be somewhere else, and state with
    them, so partitions are never added.
    """
    admin = AdminClient({"bootstrap.servers": bootstrap})
    try:
        present = admin.list_topics(timeout=ADMIN_SECS).topics
    except KafkaException as error:
        raise Transient("BROKER_ABSENT", where=bootstrap, what=str(error), do="check the broker's address") from error
    missing = []
    for topic in topics:
        if topic.name not in present:
            missing.append(topic)
        elif len(present[topic.name].partitions) != topic.partitions:
            raise ConfigError(
                "PARTITIONS_OTHER",
                where=topic.name,
                what=f"{len(present[topic.name].partitions)} partitions, but the topology says {topic.partitions}",
                do="drain it into a new topic, or correct the topology",
            )
    requests = [
        NewTopic(
            topic.name, num_partitions=topic.partitions, replication_factor=replication, config=dict(topic.settings)
        )
        for topic in missing
    ]
    if requests:
        for name, future in admin.create_topics(requests, operation_timeout=ADMIN_SECS).items():
            try:
                future.result(ADMIN_SECS)
            except KafkaException as error:
                if error.args[0].code() == KafkaError.TOPIC_ALREADY_EXISTS:
                    continue  # another part of the deployment was quicker
                raise Transient("TOPIC_NOT_MADE", where=name, what=str(error), do="check the broker") from error
    return [topic.name for topic in missing]


def topic_id(bootstrap: str, name: str) -> str:
    """Kafka's own id of a topic: a topic made again under the same name has another."""
    admin = AdminClient({"bootstrap.servers": bootstrap})
    try:
        described = admin.describe_topics(TopicCollection([name]), request_timeout=ADMIN_SECS)[name].result(ADMIN_SECS)
    except KafkaException as error:
        raise ConfigError(
            "TOPIC_ABSENT", where=name, what=str(error), do="create the topics of the topology first (kvarn run does)"
        ) from error
    return str(described.topic_id)
