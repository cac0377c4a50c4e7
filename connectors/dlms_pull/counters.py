"""Invocation counters of the client, never used twice under one key: not after a crash, not by two associations.

AES-GCM is broken by a nonce that comes twice, and a nonce is (client's title, counter). So counters are kept by title
of the client and key, not by meter: where a fleet shares a key, which it should not, its meters share the counter too.

They are taken in spans. The end of a span is in the journal before the first counter of it is used; after a crash the
rest of the span is lost, which costs nothing.
"""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass

from connectors.dlms_pull.journal import Journal
from connectors.dlms_pull.transport import failed

SPAN = 4096
LAST = 2**32 - 1
MOST_FIRST = 2**31
"""A counter that is not known here yet begins at most there: half of all counters are left."""


@dataclass
class Lease:
    """Counters `following` to `end` (not included) of one key, for one association."""

    key: str
    following: int
    end: int


class Counters:
    """Hands out spans of counters."""

    def __init__(self, journal: Journal, jump: int, span: int = SPAN) -> None:
        """A meter that says that a counter more than `jump` ahead was used is not believed: what the public client
        reads is not proved, and a counter, once ahead, never comes back."""
        self._journal = journal
        self._jump, self._span = jump, span
        self._next: dict[str, int] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    @staticmethod
    def key(title: bytes, encryption: bytes) -> str:
        """Where the counter of a client's title and a key is kept; the key itself cannot be told from it."""
        check = hashlib.sha256(b"kvarn counter of key" + encryption).hexdigest()[:16]
        return f"counter/{title.hex()}/{check}"

    def following(self, key: str) -> int:
        """The counter that would be used next."""
        if key not in self._next:
            entry = self._journal.get(key)
            self._next[key] = int(entry["ceiling"]) if entry is not None else 1
        return self._next[key]

    async def lease(self, key: str, least: int = 0) -> Lease:
        """A span that begins at `least` or later; raises NoAnswer when the counter is spent or jumps."""
        async with self._locks.setdefault(key, asyncio.Lock()):
            known = self.following(key)
            entry = self._journal.get(key)
            if least > (MOST_FIRST if entry is None else known + self._jump):
                raise failed(
                    "COUNTER_JUMP", key.split("/")[1], f"the meter says {least}, used were {known}",
                    "look whether something else uses this client's title and key; `counter_jump` lets it pass",
                )  # fmt: skip
            first = max(known, least)
            if first + self._span > LAST:
                raise failed("COUNTER_SPENT", key.split("/")[1], f"the counter is at {first}",
                             "give the meter a new key: its counter begins anew")  # fmt: skip
            if entry is None or int(entry["ceiling"]) < first + self._span:
                await self._journal.put(key, {"ceiling": first + self._span})
            self._next[key] = first + self._span
            return Lease(key, first, first + self._span)

    def give_back(self, lease: Lease, following: int) -> None:
        """End of an association: what it has not used is used by the next one, unless another span was taken since."""
        if self._next.get(lease.key) == lease.end and lease.following <= following <= lease.end:
            self._next[lease.key] = following
