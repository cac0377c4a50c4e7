"""Put an import in force: seal the keys, name the versions in the log, publish documents and registry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from cli.deployment import MASTER_KEY_ENV, REGISTRY_TOPIC
from cli.registry.importing import Import
from cli.registry.in_force import InForce, mark_keys
from cli.registry.spool import drop, keep, kept
from connectors.ticker.connector import write_to_all
from pipeline.errors import ConfigError
from pipeline.keystore import seal
from pipeline.reference import version_of
from pipeline.reference_codec import documents_to_bytes
from pipeline.runtime.kafka_references import publish
from pipeline.runtime.references import DOCUMENTS, KEYS, REGISTRY, KeyFolder
from pipeline.step import Control
from pipeline.topology.plan import Plan
from pipeline.wire import Contracts


class Log(Protocol):
    """Where versions are published and put in force."""

    def publish(self, kind: str, raw: bytes) -> None:
        """Write a version."""

    def control(self, control: Control) -> None:
        """Name versions in every partition of the log."""


@dataclass(frozen=True)
class KafkaLog:
    """See Log."""

    plan: Plan
    contracts: Contracts

    def publish(self, kind: str, raw: bytes) -> None:
        """See Log."""
        publish(self.plan.kafka.bootstrap, kind, raw, REGISTRY_TOPIC)

    def control(self, control: Control) -> None:
        """See Log."""
        topics = {row.to.name: row.to for row in self.plan.connectors.values()}
        for topic in topics.values():
            bootstrap = self.plan.kafka.bootstrap
            write_to_all(bootstrap, self.contracts, topic.name, topic.partitions, None, control)


@dataclass(frozen=True)
class Versions:
    """What an import comes to: bytes by kind of all that is new, and the names."""

    new: dict[str, bytes]
    names: dict[str, str]


def versions_of(found: Import, in_force: InForce, master: bytes | None) -> Versions:
    """The versions that the import makes, without those that are in force; raises ConfigError without a master key."""
    raw = {REGISTRY: found.raw}
    keys, tariffs = found.keys, found.tariffs
    if keys is not None:
        if master is None:
            raise ConfigError("MASTER_KEY_MISSING", where="keys", what="there is no master key to seal the keys with",
                              do=f"set {MASTER_KEY_ENV}, or import without keys")  # fmt: skip
        raw[KEYS] = seal(keys, master)
    if tariffs is not None:
        others = {name: text for name, text in (in_force.documents or {}).items() if not name.startswith("tariffs/")}
        raw[DOCUMENTS] = documents_to_bytes({**others, **tariffs})
    before = {REGISTRY: in_force.registry_version, KEYS: in_force.keys_version, DOCUMENTS: in_force.documents_version}
    names = {kind: version_of(data) for kind, data in raw.items()}
    return Versions({kind: data for kind, data in raw.items() if names[kind] != before[kind]}, names)


def put_in_force(versions: Versions, log: Log, folder: KeyFolder) -> None:
    """Do it, in an order in which a run that fails anywhere is made good by the next.

    The control record first: connectors resolve with a registry as soon as it is published, and a frame so resolved
    must not stand before the record that puts the version in force. Workers wait for a version that is on its way, and
    the spool sees to it that it comes, even when the next run is of other files.
    """
    if not versions.new:
        return
    if KEYS in versions.new:
        folder.put(versions.new[KEYS])
    names = {kind: versions.names[kind] for kind in versions.new}
    keep(folder, names, versions.new)
    _publish(names, versions.new, log, folder)


def finish(log: Log, folder: KeyFolder) -> dict[str, str]:
    """Put in force what a run that failed has left; returns the names by kind.

    Nobody knows in how many partitions its control record stands: it is written again in all.
    """
    left = kept(folder)
    if left is None:
        return {}
    _publish(*left, log, folder)
    return left[0]


def _publish(names: Mapping[str, str], raw: Mapping[str, bytes], log: Log, folder: KeyFolder) -> None:
    log.control(Control(dict(names)))
    if KEYS in names:
        # Keys are not published: a mark says that they were named.
        mark_keys(folder, names[KEYS])
    for kind in (DOCUMENTS, REGISTRY):
        if kind in names:
            log.publish(kind, raw[kind])
    drop(folder)
