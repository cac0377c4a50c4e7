"""The cluster that has the topic: settings of the client, and whether the topic is there."""

from __future__ import annotations

from pathlib import Path

import structlog
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from connectors.frames_topic.config import FramesTopicConfig
from connectors.gather.intake import Source
from connectors.tls.contexts import check_client_files
from connectors.tls.secrets import read_password
from pipeline.errors import ConfigError
from pipeline.runtime.kafka_from_start import ANSWER_SECS

READ_MESSAGES = 1000

log = structlog.get_logger()


def source_of(config: FramesTopicConfig, bootstrap: str) -> Source:
    """What is read and how; raises ConfigError for files that cannot be used."""
    security, tls = config.security, config.tls
    settings: dict[str, str] = {"security.protocol": security.protocol}
    if security.sasl:
        settings |= {
            "sasl.mechanism": security.mechanism, "sasl.username": security.user,
            "sasl.password": read_password(Path(security.password_file)),
        }  # fmt: skip
    if security.secure:
        check_client_files(tls)
        files = {
            "ssl.ca.location": tls.ca, "ssl.certificate.location": tls.certificate, "ssl.key.location": tls.key,
        }  # fmt: skip
        settings |= {name: file for name, file in files.items() if file}
    return Source(config.bootstrap or bootstrap, config.topic, config.group, READ_MESSAGES, config.start, settings)


def check_topic(source: Source) -> None:
    """Raises ConfigError when the cluster says that the topic is not there, or not for us; one that is silent may come
    later, and the client waits for it."""
    client = AdminClient({"bootstrap.servers": source.bootstrap, **source.settings})
    try:
        # All of them: to be asked for one by name may make it.
        found = client.list_topics(timeout=ANSWER_SECS).topics
    except KafkaException as error:
        log.warning("the cluster does not answer yet", topic=source.topic, error=str(error))
        return
    if source.topic not in found:
        raise ConfigError(
            "TOPIC_ABSENT", where=source.topic, what=f"{source.bootstrap} does not have it, or not for this user",
            do="correct topic, bootstrap or the rights of the user; the head-end makes the topic, Kvarn does not",
        )  # fmt: skip
