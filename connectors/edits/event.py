"""One record of the topic of edits, as the connector works with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.channels import ENERGY
from pipeline.columns import Array
from pipeline.edits import ASKED, EditEvent, EditWhat

INTERVAL = np.dtype(
    [("start", "<i8"), ("secs", "<i8"), ("present", "<u1"), ("energy", "<i8", (len(ENERGY),))]
)  # fmt: skip
"""present: bit n, energy n of pipeline.channels has a value."""


@dataclass(frozen=True)
class Event:
    """A record of schema Edit at `offset` of its partition; `intervals` are INTERVAL (n,)."""

    offset: int
    id: str
    event: EditEvent
    service_point: int
    what: EditWhat
    intervals: Array
    override: bool
    reason: str
    why: str
    author: str
    batch: str
    at: int
    answers: int
    code: str = ""
    detail: str = ""

    @property
    def asked(self) -> bool:
        """Whether a person says it, so that it is to be answered."""
        return self.event in ASKED

    def said(self) -> dict[str, Any]:
        """Its record of schema Edit."""
        return {
            "id": self.id, "event": self.event.name, "service_point": self.service_point, "what": self.what.name,
            "intervals": rows_of(self.intervals), "override": self.override, "reason": self.reason, "why": self.why,
            "author": self.author, "batch": self.batch, "at": self.at, "answers": self.answers, "code": self.code,
            "detail": self.detail,
        }  # fmt: skip

    def answer(self, event: EditEvent, by: str, at: int, code: str = "", detail: str = "") -> dict[str, Any]:
        """The record of schema Edit that answers it."""
        return self.said() | {
            "event": event.name, "intervals": [], "author": by, "at": at, "answers": self.offset + 1, "code": code,
            "detail": detail,
        }  # fmt: skip


def event_of(record: Mapping[str, Any], offset: int) -> Event:
    """The record at `offset`; raises OverflowError for numbers that nothing can hold."""
    return Event(
        offset, record["id"], EditEvent[record["event"]], record["service_point"], EditWhat[record["what"]],
        intervals_of(record["intervals"]), record["override"], record["reason"], record["why"], record["author"],
        record["batch"], record["at"], record["answers"], record["code"], record["detail"],
    )  # fmt: skip


def intervals_of(rows: list[dict[str, Any]]) -> Array:
    """INTERVAL (n,) of the intervals of a record."""
    made = np.zeros(len(rows), INTERVAL)
    for place, row in enumerate(rows):
        values = [row[channel.name] for channel in ENERGY]
        made[place] = (
            row["start"], row["secs"], sum(1 << bit for bit, value in enumerate(values) if value is not None),
            tuple(value or 0 for value in values),
        )  # fmt: skip
    return made


def rows_of(intervals: Array) -> list[dict[str, Any]]:
    """The intervals as a record has them: the inverse of `intervals_of`."""
    return [
        {"start": int(one["start"]), "secs": int(one["secs"])}
        | {
            channel.name: int(one["energy"][bit]) if one["present"] >> bit & 1 else None
            for bit, channel in enumerate(ENERGY)
        }
        for one in intervals
    ]
