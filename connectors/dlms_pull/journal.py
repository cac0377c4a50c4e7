"""What must be known after a crash, by key: counters that are spent, intents, results, what was learned, attempts.

A key is written, and counts only when `put` has returned: whoever then acts has its record safe. Read once, at the
start; from then on there is one writer, and the entries here are the truth.

    counter/<client's title>/<check of the key>    {"ceiling": n}: counters below n may have been used
    command/<id>                                   see commands.Known
    layout/<maker>/<firmware>/<profile>            see learned
    gap/<device>/<from>                            {"attempts": n, "next": epoch}
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Protocol


class Journal(Protocol):
    """A compacted log of small records."""

    def get(self, key: str) -> Mapping[str, Any] | None:
        """The newest record under a key."""

    def under(self, prefix: str) -> dict[str, Mapping[str, Any]]:
        """All records whose keys begin so."""

    async def put(self, key: str, record: Mapping[str, Any] | None) -> None:
        """Write a record, or None to forget the key; returns when it is safe."""


class MemoryJournal:
    """The records of a log in memory; `log` is what would be on disk."""

    def __init__(self, log: list[tuple[str, bytes | None]] | None = None) -> None:
        self.log = [] if log is None else log
        self._entries: dict[str, Mapping[str, Any]] = {}
        for key, value in self.log:
            self.apply(key, value)

    def apply(self, key: str, value: bytes | None) -> None:
        """Take over a record that is safe."""
        if value is None:
            self._entries.pop(key, None)
        else:
            self._entries[key] = json.loads(value)

    def get(self, key: str) -> Mapping[str, Any] | None:
        """See Journal."""
        return self._entries.get(key)

    def under(self, prefix: str) -> dict[str, Mapping[str, Any]]:
        """See Journal."""
        return {key: entry for key, entry in self._entries.items() if key.startswith(prefix)}

    async def put(self, key: str, record: Mapping[str, Any] | None) -> None:
        """See Journal."""
        value = None if record is None else encoded(record)
        self.log.append((key, value))
        self.apply(key, value)


def encoded(record: Mapping[str, Any]) -> bytes:
    """The bytes of a record: JSON, keys in order."""
    return json.dumps(record, sort_keys=True, separators=(",", ":")).encode()
