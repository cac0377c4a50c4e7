"""Which rejects are offered again, and which are not, and why: what a frame went through decides, not one record of it.

A frame may be refused several times: by itself, and each time that it is offered again. Its newest reject says what is
wrong with it today.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from connectors.kept.rejected import Choice, Rejected
from pipeline.retry import MOST_TRIES, Retry, by_itself, retry_of

USED = "used already"
NOT_WHOLE = "without all of its octets"
UNFOUNDED = "readings that a connector refused"
NEVER = "refused for ever"
ONLY_NAMED = "only when its code is named"
TRIED = "tried often enough"
BEYOND = "beyond the limit of one run"
LEFT = (USED, NOT_WHOLE, UNFOUNDED, NEVER, ONLY_NAMED, TRIED, BEYOND)
"""Why a frame is left where it is."""


MOST_OCTETS = 256 << 20
"""Of the frames that one run keeps; a frame may have 64 KiB."""


@dataclass
class Tries:
    """Frames that somebody means, by what became of them; frames in the order in which they first came.

    Of choice, codes and names decide about codes that only a person can have a reason for. A frame is meant when its
    newest reject is, or one of its rejects by name. What this run could not offer is not kept: a first reject is
    counted, of a later one it is noted how late it is, for it holds an earlier one of its frame back.
    """

    choice: Choice = field(default_factory=Choice)
    most_tries: int = MOST_TRIES
    most_frames: int = 1_000_000
    most_octets: int = MOST_OCTETS
    rejects: int = 0
    copies: int = 0
    left: Counter[str] = field(default_factory=Counter)
    _newest: dict[bytes, Rejected] = field(default_factory=dict)
    _held: dict[bytes, tuple[int, str]] = field(default_factory=dict)
    """Of frames whose newest reject is not for this run: its times, and why; empty when it is not meant."""
    _octets: int = 0
    _full: bool = False
    _used: set[bytes] = field(default_factory=set)
    _named: set[bytes] = field(default_factory=set)
    _passed: Counter[str] = field(default_factory=Counter)

    def see(self, rejected: Rejected) -> None:
        """Take note of one reject of any frame; copies may come."""
        if rejected.code == "COUNTER_DUPLICATE":
            # Copies come in masses by themselves; one is of a frame that is looked at, or was offered again.
            if rejected.times or rejected.frame in self._newest:
                self._used.add(rejected.frame)
            return
        self.rejects += 1
        if rejected.name in self.choice.names:
            self._named.add(rejected.frame)
        if not rejected.whole or rejected.unfounded:
            self._passed[UNFOUNDED if rejected.whole else NOT_WHOLE] += self.choice.takes(rejected)
            return
        reason = self._not_now(rejected)
        if reason is None:
            self._keep(rejected)
        else:
            self._pass_over(rejected, reason)

    def due(self, takes: Callable[[Rejected], bool] = lambda _: True) -> list[Rejected]:
        """The newest rejects of the frames that are meant and that `takes` lets pass; `left` counts the others."""
        found: list[Rejected] = []
        left = self._passed.copy()
        for frame, rejected in self._newest.items():
            if (self.choice.names and frame not in self._named) or not takes(rejected):
                continue
            reason = USED if frame in self._used else self._reason(rejected)
            if reason is None:
                found.append(rejected)
            else:
                left[reason] += 1
        for frame, (_, reason) in self._held.items():
            if reason:
                left[USED if frame in self._used else reason] += 1
        self.left = +left
        return sorted(found, key=lambda one: (one.record["received_at"], one.partition, one.offset))

    def _not_now(self, rejected: Rejected) -> str | None:
        """Why this run could not offer it, empty when it is not meant; None when it could."""
        if self.choice.names:
            # The name may be that of another reject of its frame: of a later one of these nothing is known yet.
            return None if rejected.times or rejected.frame in self._named else ""
        return self._reason(rejected) if self.choice.takes(rejected) else ""

    def _keep(self, rejected: Rejected) -> None:
        frame = rejected.frame
        before, held = self._newest.get(frame), self._held.get(frame)
        if held is not None and rejected.times < held[0]:
            return
        if before is None:
            # Once full for ever: else an earlier reject might be kept of a frame of which a later one was not.
            self._full |= len(self._newest) >= self.most_frames or self._octets + len(rejected.raw) > self.most_octets
            if self._full:
                self._passed[BEYOND] += 1
                return
            self._held.pop(frame, None)
            self._octets += len(rejected.raw)
        self.copies += before is not None
        if before is None or rejected.times >= before.times:
            self._newest[frame] = rejected

    def _pass_over(self, rejected: Rejected, reason: str) -> None:
        frame = rejected.frame
        before, held = self._newest.get(frame), self._held.get(frame)
        newest = max(-1 if before is None else before.times, -1 if held is None else held[0])
        if rejected.times < newest:
            return
        if before is not None:
            self.copies += 1
            self._octets -= len(self._newest.pop(frame).raw)
        elif not rejected.times and held is None:
            # The most there are; nothing is kept of them.
            if reason:
                self._passed[reason] += 1
            return
        self._held[frame] = (rejected.times, reason)

    def _reason(self, rejected: Rejected) -> str | None:
        if retry_of(rejected.code) is Retry.NEVER:
            return NEVER
        if not by_itself(rejected.code) and not self.choice.names and rejected.code not in self.choice.codes:
            return ONLY_NAMED
        return TRIED if rejected.times >= self.most_tries else None
