"""Which versions the workers have in force: what the heads of their checkpoints say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from cli.deployment import master_key, references_of
from pipeline.checkpoint import Head
from pipeline.errors import ConfigError
from pipeline.keystore import MASTER_VARIABLE
from pipeline.runtime.references import KEYS, REGISTRY, ReferenceStore, read_references
from pipeline.topology.plan import ChainPlan, ConnectorPlan, Plan

if TYPE_CHECKING:
    from connectors.parked.again import Asked, InForce


def in_force_of(plan: Plan, connector: ConnectorPlan) -> Asked | None:
    """For a connector that offers rejects again; None for others. Raises ConfigError without a master key."""
    from connectors.parked.config import ParkedConfig

    if not isinstance(connector.options, ParkedConfig) or connector.options.rejects_from is None:
        return None
    if master_key() is None:
        raise ConfigError(
            "MASTER_KEY_MISSING", where=f"connectors.{connector.name}.rejects_from",
            what="which devices have another key cannot be told without opening the key stores",
            do=f"set {MASTER_VARIABLE}, or leave rejects to `kvarn rejects requeue`",
        )  # fmt: skip
    chains = [chain for chain in plan.chains if chain.source == connector.to]
    stores: list[ReferenceStore] = []

    def asked(known: Mapping[str, str]) -> InForce | None:
        versions = versions_of(plan.kafka.bootstrap, chains)
        if versions is None or all(versions.get(kind) == known.get(kind) for kind in (KEYS, REGISTRY)):
            return None
        if not stores:
            stores.append(references_of(plan))
        return in_force(stores[0], versions)

    return asked


def in_force(store: ReferenceStore, versions: Mapping[str, str]) -> InForce:
    """Registry and keys of these versions."""
    from connectors.parked.again import InForce

    wanted = {kind: versions[kind] for kind in (KEYS, REGISTRY) if kind in versions}
    found = read_references(store, wanted, master_key())
    return InForce(versions, found.registry, found.keys)


def versions_of(bootstrap: str, chains: list[ChainPlan]) -> Mapping[str, str] | None:
    """The versions in force in every partition of the chains; None while they differ, or while one cannot be told."""
    from agents.worker.settings import WorkerSettings
    from agents.worker.vault import StateReader

    settings = WorkerSettings(bootstrap=bootstrap)
    heads = (
        StateReader(chain, settings, number).last_head()
        for chain in chains
        for number in range(chain.source.partitions)
    )  # fmt: skip
    return same([None if raw is None else Head.from_bytes(raw).versions for raw in heads])


def same(found: list[Mapping[str, str] | None]) -> Mapping[str, str] | None:
    """The versions that all partitions agree on; None when there are none, or when they do not agree."""
    first = found[0] if found else None
    return first if first and all(versions == first for versions in found) else None
