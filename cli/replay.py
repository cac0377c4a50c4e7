"""`kvarn bench record | replay`: load of one's own, recorded and played again."""

from __future__ import annotations

import signal
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from bench.replay.files import FileLoad
from bench.replay.record import record
from bench.replay.tally import Tally
from bench.replay.times import ZONE, epoch_ms, iso, shown, zone_of
from bench.replay.to_connectors import Replay, check_schemes
from bench.replay.to_topic import TopicTarget
from bench.replay.topic import SCHEMA, TopicLoad
from bench.throughput.drain import Progress
from cli.output import INTERRUPTED, Json, console, emit
from connectors.simulator.senders.base import parse_address
from pipeline.errors import ConfigError
from schemas.registry import contracts_of

KAFKA = "kafka://"

Limit = Annotated[
    int, typer.Option(min=0, help="Frames at most, but for the rest of the record that reaches it; 0: all.")
]
Zone = Annotated[str, typer.Option(help="Time zone of what is shown, and of times given without one.")]
SchemaRegistry = Annotated[
    str, typer.Option(envvar="SCHEMA_REGISTRY_URL", help="The one that the topic's writers use, if they use one.")
]
Progresses = Callable[[], AbstractContextManager[Progress]]


def record_command(progress: Progresses) -> Callable[..., None]:
    """The command, telling how far it is by `progress`."""

    def record_topic(
        source: Annotated[str, typer.Option("--from", help="Topic of frames: kafka://host:port/topic.")],
        to: Annotated[Path, typer.Option(help="File to write, ending in .kvf; it must not be there yet.")],
        from_time: Annotated[
            str | None, typer.Option(help="Records from this time of the log on, like 2026-01-31T18:30.")
        ] = None,
        to_time: Annotated[str | None, typer.Option(help="Records before this time of the log.")] = None,
        limit: Limit = 0,
        zone: Zone = ZONE,
        schema_registry: SchemaRegistry = "",
        as_json: Json = False,
    ) -> None:
        """Record a topic of frames into a file: records as they are, with partition, order and time.

        Up to the end of the topic as of now. Ticks, controls and references are recorded with the frames. Ctrl-C ends
        it, and leaves a whole file of what came so far.
        """
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        where = zone_of(zone)
        load = _topic(source, schema_registry, epoch_ms(from_time, where), epoch_ms(to_time, where))
        with progress() as report:
            tally = record(load, to, report, limit)
        _say(tally, load.name, str(to), where, as_json)

    return record_topic


def replay_command(progress: Progresses) -> Callable[..., None]:
    """The command, telling how far it is by `progress`."""

    def replay(
        source: Annotated[
            str, typer.Option("--from", help="kafka://host:port/topic, a .kvf file, or a folder of .kvf files.")
        ],
        to: Annotated[
            list[str], typer.Option("--to", help="kafka://host:port/topic, or one each of tcp://, udp://, mqtt://.")
        ],
        speed: Annotated[
            float, typer.Option(min=0, help="Times the original spacing; 0: as fast as it is taken.")
        ] = 1.0,
        limit: Limit = 0,
        zone: Zone = ZONE,
        schema_registry: SchemaRegistry = "",
        as_json: Json = False,
    ) -> None:
        """Play recorded load again, with its spacing, faster, or as fast as it is taken.

        To Kafka records go as they are, into the same partitions in the same order, so that a topology makes the same
        rows of them. To connectors go their frames. Said at the end: the rate that was reached, and by how many seconds
        a record was late at most. A topic is played up to its end as of now. Ctrl-C ends it and says how far it came.
        """
        addresses = [parse_address(text) for text in to]
        check_schemes(addresses)
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        where = zone_of(zone)
        load: TopicLoad | FileLoad
        load = _topic(source, schema_registry) if source.startswith(KAFKA) else FileLoad(Path(source))
        recorded = isinstance(load, TopicLoad) or load.recorded
        with progress() as report:
            if recorded and addresses[0].scheme == "kafka":
                tally = TopicTarget(addresses[0], speed).play(load, report, limit)
            else:
                tally = Replay(load, addresses, speed).play(report, limit)
        _say(tally, load.name, ", ".join(to), where, as_json, speed)

    return replay


def _topic(text: str, schema_registry: str, first_ms: int | None = None, end_ms: int | None = None) -> TopicLoad:
    address = parse_address(text)
    if address.scheme != "kafka":
        raise ConfigError("ADDRESS_UNKNOWN", where=text, what="it is no topic",
                          do="write kafka://host:port/topic")  # fmt: skip
    return TopicLoad(address, contracts_of(schema_registry, {address.path: SCHEMA}), first_ms, end_ms)


def _say(
    tally: Tally, source: str, to: str, zone: ZoneInfo, as_json: bool, speed: float | None = None
) -> None:  # fmt: skip
    """Report; raises typer.Exit when it was ended from the keyboard."""
    behind = tally.behind_s
    said: dict[str, Any] = {
        "from": source, "to": to, "records": tally.records, "frames": tally.frames, "octets": tally.octets,
        "seconds": round(tally.seconds, 3), "frames_per_s": round(tally.frames_per_s),
        "first": iso(tally.first_ms, zone), "last": iso(tally.last_ms, zone), "zone": zone.key,
        "complete": not tally.stopped,
    }  # fmt: skip
    if speed is not None:
        said |= {"speed": speed, "behind_s": None if behind is None else round(behind, 3)}
    if as_json:
        emit(said)
    else:
        out = console()
        records = f" in {tally.records:,} records" if tally.records else ""
        out.print(f"{tally.frames:,} frames{records} from {source} to {to}", markup=False)
        out.print(f"{tally.seconds:,.1f} s, {tally.frames_per_s:,.0f} frames/s")
        if tally.first_ms is not None and tally.last_ms is not None:
            out.print(f"Of the time from {shown(tally.first_ms, zone)} to {shown(tally.last_ms, zone)}")
        if behind is not None:
            out.print(f"At most {behind:,.3f} s later than it was due")
        if tally.stopped:
            out.print("Ended before all was done.")
    if tally.stopped:
        raise typer.Exit(INTERRUPTED)
