"""What is in force: registry and documents as published last, keys as named last."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from cli.deployment import REGISTRY_TOPIC, key_folder, master_key
from pipeline.errors import ConfigError
from pipeline.keystore import open_sealed
from pipeline.reference import KeyRing, Registry, version_of
from pipeline.reference_codec import documents_from_bytes, registry_from_bytes
from pipeline.runtime.kafka_references import KafkaReferences
from pipeline.runtime.references import DOCUMENTS, KEYS, NO_KEYS, REGISTRY, KeyFolder, empty_registry
from pipeline.topology.plan import Plan

MARK = "in-force"
"""File in the key folder with the version that a control record names."""


class Published(Protocol):
    """Versions by kind."""

    def latest(self, kind: str) -> tuple[str, bytes] | None:
        """Name and bytes of the version of `kind` published last."""


@dataclass(frozen=True)
class InForce:
    """Contents with their versions; a version is empty where there is none. Contents that are not known are None."""

    registry: Registry = field(default_factory=empty_registry)
    registry_version: str = ""
    documents: Mapping[str, bytes] | None = field(default_factory=dict)
    documents_version: str = ""
    keys: KeyRing | None = NO_KEYS
    keys_version: str = ""


def of_file(path: Path) -> InForce:
    """A registry version saved as a file; keys and documents are not known."""
    raw = read_version(path)
    return InForce(registry_from_bytes(raw), version_of(raw), documents=None, keys=None)


def read_version(path: Path) -> bytes:
    """The bytes of a saved version."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError("VERSION_UNREADABLE", where=str(path), what=str(error.strerror),
                          do="name a file that `kvarn registry check --save` has written") from error  # fmt: skip


def of_plan(plan: Plan) -> InForce:
    """What a topology's Kafka and this machine's key folder have."""
    with closing(KafkaReferences(plan.kafka.bootstrap, REGISTRY_TOPIC)) as store:
        return of_store(store, key_folder(), master_key())


def of_store(store: Published, folder: KeyFolder, master: bytes | None) -> InForce:
    """The same of any store; without the master key the keys in force are not known."""
    registry, documents, sealed = store.latest(REGISTRY), store.latest(DOCUMENTS), keys_in_force(folder)
    keys: KeyRing | None = NO_KEYS
    if sealed is not None:
        keys = open_sealed(sealed[1], master) if master is not None else None
    return InForce(
        registry_from_bytes(registry[1]) if registry is not None else empty_registry(),
        registry[0] if registry is not None else "",
        documents_from_bytes(documents[1]) if documents is not None else {},
        documents[0] if documents is not None else "",
        keys,
        sealed[0] if sealed is not None else "",
    )


def keys_in_force(folder: KeyFolder) -> tuple[str, bytes] | None:
    """Name and bytes of the key store that was named last, as far as `mark_keys` knows."""
    mark = folder.folder / MARK
    version = mark.read_text(encoding="ascii").strip() if mark.is_file() else ""
    raw = folder.get(KEYS, version) if version else None
    return None if raw is None else (version, raw)


def mark_keys(folder: KeyFolder, version: str) -> None:
    """Note that a control record names this key store."""
    (folder.folder / MARK).write_text(f"{version}\n", encoding="ascii")
