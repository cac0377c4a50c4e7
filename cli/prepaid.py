"""What the prepaid connector of a topology charges by: tariffs and registry in force, and the reference engine."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from cli.deployment import REGISTRY_TOPIC
from pipeline.columns import Array
from pipeline.errors import ConfigError, Transient
from pipeline.localtime import DAY_SECS, OFFSETS
from pipeline.runtime.kafka_references import KafkaReferences
from pipeline.runtime.references import DOCUMENTS, REGISTRY, read_references
from pipeline.topology.plan import ConnectorPlan, Plan

if TYPE_CHECKING:
    from agents.rating.engine.format.tariff import Tariff
    from connectors.prepaid.account import Day
    from connectors.prepaid.connector import Rates
    from pipeline.reference import Registry

EPOCH = datetime.date(1970, 1, 1)


def rates_of(plan: Plan, connector: ConnectorPlan) -> Rates | None:
    """For a connector of type prepaid; None for others. Raises ConfigError for topics that it cannot work with."""
    from connectors.prepaid.config import PrepaidConfig
    from connectors.prepaid.connector import Rates

    options = connector.options
    if not isinstance(options, PrepaidConfig):
        return None
    expected = {
        options.determinants: "Determinant", options.payments: "Payment", options.results: "CommandResult",
        options.ticks: "FrameBatch",
    }  # fmt: skip
    for name, schema in expected.items():
        topic = plan.topics[name]
        if topic.schema != schema:
            raise ConfigError(
                "PREPAID_TOPIC", where=f"connectors.{connector.name}", what=f"`{name}` holds {topic.schema}",
                do=f"name a topic of schema {schema}",
            )  # fmt: skip
    if plan.topics[options.ticks].partitions != 1:
        raise ConfigError(
            "PREPAID_TICKS", where=options.ticks, what="it has several partitions", do="give it `partitions: 1`"
        )
    book = RateBook(OFFSETS[options.timezone], shipped_names(plan))
    store = _Store(plan)
    return Rates(book.charge, book.device_of, lambda: store.refresh(book))


def shipped_names(plan: Plan) -> tuple[str, ...]:
    """Shipped tariffs that the stage rating of a plan has; its default ones where there is no such stage."""
    from agents.rating.config import RatingConfig

    for chain in plan.chains:
        for stage in chain.stages:
            if isinstance(stage.options, RatingConfig):
                return stage.options.tariffs
    return RatingConfig().tariffs


class _Store:
    """Reads registry and documents again when others are published."""

    def __init__(self, plan: Plan) -> None:
        self._bootstrap = plan.kafka.bootstrap
        self._store: KafkaReferences | None = None
        self._versions: dict[str, str] = {}

    def refresh(self, book: RateBook) -> None:
        """Put what is published last in force; raises Transient while there is no registry."""
        if self._store is None:
            self._store = KafkaReferences(self._bootstrap, REGISTRY_TOPIC)
        newer = [self._store.newer(kind) is not None for kind in (REGISTRY, DOCUMENTS)]
        if self._versions and not any(newer):
            return
        found = {kind: self._store.latest(kind) for kind in (REGISTRY, DOCUMENTS)}
        versions = {kind: one[0] for kind, one in found.items() if one is not None}
        if REGISTRY not in versions:
            raise Transient(
                "REGISTRY_MISSING", where=REGISTRY_TOPIC, what="no registry is published", do="kvarn registry apply"
            )
        if versions != self._versions:
            references = read_references(self._store, versions, None)
            book.take(references.registry, references.documents)
            self._versions = versions


class RateBook:
    """Tariffs by code, and what the registry says of service points."""

    def __init__(self, offset_secs: int, shipped: Sequence[str]) -> None:
        self._offset, self._shipped = offset_secs, tuple(shipped)
        self._tariffs: list[Tariff] = []
        self._registry: Registry | None = None
        self.take(None, {})

    def take(self, registry: Registry | None, documents: Mapping[str, bytes] | None) -> None:
        """Put a registry and tariff documents in force; a document takes the place of shipped tariffs of its number."""
        from agents.rating.engine.catalogue import shipped
        from agents.rating.engine.documents import parse

        own = [
            parse(text, name)
            for name, text in sorted((documents or {}).items())
            if name.startswith("tariffs/") and name.endswith(".yaml")
        ]
        numbers = {tariff.number for tariff in own}
        known = shipped()
        self._tariffs = own + [known[name] for name in self._shipped if known[name].number not in numbers]
        self._registry = registry
        order = np.zeros(0, np.int64) if registry is None else np.argsort(registry.service_point, kind="stable")
        self._links = order, np.zeros(0, np.uint64) if registry is None else registry.service_point[order]

    def charge(self, service_point: int, month_start: int, days: Sequence[Day]) -> tuple[int | None, str]:
        """See connectors.prepaid.charges.Charge: the bill of the month's days so far, by the reference engine."""
        from agents.rating.engine.prepaid import DayEnergy, to_date
        from agents.rating.engine.quantities import Quantities

        # The stage bills a month by the version at its begin.
        code = next((day.tariff for day in days if day.tariff), "")
        first = EPOCH + datetime.timedelta(days=(month_start + self._offset) // DAY_SECS)
        tariff = next((one for one in self._tariffs if one.code == code), None)
        if tariff is None:
            return None, f"no tariff {code!r} is in force" if code else "the service point has no tariff"
        energies = [DayEnergy(day.wh, dict(day.zones), day.wh_exp, vah=day.vah) for day in days]
        known = Quantities(wh=0, load_w=self.sanctioned_w(service_point, month_start))
        try:
            return to_date(tariff, first, energies, known).total_paise, ""
        except ConfigError as error:
            return None, f"{error.code} {error.what}"

    def sanctioned_w(self, service_point: int, at: int) -> int | None:
        """Sanctioned load [W] of a service point as the stage rating takes it; None when it is not known."""
        registry = self._registry
        if registry is None:
            return None
        rows = _rows(registry.point, service_point)
        # A service point that begins within the month has no row before: its first one counts.
        begun = [row for row in rows if registry.point_from[row] <= at] or list(rows[:1])
        return int(registry.sanctioned_w[begun[-1]]) or None if begun else None

    def device_of(self, service_point: int, at: int) -> str:
        """See connectors.prepaid.supply.DeviceOf."""
        registry = self._registry
        if registry is None:
            return ""
        order, points = self._links
        for row in order[_rows(points, service_point)]:
            if registry.valid_from[row] <= at < registry.valid_to[row]:
                return f"{int(registry.device[row]):016X}"
        return ""


def _rows(points: Array, point: int) -> range:
    """Where a service point stands in a sorted column."""
    wanted = np.uint64(point)
    return range(int(np.searchsorted(points, wanted)), int(np.searchsorted(points, wanted, side="right")))
