"""How soon a block is written that could still grow. Pure: the caller brings the time.

Fresh records are written soon, so that they can be read soon; a backlog is written in blocks as large as they may be,
which costs least: who waits for it waits for much longer anyway. Its rest is written when no more comes. What one block
costs decides how often fresh records are written: a small trickle at once, many records a few times a second, and never
so often that writing takes more than a share of the time.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

LEAST_POLL_SECS = 0.02
"""Of a wait for messages, so that an idle sink hardly needs a CPU."""


class PaceOptions(BaseModel):
    """When fresh records are written."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    fresh_secs: float = Field(
        5.0,
        ge=0,
        description="records whose frames Kafka has for no longer are written soon; older ones are a backlog, which is "
        "written in blocks as large as they may be; 0: everything is",
    )
    pause_secs: float = Field(
        0.2, gt=0, description="least time between two blocks of fresh records, each with what has come meanwhile"
    )
    write_share: float = Field(
        0.3, gt=0, le=1, description="share of the time that writing fresh records may take; above it, it is done less "
        "often, in larger blocks",
    )  # fmt: skip


class Pace:
    """Of one sink. `most_secs`: the longest that a block waits whatever this says."""

    def __init__(self, options: PaceOptions, most_secs: float) -> None:
        self._options, self._most_secs = options, most_secs
        self._rested_at = 0.0

    def is_due(self, now: float, behind_secs: float | None, *, idle: bool) -> bool:
        """Whether what there is shall be written now.

        behind_secs: how old it is, None where that is not known; idle: there was nothing more to read.
        """
        return (idle or self._is_fresh(behind_secs)) and now >= self._rested_at

    def patience(self, now: float, behind_secs: float | None, most: float) -> float:
        """Seconds to wait for messages: `most`, or until fresh records may be written."""
        if not self._is_fresh(behind_secs):
            return most
        return min(max(self._rested_at - now, LEAST_POLL_SECS), most)

    def wrote(self, began: float, now: float) -> None:
        """Blocks were written from `began` until now."""
        share = (now - began) * (1 / self._options.write_share - 1)
        self._rested_at = now + min(max(share, self._options.pause_secs), self._most_secs)

    def _is_fresh(self, behind_secs: float | None) -> bool:
        return behind_secs is not None and behind_secs <= self._options.fresh_secs
