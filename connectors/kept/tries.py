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


@dataclass
class Tries:
    """Frames that somebody means, by what became of them; frames in the order in which they first came.

    Of choice, codes and names decide about codes that only a person can have a reason for. A frame is meant when its
    newest reject is, or one of its rejects by name.
    """

    choice: Choice = field(default_factory=Choice)
    most_tries: int = MOST_TRIES
    most_frames: int = 1_000_000
    rejects: int = 0
    copies: int = 0
    left: Counter[str] = field(default_factory=Counter)
    _newest: dict[bytes, Rejected] = field(default_factory=dict)
    _used: set[bytes] = field(default_factory=set)
    _named: set[bytes] = field(default_factory=set)
    _passed: Counter[str] = field(default_factory=Counter)

    def see(self, rejected: Rejected) -> None:
        """Take note of one reject of any frame; copies may come."""
        if rejected.code == "COUNTER_DUPLICATE":
            # Copies come in masses by themselves; one is of a frame that is looked at, or was offered again.
            if rejected.frame in self._newest or rejected.times:
                self._used.add(rejected.frame)
            return
        self.rejects += 1
        if rejected.name in self.choice.names:
            self._named.add(rejected.frame)
        if not rejected.whole:
            self._passed[NOT_WHOLE] += self.choice.takes(rejected)
            return
        if rejected.unfounded:
            self._passed[UNFOUNDED] += self.choice.takes(rejected)
            return
        before = self._newest.get(rejected.frame)
        if before is None and retry_of(rejected.code) is Retry.NEVER:
            # The most there are; none is kept, for a frame that has only such rejects is never due.
            self._passed[NEVER] += self.choice.takes(rejected)
            return
        if before is None and len(self._newest) >= self.most_frames:
            self._passed[BEYOND] += 1
            return
        self.copies += before is not None
        if before is None or rejected.times >= before.times:
            self._newest[rejected.frame] = rejected

    def due(self, takes: Callable[[Rejected], bool] = lambda _: True) -> list[Rejected]:
        """The newest rejects of the frames that are meant and that `takes` lets pass; `left` counts the others."""
        found: list[Rejected] = []
        left = self._passed.copy()
        for frame, rejected in self._newest.items():
            if not self._means(frame, rejected) or not takes(rejected):
                continue
            reason = self._reason(frame, rejected)
            if reason is None:
                found.append(rejected)
            else:
                left[reason] += 1
        self.left = +left
        return sorted(found, key=lambda one: (one.record["received_at"], one.partition, one.offset))

    def _means(self, frame: bytes, rejected: Rejected) -> bool:
        if self.choice.names:
            return frame in self._named
        return self.choice.takes(rejected)

    def _reason(self, frame: bytes, rejected: Rejected) -> str | None:
        if frame in self._used:
            return USED
        if retry_of(rejected.code) is Retry.NEVER:
            return NEVER
        if not by_itself(rejected.code) and not self.choice.names and rejected.code not in self.choice.codes:
            return ONLY_NAMED
        return TRIED if rejected.times >= self.most_tries else None
