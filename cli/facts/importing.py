"""`kvarn facts import`: files of facts into the topic `facts`."""

from __future__ import annotations

import getpass
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from bench.replay.times import ZONE, zone_of
from cli.deployment import REGISTRY_TOPIC, prepare
from cli.facts.topic import FactWriter, topic_of
from cli.output import DEFAULT_FILE, Json, TopologyFile, aside, console, emit
from cli.topology import read_plan
from connectors.facts.files import FactFile
from connectors.facts.model import Fact, FactKind, key_of, misfit, record_of
from pipeline.errors import ConfigError, Transient
from pipeline.reference import Registry
from pipeline.reference_codec import registry_from_bytes
from pipeline.runtime.kafka_references import KafkaReferences
from pipeline.runtime.references import REGISTRY
from pipeline.topology.plan import Plan

SHOWN_FAULTS = 20
TOLD_FACTS = 100_000
MOST_UNKNOWN = 1000


def import_facts(
    path: Annotated[Path, typer.Argument(help="CSV or JSON; columns: docs/facts.md.", dir_okay=False)],
    kind: Annotated[
        FactKind | None, typer.Option(case_sensitive=False, help="Kind of rows that say none; none: by the columns.")
    ] = None,
    who: Annotated[str | None, typer.Option(help="Who hands them on. [the user's name]", show_default=False)] = None,
    skip_faults: Annotated[
        bool, typer.Option("--skip-faults", help="Hand on the other rows of a file with faults.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check the file, and write nothing.")] = False,
    topic: Annotated[str | None, typer.Option(help="Topic of facts; the one of the file if not given.")] = None,
    zone: Annotated[str, typer.Option(help="Time zone of times without an offset, and of days.")] = ZONE,
    file: TopologyFile = DEFAULT_FILE,
    as_json: Json = False,
) -> None:
    """Hand on outages, temperatures, values of check meters, and neighbours.

    The whole file is checked first; with a fault in it nothing is handed on. A file may be imported again: a fact of
    the same id replaces the former one.
    """
    plan = read_plan(file)
    name, where = topic_of(plan, topic), zone_of(zone)
    checked = FactFile(path, where, kind)
    counts: Counter[str] = Counter(fact.kind.value for fact in sound(checked))
    said: dict[str, Any] = {
        "facts": sum(counts.values()), "kinds": dict(sorted(counts.items())), "fault_count": checked.fault_count,
        "faults": checked.faults, "dry_run": dry_run, "written": 0,
    }  # fmt: skip
    if checked.fault_count and not skip_faults:
        raise ConfigError(
            "FACTS_UNREADABLE", where=str(path),
            what=f"{checked.fault_count} rows cannot be used, nothing was handed on:\n  "
            + "\n  ".join(checked.faults[:SHOWN_FAULTS]),
            do="correct them, or hand on the others with --skip-faults",
        )  # fmt: skip
    if not counts:
        raise ConfigError("FACTS_EMPTY", where=str(path), what="no row is in it", do="docs/facts.md has the columns")
    if not dry_run:
        contracts = prepare(plan)
        unknown = _Unknown(_registry(plan))
        writer, now, by = FactWriter(plan.kafka.bootstrap, name), int(time.time()), who or _user()
        for fact in sound(FactFile(path, where, kind)):
            writer.write(key_of(fact), contracts.encode("Fact", record_of(fact, now, by)))
            unknown.see(fact)
            said["written"] += 1
            if said["written"] % TOLD_FACTS == 0:
                aside().print(f"{said['written']:,} of {said['facts']:,} facts written")
        writer.close()
        said["unknown"] = unknown.found
    if as_json:
        emit(said)
    else:
        _show(said, name)


def sound(file: FactFile) -> Iterator[Fact]:
    """Facts of a file that can be records; others become faults of it."""
    for where, fact in file.facts():
        if what := misfit(fact):
            file.fault(where, what)
        else:
            yield fact


class _Unknown:
    """What the registry in force does not know: worth a word, and no fault, for it may come later."""

    def __init__(self, registry: Registry | None) -> None:
        self.found: list[str] = []
        self._points = None if registry is None else set(np.unique(registry.point).tolist())
        self._nodes = None if registry is None else set(registry.node.tolist())

    def see(self, fact: Fact) -> None:
        if self._points is None or self._nodes is None or len(self.found) >= MOST_UNKNOWN:
            return
        if fact.point and int(fact.point) not in self._points:
            self.found.append(f"service point {fact.point}")
        if fact.node and fact.node not in self._nodes:
            self.found.append(f"node {fact.node}")


def _registry(plan: Plan) -> Registry | None:
    versions = KafkaReferences(plan.kafka.bootstrap, REGISTRY_TOPIC)
    try:
        latest = versions.latest(REGISTRY)
    except Transient:
        return None
    finally:
        versions.close()
    return None if latest is None else registry_from_bytes(latest[1])


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""


def _show(said: dict[str, Any], topic: str) -> None:
    screen = console()
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in said["kinds"].items())
    screen.print(
        f"{kinds}: {said['written']:,} written to {topic}" if not said["dry_run"] else f"{kinds}: none written"
    )
    if said["fault_count"]:
        screen.print(f"{said['fault_count']:,} rows left out:")
        for fault in said["faults"][:SHOWN_FAULTS]:
            screen.print(f"  {fault}", markup=False)
    if said.get("unknown"):
        screen.print(f"not in the registry: {', '.join(said['unknown'][:SHOWN_FAULTS])}", markup=False)
