"""Names of meters that topics, keys and envelopes bring along, to devices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import structlog

from connectors.readings_in.devices import device_of

MOST_KEPT = 200_000
"""Names whose device is kept; then all are looked up anew."""
MOST_LOGGED = 20

log = structlog.get_logger()


class Naming:
    """As of readings that head-ends have decoded: by names of a file, system title or number."""

    def __init__(self, form: str = "auto", names: Mapping[str, int] | None = None) -> None:
        self._form, self._names = form, names or {}
        self._known: dict[str, int] = {}
        self._logged = 0
        self.unknown = 0
        """Names that stand for no device, each counted when it is first looked up."""

    def device(self, *names: str) -> int:
        """The device of the first of these names that has one; 0: none has."""
        key = names[0] if len(names) == 1 else "\0".join(names)
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= MOST_KEPT:
                self._known.clear()
            found = self._known[key] = self._look(names)
        return found

    def _look(self, names: Sequence[str]) -> int:
        for name in names:
            found = device_of(name, self._form, self._names)
            if found:
                return found
        self.unknown += 1
        if self._logged < MOST_LOGGED:
            self._logged += 1
            log.warning("a name that stands for no meter", name=names[0], last_told=self._logged == MOST_LOGGED)
        return 0
