"""Which exceptions are meant: the options that the commands share."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Annotated

import typer

from pipeline.errors import ConfigError
from pipeline.rules import RULES

WORKS = ("OPEN", "TAKEN", "EDITED", "RE_ESTIMATED", "ACCEPTED", "CLOSED")
SEVERITIES = ("INFORMATION", "WARNING", "ERROR")
CODES = frozenset(rule.code for rule in RULES)

Rules = Annotated[list[str] | None, typer.Option("--rule", help="Rule, V01 and so on; several times for several.")]
Nodes = Annotated[list[int] | None, typer.Option("--node", help="Transformer or feeder that the point hangs on.")]
Points = Annotated[list[int] | None, typer.Option("--service-point", help="Service point.")]
OlderThan = Annotated[int | None, typer.Option(min=0, help="Days since the first day began, at least.")]
Owner = Annotated[str | None, typer.Option(help="Who has it; an empty text: nobody.")]
Severity = Annotated[str | None, typer.Option(help=f"Severity of the rule: {', '.join(SEVERITIES)}.")]
Rupees = Annotated[float | None, typer.Option("--rupees", help="At stake, at least.")]
Day = Annotated[str | None, typer.Option(help="First local day, like 2026-01-31.")]
Limit = Annotated[int, typer.Option(min=1, max=100_000, help="Exceptions in one run, the most rupees first.")]
Note = Annotated[str, typer.Option(help="A note that stays with the exception.")]


@dataclass(frozen=True)
class Filter:
    """What is empty or None lets all pass."""

    rules: tuple[str, ...] = ()
    nodes: tuple[int, ...] = ()
    points: tuple[int, ...] = ()
    older_than: int | None = None
    owner: str | None = None
    severity: str | None = None
    rupees: float | None = None
    day: str | None = None

    @property
    def anything(self) -> bool:
        """Whether nothing is said."""
        return self == Filter()

    @property
    def conditions(self) -> list[str]:
        """Conditions on the columns of exceptions_open; texts come in only as far as tables know them, or quoted."""
        nodes = ", ".join(map(str, self.nodes))
        said = [
            f"rule IN ({', '.join(repr(rule) for rule in self.rules)})" if self.rules else "",
            f"(dt IN ({nodes}) OR feeder IN ({nodes}))" if self.nodes else "",
            f"service_point IN ({', '.join(map(str, self.points))})" if self.points else "",
            "" if self.older_than is None else f"age_days >= {self.older_than}",
            "" if self.owner is None else f"owner = {_quoted(self.owner)}",
            "" if self.severity is None else f"severity = {_quoted(self.severity)}",
            "" if self.rupees is None else f"rupees >= {float(self.rupees)}",
            "" if self.day is None else f"day = {_quoted(self.day)}",
        ]
        return [one for one in said if one]


def filter_of(
    rules: list[str] | None, nodes: list[int] | None, points: list[int] | None, older_than: int | None,
    owner: str | None, severity: str | None, rupees: float | None, day: str | None,
) -> Filter:  # fmt: skip
    """The filter; raises ConfigError for what cannot be meant."""
    upper = tuple(rule.upper() for rule in rules or ())
    strange = sorted(set(upper) - CODES)
    if strange:
        raise ConfigError("RULE_UNKNOWN", where=f"--rule {strange[0]}", what="there is no such rule",
                          do="use one of docs/reference/rules.md")  # fmt: skip
    if severity is not None and severity.upper() not in SEVERITIES:
        raise ConfigError("SEVERITY_UNKNOWN", where=f"--severity {severity}", what="there is no such severity",
                          do=f"use one of {', '.join(SEVERITIES)}")  # fmt: skip
    if any(number < 0 for number in (*(nodes or ()), *(points or ()))):
        raise ConfigError("NUMBER_NEGATIVE", where="--node, --service-point", what="below 0",
                          do="give the numbers that the registry has")  # fmt: skip
    if day is not None:
        try:
            date.fromisoformat(day)
        except ValueError as error:
            raise ConfigError("DAY_WRONG", where=f"--day {day}", what="it is no day", do="write it like 2026-01-31"
                              ) from error  # fmt: skip
    return Filter(upper, tuple(nodes or ()), tuple(points or ()), older_than, owner,
                  None if severity is None else severity.upper(), rupees, day)  # fmt: skip


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
