"""Frames of statements about service points, for people: what `kvarn decode` says of them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from pipeline.channels import ENERGY
from pipeline.codes import Method, Quality
from pipeline.statement_frames import Statement, StatementFrame

VALUES = (Statement.EDIT, Statement.ANSWER, Statement.CHECK)
"""Kinds that say energies."""


def describe_statement(frame: StatementFrame, offset_secs: int) -> dict[str, Any]:
    """Kind, service point, number, who said what of it when and why, and each interval with its energies by channel.

    `offset_secs`: of the zone in which stamps are shown.
    """
    zone = timezone(timedelta(seconds=offset_secs))
    told: dict[str, Any] = {
        "kind": frame.kind.name, "service_point": frame.service_point, "number": frame.number,
        "said_at": datetime.fromtimestamp(frame.said_at, zone).isoformat(),
    }  # fmt: skip
    told |= {name: text for name in ("id", "who", "why") if (text := getattr(frame, name))}
    told["intervals"] = [_interval(row, frame.kind, zone) for row in frame.rows]
    return told


def _interval(row: Any, kind: Statement, zone: timezone) -> dict[str, Any]:
    said: dict[str, Any] = {
        "start": datetime.fromtimestamp(int(row["start"]), zone).isoformat(), "secs": int(row["secs"]),
    }  # fmt: skip
    if kind in VALUES:
        there = [number for number in range(len(ENERGY)) if int(row["present"]) >> number & 1]
        said |= {ENERGY[number].name: int(row["energy"][number]) for number in there}
    if kind is Statement.ANSWER:
        said["quality"], said["method"] = _name(Quality, row["quality"]), _name(Method, row["method"])
    return said


def _name(codes: type[Quality] | type[Method], number: int) -> str:
    known = {int(code): code.name for code in codes}
    return known.get(int(number), str(int(number)))
