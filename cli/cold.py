"""What the cold connector of a topology judges by: its stage vee, the warehouse of its sink, the registry in force."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cli.deployment import REGISTRY_TOPIC
from pipeline.columns import Array
from pipeline.errors import ConfigError, Transient
from pipeline.localtime import DAY_SECS
from pipeline.runtime.kafka_references import KafkaReferences
from pipeline.runtime.references import DOCUMENTS, REGISTRY, read_references
from pipeline.topology.plan import ConnectorPlan, Plan

if TYPE_CHECKING:
    from agents.cold.answer import Asked
    from agents.cold.history import Around, History
    from agents.vee.config import VeeConfig
    from connectors.cold.config import ColdConfig
    from connectors.cold.connector import Answers, Lane, Request
    from pipeline.reference import References
    from sinks.clickhouse.cold_history import Found, FoundAround
    from sinks.clickhouse.config import ClickHouseConfig
    from sinks.clickhouse.reader import Reader

POINTS_AROUND = 20
"""Service points of which weeks of readings are asked for at once, with those of their neighbours."""
STAGES = frozenset({"decode", "vee", "rating"})
"""Between the frames and what the lane reads."""
READ = ("ReadingBatch", "Determinant", "ColdRequest")
"""Schemas of the topics that the sink must take: the lane reads their tables."""


def lane_of(plan: Plan, connector: ConnectorPlan) -> Lane | None:
    """For a connector of type cold; None for others. Raises ConfigError for a topology that lacks what it needs."""
    from connectors.cold.config import ColdConfig
    from connectors.cold.connector import Lane

    options = connector.options
    if not isinstance(options, ColdConfig):
        return None
    sink = plan.sinks.get(options.warehouse)
    where = f"connectors.{connector.name}.warehouse"
    if sink is None or sink.type != "clickhouse":
        raise ConfigError(
            "WAREHOUSE_UNKNOWN", where=where, what=f"there is no sink `{options.warehouse}` of type clickhouse",
            do="name the sink that takes the readings",
        )  # fmt: skip
    topics = {topic.name: topic.partitions for topic in sink.topics if topic.schema in READ}
    lacking = set(READ) - {topic.schema for topic in sink.topics}
    if lacking:
        raise ConfigError(
            "WAREHOUSE_LACKS", where=where, what=f"the sink takes no topic of {', '.join(sorted(lacking))}",
            do="add the topics of readings, determinants and cold requests to its `from`",
        )  # fmt: skip
    config = vee_of(plan, connector)
    if config.improve_secs and not options.history_days:
        raise ConfigError(
            "IMPROVE_IN_VAIN", where=f"connectors.{connector.name}.history_days",
            what="the stage vee has `improve_secs`, and the lane would estimate as the hot window did",
            do="set `history_days: 56`, or take `improve_secs` away",
        )  # fmt: skip
    workers = [
        (chain.group, chain.source.name, chain.source.partitions)
        for chain in plan.chains
        if any(stage.name in STAGES for stage in chain.stages)
    ]
    return Lane(Judge(plan, config, sink.options, options).judge, workers, sink.group, topics)  # type: ignore[arg-type]


def vee_of(plan: Plan, connector: ConnectorPlan) -> VeeConfig:
    """Options of the stage vee of the topology that reads the connector's topic; raises ConfigError without one."""
    from agents.vee.config import VeeConfig

    for chain in plan.chains:
        for stage in chain.stages:
            if stage.name == "vee" and isinstance(stage.options, VeeConfig) and stage.options.cold_days:
                return stage.options
    raise ConfigError(
        "COLD_DAYS_MISSING", where=f"connectors.{connector.name}", what="no stage vee has `cold_days`",
        do="set `vee: {cold_days: 400}`: without it nothing is requested",
    )  # fmt: skip


