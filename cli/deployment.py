"""What every part of a deployment needs before it runs: topics, schemas, and where versions are kept."""

from __future__ import annotations

import os
from pathlib import Path

from pipeline.errors import ConfigError
from pipeline.keystore import parse_master
from pipeline.runtime.kafka_references import KafkaReferences
from pipeline.runtime.kafka_topics import WantedTopic, ensure_topics
from pipeline.runtime.references import FirstOf, KeyFolder
from pipeline.topology.plan import Plan, TopicPlan
from pipeline.wire import MOST_RECORD_BYTES, Contracts
from schemas.registry import contracts_of

REGISTRY_TOPIC = "registry"
MASTER_KEY_ENV = "KVARN_MASTER_KEY"
MASTER_KEY_FILE = "KVARN_MASTER_KEY_FILE"
KEY_FOLDER = "KVARN_KEYS"
DEFAULT_KEY_FOLDER = Path(".kvarn/keys")
STATE_SETTINGS = {"segment.bytes": str(64 << 20), "min.cleanable.dirty.ratio": "0.1"}
"""State pages are written again and again: small segments and an eager cleaner keep a restore short."""

VERSION_WAIT_SECS = 30.0


def prepare(plan: Plan) -> Contracts:
    """Create missing topics and register the schemas; returns the contracts with the ids to use."""
    state = {chain.state.name for chain in plan.chains}
    wanted = [_wanted(plan, topic, STATE_SETTINGS if topic.name in state else {}) for topic in plan.created()]
    ensure_topics(plan.kafka.bootstrap, wanted, plan.kafka.replication)
    return contracts_of(plan.kafka.schema_registry, plan.subjects())


def _wanted(plan: Plan, topic: TopicPlan, settings: dict[str, str]) -> WantedTopic:
    return WantedTopic(
        topic.name,
        topic.partitions,
        {
            "cleanup.policy": "compact" if topic.compact else "delete",
            "retention.ms": "-1" if topic.retention_secs is None else str(1000 * topic.retention_secs),
            "min.insync.replicas": str(plan.kafka.min_insync),
            # A broker's own limit is 1 MB where nobody has raised it.
            "max.message.bytes": str(MOST_RECORD_BYTES),
            **settings,
        },
    )


def key_folder() -> KeyFolder:
    """Folder of sealed key stores."""
    return KeyFolder(Path(os.environ.get(KEY_FOLDER, DEFAULT_KEY_FOLDER)))


def references_of(plan: Plan) -> FirstOf:
    """Versions: keys from the folder, everything else from the topic `registry`."""
    return FirstOf((key_folder(), KafkaReferences(plan.kafka.bootstrap, REGISTRY_TOPIC, VERSION_WAIT_SECS)))


def master_key() -> bytes | None:
    """The master key from KVARN_MASTER_KEY, or from the file that KVARN_MASTER_KEY_FILE names; None without either."""
    text = os.environ.get(MASTER_KEY_ENV)
    file = os.environ.get(MASTER_KEY_FILE)
    if text is None and file is not None:
        try:
            text = Path(file).read_text(encoding="ascii")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(
                "MASTER_KEY_UNREADABLE", where=MASTER_KEY_FILE, what=str(error), do="name a readable file with the key"
            ) from error
    return None if text is None else parse_master(text.strip())
