"""Which rejects are meant: the options that the commands share."""

from __future__ import annotations

from typing import Annotated

import typer

from bench.replay.times import epoch_ms, zone_of
from cli.sql import DEFAULT_DSN, Database, Dsn
from connectors.kept.rejected import Choice
from pipeline.codes import REJECT_NUMBER
from pipeline.errors import ConfigError

__all__ = ["DEFAULT_DSN", "Database", "Dsn"]

Codes = Annotated[list[str] | None, typer.Option("--code", help="Reject code; several times for several.")]
Stages = Annotated[list[str] | None, typer.Option("--stage", help="Stage that refused it: connector, decode, vee.")]
Devices = Annotated[list[str] | None, typer.Option("--device", help="System title, 16 hexadecimal digits.")]
Points = Annotated[list[int] | None, typer.Option("--service-point", help="Service point.")]
Since = Annotated[str | None, typer.Option("--from", help="Received at or after this time, like 2026-01-31T18:30.")]
Until = Annotated[str | None, typer.Option("--to", help="Received before this time.")]
Zone = Annotated[str, typer.Option(help="Time zone of what is shown, and of times given without one.")]
Origins = Annotated[
    list[str] | None,
    typer.Option("--origin", help="What the frame was read from: a topic or connector, or topic/partition."),
]
Topic = Annotated[
    str | None, typer.Option(help="Topic of rejects or parked frames; all topics of rejects if not given.")
]
Warehouse = Annotated[bool, typer.Option("--warehouse", help="Ask the warehouse in place of Kafka.")]


def choice(
    codes: list[str] | None, stages: list[str] | None, devices: list[str] | None, points: list[int] | None,
    since: str | None, until: str | None, zone: str, origins: list[str] | None, names: list[str] | None = None,
) -> Choice:  # fmt: skip
    """The rejects that are meant; raises ConfigError for what cannot be meant."""
    where = zone_of(zone)
    return Choice(
        codes=frozenset(_code(text) for text in codes or ()),
        stages=frozenset(stages or ()),
        devices=frozenset(_device(text) for text in devices or ()),
        points=frozenset(points or ()),
        since=_seconds(epoch_ms(since, where)),
        until=_seconds(epoch_ms(until, where)),
        origins=frozenset(_origin(text) for text in origins or ()),
        names=frozenset(names or ()),
    )


def _code(text: str) -> str:
    if text.upper() not in REJECT_NUMBER:
        raise ConfigError("CODE_UNKNOWN", where=f"--code {text}", what="there is no such reject code",
                          do=f"use one of {', '.join(REJECT_NUMBER)}")  # fmt: skip
    return text.upper()


def _device(text: str) -> int:
    try:
        return int(text, 16)
    except ValueError as error:
        raise ConfigError("DEVICE_FORM", where=f"--device {text}", what="not hexadecimal",
                          do="give the system title as 16 hexadecimal digits") from error  # fmt: skip


def _origin(text: str) -> tuple[str, int | None]:
    topic, slash, partition = text.rpartition("/")
    return (topic, int(partition)) if slash and partition.isdigit() else (text, None)


def _seconds(milliseconds: int | None) -> int | None:
    # Whole seconds are compared: a bound within a second begins with the next.
    return None if milliseconds is None else -(-milliseconds // 1000)