class Judge:
    """Answers requests. It opens broker and warehouse when it is first asked; one call at a time."""

    def __init__(self, plan: Plan, config: VeeConfig, sink: ClickHouseConfig, options: ColdConfig) -> None:
        self._plan, self._config, self._sink, self._options = plan, config, sink, options
        self._store: KafkaReferences | None = None
        self._references: tuple[Mapping[str, str], References] | None = None

    def judge(self, requests: Sequence[Request]) -> Answers:
        """See connectors.cold.connector.Lane; raises Transient while the warehouse, or the registry, is not there."""
        from agents.cold.answer import judge
        from connectors.cold.connector import Answers

        asked = [asked_of(one, self._config.offset_secs) for one in requests]
        references, frames, again = self._in_force(), [], False
        # Weeks of readings of few service points at once: a query may return so many rows.
        for together in groups_of(asked, POINTS_AROUND if self._options.history_days else len(asked)):
            history = self._history(together, references)
            new, new_said = (brought_by(rows, requests) for rows in (history.requests, history.said))
            made = judge(self._config, references, history, together, new, new_said)
            frames += made.frames
            again = again or made.again
        place = {
            one.record["service_point"]: (one.record["source_partition"], int(one.record["device"], 16))
            for one in requests
        }
        return Answers([(*place[frame.service_point], frame) for frame in frames], again)

    def _history(self, asked: Sequence[Asked], references: References) -> History:
        from agents.cold.answer import months_of, span_of
        from sinks.clickhouse.cold_history import ask
        from sinks.clickhouse.reader import open_reader

        offset_secs, points = self._config.offset_secs, [one.service_point for one in asked]
        first, last = span_of(asked, self._config)
        days = _epoch(first, offset_secs), _epoch(last + 1, offset_secs)
        try:
            reader = open_reader(self._sink)
        except ConfigError as error:
            if error.code != "WAREHOUSE_MISSING":
                raise
            raise Transient(error.code, where=error.where, what=error.what, do=error.do) from error
        try:
            history = history_of(ask(reader, points, days, months_of(first, last, offset_secs)))
            if self._options.history_days:
                history.around = self._around(reader, asked, references)
            return history
        finally:
            reader.close()

    def _around(self, reader: Reader, asked: Sequence[Asked], references: References) -> Around:
        from agents.cold.answer import around_of
        from agents.cold.beside import nodes_above
        from sinks.clickhouse.cold_history import ask_around

        first, last = around_of(asked, self._config, self._options.history_days)
        days = _epoch(first, self._config.offset_secs), _epoch(last + 1, self._config.offset_secs)
        points = sorted({one.service_point for one in asked})
        nodes = {node for point in points for node in nodes_above(references.registry, point)}
        return around_from(ask_around(reader, points, nodes, self._options.temperature_place, days))

    def _in_force(self) -> References:
        """Registry and documents as they were published last."""
        if self._store is None:
            self._store = KafkaReferences(self._plan.kafka.bootstrap, REGISTRY_TOPIC)
        found = {kind: self._store.latest(kind) for kind in (REGISTRY, DOCUMENTS)}
        versions = {kind: one[0] for kind, one in found.items() if one is not None}
        if REGISTRY not in versions:
            raise Transient(
                "REGISTRY_MISSING", where=REGISTRY_TOPIC, what="no registry is published", do="kvarn registry apply"
            )
        if self._references is None or self._references[0] != versions:
            self._references = versions, read_references(self._store, versions, None)
        return self._references[1]


def groups_of(asked: Sequence[Asked], most: int) -> list[list[Asked]]:
    """Requests of at most so many service points each; those of one stay together."""
    points = sorted({one.service_point for one in asked})
    place = {point: number // max(most, 1) for number, point in enumerate(points)}
    found: list[list[Asked]] = [[] for _ in range(len(points) // max(most, 1) + 1)]
    for one in asked:
        found[place[one.service_point]].append(one)
    return [group for group in found if group]


def _epoch(day: int, offset_secs: int) -> int:
    return day * DAY_SECS - offset_secs


def asked_of(request: Request, offset_secs: int) -> Asked:
    """A request as it is judged."""
    from agents.cold.answer import Asked, days_of, days_said

    record = request.record
    times = np.array([row["time"] for row in record["rows"]], np.int64)
    kinds = np.array([row["kind"] for row in record["rows"]], np.int64)
    return Asked(
        record["service_point"], request.offset, record["source_partition"], record["tick_time"],
        days_of(times, kinds, offset_secs)
        | days_said(record, offset_secs)
        or frozenset([(record["day_start"] + offset_secs) // DAY_SECS]),
    )  # fmt: skip


def brought_by(rows: Array, requests: Iterable[Request]) -> Array:
    """Mask of the rows REQUESTED or SAID (n,) that these requests have brought."""
    wanted = {
        (one.record["service_point"], one.record["source_partition"], one.record["source_offset"]) for one in requests
    }
    places = zip(*(rows[name].tolist() for name in ("service_point", "partition", "offset")), strict=True)
    return np.array([place in wanted for place in places], bool)


def history_of(found: Found) -> History:
    """What the warehouse said, as arrays."""
    from agents.cold.history import BILL, DAY, READING, REQUESTED, SAID, History

    requests = [{**row, "device": int(row["device"], 16)} for row in found.requests]
    return History(
        found.begin,
        _table(found.readings, READING),
        _table(requests, REQUESTED),
        _table(found.days, DAY),
        _table(found.bills, BILL),
        _table(found.said, SAID),
    )


def around_from(found: FoundAround) -> Around:
    """What the warehouse said of the days around, as arrays."""
    from agents.cold.history import AROUND, CHECK, NEIGHBOUR, TEMPERATURE, Around

    return Around(
        np.frombuffer(found.readings, AROUND),
        _table(found.checks, CHECK),
        _table(found.temperatures, TEMPERATURE),
        _table(found.neighbours, NEIGHBOUR),
    )


def _table(rows: Sequence[Mapping[str, Any]], kind: np.dtype[Any]) -> Array:
    made = np.zeros(len(rows), kind)
    for place, row in enumerate(rows):
        for name in kind.names or ():
            value = row[name]
            if isinstance(value, list):
                made[name][place][: len(value)] = [int(one) for one in value]
            else:
                made[name][place] = int(value)
    return made
