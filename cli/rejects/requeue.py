"""`kvarn rejects requeue`: rejected frames into the log of frames once more."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from bench.replay.times import ZONE
from cli.deployment import REGISTRY_TOPIC
from cli.output import DEFAULT_FILE, Json, TopologyFile, aside, console, emit
from cli.rejects import options
from cli.rejects.sources import from_topics, topics_of
from cli.topology import read_plan
from connectors.gather.gatherer import FRAME_LIMIT, Gatherer
from connectors.gather.outlet import KafkaOutlet, Targets
from connectors.kept.rejected import Rejected
from connectors.kept.tries import Tries
from connectors.kept.writer import Offered, write_again
from pipeline.errors import ConfigError
from pipeline.reference import Registry
from pipeline.reference_codec import registry_from_bytes
from pipeline.retry import MOST_TRIES
from pipeline.runtime.kafka_references import KafkaReferences
from pipeline.runtime.references import REGISTRY
from pipeline.topology.plan import Plan, TopicPlan
from schemas.registry import contracts_of


def requeue(
    names: Annotated[
        list[str] | None, typer.Argument(help="Names of rejects; all that the options mean if none.")
    ] = None,
    code: options.Codes = None,
    stage: options.Stages = None,
    device: options.Devices = None,
    service_point: options.Points = None,
    since: options.Since = None,
    until: options.Until = None,
    origin: options.Origins = None,
    topic: options.Topic = None,
    frames: Annotated[str | None, typer.Option(help="Topic of frames to write; the one that connectors write.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be offered again, and write nothing.")
    ] = False,
    per_sec: Annotated[int, typer.Option(min=1, help="Frames a second at most.")] = 2000,
    most_tries: Annotated[int, typer.Option(min=1, help="Leave frames that were offered again as often.")] = MOST_TRIES,
    limit: Annotated[
        int, typer.Option(min=1, help="Frames that are looked at in one run; the rest waits.")
    ] = 1_000_000,
    zone: options.Zone = ZONE,
    file: TopologyFile = DEFAULT_FILE,
    as_json: Json = False,
) -> None:
    """Offer rejected frames again, when what they waited for is there: a key, a template, a link.

    They come as late data, with the time at which they were first received. Without --code or names only those are
    offered that a new key or registry can help. It may be broken off and run again: a frame that was used is dropped as
    a copy. One that is refused again says how often it was offered, and is left alone after --most-tries.
    """
    chosen = options.choice(code, stage, device, service_point, since, until, zone, origin, names)
    plan = read_plan(file)
    target = frames_topic(plan, frames)
    contracts = contracts_of(plan.kafka.schema_registry, plan.subjects())
    tries = Tries(chosen, most_tries, limit)
    for rejected in from_topics(plan, contracts, topics_of(plan, topic)):
        tries.see(rejected)
    due = tries.due()
    said: dict[str, Any] = {"rejects": tries.rejects, "due": len(due), "left": dict(sorted(tries.left.items()))}
    if not dry_run and due:
        # Readings of a head-end and statements may be among them; Tries lets none pass that a connector had refused.
        gatherer = Gatherer(_registry(plan), target.partitions, _frame_limit(plan), decoded=True, stated=True)
        outlet = KafkaOutlet(plan.kafka.bootstrap, contracts, Targets(target.name), "requeue")
        done = write_again(due, gatherer, outlet, per_sec, _Progress(due))
        said |= {"offered": done.frames, "unresolved": done.unresolved}
    said["dry_run"] = dry_run
    if as_json:
        emit(said)
    else:
        _show(said)


def frames_topic(plan: Plan, name: str | None) -> TopicPlan:
    """The topic that frames are written to; raises ConfigError when it is not told which."""
    found = {connector.to.name: connector.to for connector in plan.connectors.values()}
    if name is None and len(found) == 1:
        return next(iter(found.values()))
    if name in found:
        return found[name]
    raise ConfigError("TOPIC_UNKNOWN", where=name or "--frames", what="which topic of frames is meant is not clear",
                      do=f"use one of {', '.join(found)}")  # fmt: skip


class _Progress:
    """A line on standard error at each tenth."""

    def __init__(self, due: list[Rejected]) -> None:
        self._due, self._told = max(1, len(due)), 0

    def __call__(self, done: Offered) -> None:
        share = 10 * (done.frames + done.unresolved) // self._due
        if share > self._told:
            self._told = share
            aside().print(f"{done.frames:,} of {self._due:,} frames offered again", markup=False)


def _registry(plan: Plan) -> Registry:
    versions = KafkaReferences(plan.kafka.bootstrap, REGISTRY_TOPIC)
    try:
        found = versions.latest(REGISTRY)
    finally:
        versions.close()
    if found is None:
        raise ConfigError("REGISTRY_MISSING", where=REGISTRY_TOPIC, what="no registry version is published",
                          do="publish one: without it nobody knows a frame's service point")  # fmt: skip
    return registry_from_bytes(found[1])


def _frame_limit(plan: Plan) -> int:
    """The longest frame that any connector believes."""
    gathers = (getattr(connector.options, "gather", None) for connector in plan.connectors.values())
    return max((gather.frame_bytes for gather in gathers if gather is not None), default=FRAME_LIMIT)


def _show(said: dict[str, Any]) -> None:
    out = console()
    out.print(f"{said['due']:,} frames are worth another try, of {said['rejects']:,} rejects")
    for reason, count in said["left"].items():
        out.print(f"{count:>9,}  left: {reason}")
    if said["dry_run"]:
        out.print("Nothing was written.")
    elif "offered" in said:
        out.print(f"{said['offered']:,} offered again")
        if said["unresolved"]:
            out.print(f"{said['unresolved']:,} left: the registry in force does not know their device")
