"""Which limits, rules and day types hold: those of documents where some are named, else the defaults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from agents.vee.config import Thresholds
from agents.vee.rulesets import Calendar, Facts, RuleSet, calendar_of, load, resolve
from agents.vee.rulesets import day_types as day_types_of
from agents.vee.series.model import Grid
from pipeline.columns import Array
from pipeline.errors import ConfigError
from pipeline.rules import Severity

NOTHING_KNOWN = Facts()


@dataclass(frozen=True)
class Limits:
    """What holds for one series: thresholds, rules that are off, severities that are not the table's, versions."""

    thresholds: Thresholds = field(default_factory=Thresholds)
    off: frozenset[str] = frozenset()
    severities: Mapping[str, Severity] = field(default_factory=dict)
    version: str = ""


class RuleSets:
    """The documents of `--rules`, and the holidays of `--calendar` with the shipped ones (None: none is named).

    facts: what is known of every series of the file.
    """

    def __init__(self, path: Path | None, facts: Facts = NOTHING_KNOWN, calendar: Path | None = None) -> None:
        self._facts = facts
        self._documents: list[RuleSet] = [] if path is None else load({path.name: _bytes_of(path)})
        self.calendar = None if calendar is None else calendar_of(_bytes_of(calendar).decode(), calendar.name)

    def of(self, id: str, day: int) -> Limits:
        """What holds for a series on a local day (since 1970-01-01), its first."""
        if not self._documents:
            return Limits()
        facts = self._facts._replace(service_point=int(id) if id.isdecimal() else 0)
        chosen = resolve(self._documents, facts, day)
        # A rule in shadow flags and is counted, and changes nothing.
        shadow = dict.fromkeys(chosen.shadow, Severity.INFORMATION)
        return Limits(chosen.thresholds, chosen.off, {**chosen.severities, **shadow}, chosen.version)


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(
            "FILE_UNREADABLE", where=str(path), what=error.strerror or str(error), do="name a file that is there"
        ) from error


def day_types(grid: Grid, state: str | None, calendar: Calendar | None = None) -> Array:
    """u1 (days,): Monday 0 to Sunday 6, holidays of an Indian state or of a calendar 6; raises ConfigError."""
    if state is None and calendar is None:
        return grid.day_type
    return day_types_of(state, int(grid.day[0]), int(grid.day[-1]), calendar)
