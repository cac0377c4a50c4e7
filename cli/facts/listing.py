"""`kvarn facts list`: the newest revision of each fact."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.table import Table

from bench.replay.times import ZONE, epoch_ms, iso, shown, zone_of
from cli.facts.topic import read_facts, topic_of
from cli.output import DEFAULT_FILE, Json, TopologyFile, console, emit
from cli.topology import read_plan
from connectors.facts.model import FactKind
from schemas.registry import contracts_of


def list_facts(
    kind: Annotated[FactKind | None, typer.Option(case_sensitive=False, help="Facts of this kind alone.")] = None,
    service_point: Annotated[int | None, typer.Option(help="About this service point.")] = None,
    node: Annotated[int | None, typer.Option(help="About this node.")] = None,
    open: Annotated[bool, typer.Option("--open", help="Confirmed outages that have not ended.")] = False,
    since: Annotated[
        str | None, typer.Option("--from", help="That end after this time, like 2026-01-31T18:30.")
    ] = None,
    until: Annotated[str | None, typer.Option("--to", help="That begin before this time.")] = None,
    rows: Annotated[int, typer.Option(min=1, help="Facts that are listed, the last ones to begin.")] = 100,
    topic: Annotated[str | None, typer.Option(help="Topic of facts; the one of the file if not given.")] = None,
    zone: Annotated[str, typer.Option(help="Time zone of what is shown, and of times given without one.")] = ZONE,
    file: TopologyFile = DEFAULT_FILE,
    as_json: Json = False,
) -> None:
    """List facts of the topic, each as its newest revision says."""
    plan, where = read_plan(file), zone_of(zone)
    contracts = contracts_of(plan.kafka.schema_registry, plan.subjects())
    newest = latest(read_facts(plan.kafka.bootstrap, topic_of(plan, topic), contracts))
    bounds = _secs(epoch_ms(since, where)), _secs(epoch_ms(until, where))
    chosen = [
        one for one in newest
        if (kind is None or one["kind"] == kind.value)
        and (service_point is None or one["service_point"] == service_point)
        and (node is None or one["node"] == node)
        and (not open or (one["kind"] == "OUTAGE" and one["confirmed"] and one["until_time"] is None))
        and within(one, *bounds)
    ]  # fmt: skip
    chosen.sort(key=lambda one: (one["from_time"], one["id"]))
    listed = chosen[-rows:]
    if as_json:
        emit({"facts": [{**one, "from": _iso(one["from_time"], where), "until": _iso(one["until_time"], where)}
                        for one in listed], "count": len(chosen)})  # fmt: skip
    else:
        _show(listed, len(chosen), where)


def latest(facts: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The newest revision of each fact; of two of the same number the later one."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for fact in facts:
        key = (fact["kind"], fact["id"])
        if key not in found or found[key]["revision"] <= fact["revision"]:
            found[key] = fact
    return list(found.values())


def within(fact: Mapping[str, Any], since: int | None, until: int | None) -> bool:
    """Whether a fact ends behind `since` and begins before `until`, epoch seconds; None: no bound."""
    ended = fact["until_time"] is not None and since is not None and fact["until_time"] <= since
    return not ended and (until is None or fact["from_time"] < until)


def _secs(milliseconds: int | None) -> int | None:
    return None if milliseconds is None else milliseconds // 1000


def _iso(time: int | None, zone: ZoneInfo) -> str | None:
    return iso(1000 * time, zone) if time else None


def _show(facts: list[dict[str, Any]], count: int, zone: ZoneInfo) -> None:
    table = Table(title=f"{count:,} facts", title_justify="left")
    for name in ("id", "kind", "about", "from", "until", "what", "source"):
        table.add_column(name, overflow="fold")
    for one in facts:
        begin = shown(1000 * one["from_time"], zone) if one["from_time"] else "always"
        end = shown(1000 * one["until_time"], zone) if one["until_time"] else "open"
        table.add_row(one["id"], one["kind"], _about(one), begin, end, _what(one), one["source"])
    console().print(table)


def _about(one: Mapping[str, Any]) -> str:
    if one["service_point"]:
        return f"service point {one['service_point']}"
    return f"node {one['node']}" if one["node"] else str(one["place"])


def _what(one: Mapping[str, Any]) -> str:
    if one["kind"] == "TEMPERATURE":
        return f"{one['temperature'] / 10:.1f} C"
    if one["kind"] == "CHECK":
        return f"{one['channel']} {one['energy']:,}"
    if one["kind"] == "NEIGHBOURS":
        return " ".join(str(each["service_point"]) for each in one["neighbours"])
    return "confirmed" if one["confirmed"] else "not confirmed"
