"""From version names to References: where versions are kept, and how their bytes become what steps read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np

from pipeline.errors import ConfigError, Fatal
from pipeline.keystore import open_sealed
from pipeline.reference import KeyRing, References, Registry, version_of
from pipeline.reference_codec import documents_from_bytes, registry_from_bytes

REGISTRY = "registry"
KEYS = "keys"
DOCUMENTS = "documents"


class ReferenceStore(Protocol):
    """Versions by kind and name."""

    def get(self, kind: str, version: str) -> bytes | None:
        """The bytes of a version, or None when this store does not have it (yet)."""


@dataclass
class MemoryReferences:
    """Versions in memory: the embedded run and tests."""

    versions: dict[tuple[str, str], bytes] = field(default_factory=dict)

    def put(self, kind: str, raw: bytes) -> str:
        """Keep a version; returns its name."""
        version = version_of(raw)
        self.versions[kind, version] = raw
        return version

    def get(self, kind: str, version: str) -> bytes | None:
        """See ReferenceStore."""
        return self.versions.get((kind, version))


@dataclass(frozen=True)
class KeyFolder:
    """Sealed key stores as files named `<version>.keys`: keys never travel through a topic."""

    folder: Path

    def put(self, raw: bytes) -> str:
        """Keep a sealed store; returns its name."""
        version = version_of(raw)
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{version}.keys"
        path.write_bytes(raw)
        path.chmod(0o600)
        return version

    def get(self, kind: str, version: str) -> bytes | None:
        """See ReferenceStore; only the kind `keys`."""
        path = self.folder / f"{version}.keys"
        return path.read_bytes() if kind == KEYS and path.exists() else None


@dataclass(frozen=True)
class FirstOf:
    """Several stores as one: the first that has a version answers."""

    stores: tuple[ReferenceStore, ...]

    def get(self, kind: str, version: str) -> bytes | None:
        """See ReferenceStore."""
        for store in self.stores:
            raw = store.get(kind, version)
            if raw is not None:
                return raw
        return None


NO_KEYS = KeyRing(np.zeros(0, np.uint64), np.zeros((0, 16), np.uint8), np.zeros((0, 16), np.uint8))


def read_references(store: ReferenceStore, versions: Mapping[str, str], master_key: bytes | None) -> References:
    """The References of a control record; raises Fatal naming the first version that is not there."""

    def need(kind: str) -> bytes | None:
        if kind not in versions:
            return None
        raw = store.get(kind, versions[kind])
        if raw is None:
            raise Fatal(
                "VERSION_MISSING",
                where=f"{kind}/{versions[kind]}",
                what="a control record names a version that is not there",
                do="publish the version, or give this process its key folder, and start again",
            )
        return raw

    if KEYS in versions and master_key is None:
        raise ConfigError(
            "MASTER_KEY_MISSING",
            where=f"{KEYS}/{versions[KEYS]}",
            what="the key store is sealed and there is no master key to open it",
            do="set KVARN_MASTER_KEY or KVARN_MASTER_KEY_FILE",
        )
    registry, keys, documents = need(REGISTRY), need(KEYS), need(DOCUMENTS)
    return References(
        registry=registry_from_bytes(registry) if registry is not None else empty_registry(),
        keys=open_sealed(keys, master_key) if keys is not None and master_key is not None else NO_KEYS,
        documents=documents_from_bytes(documents) if documents is not None else {},
        versions=dict(versions),
    )


def empty_registry() -> Registry:
    """A registry that knows nothing."""
    return Registry(**{column.name: column.empty() for column in Registry.COLUMNS})
