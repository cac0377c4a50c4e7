"""What holds for a service point on a day: the most specific statement wins, and every choice says where it was made.

From the most specific: override of the service point; meter model and tariff category; tariff category; meter model;
utility; default. Of statements of one rank a rule set of the utility wins over one for every utility, then the one that
began last, then the one that stands later. The last case is a tie: lint refuses it, and here it is settled all the
same, so that the same documents always give the same result.

Of several versions of a rule set (the same `name` and utility) the one that began last holds, and nothing of the
others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from agents.vee.config import Thresholds
from agents.vee.rulesets.model import Run
from agents.vee.rulesets.read import RuleSet, Scope, Statement
from pipeline.rules import RULES, Severity


class Facts(NamedTuple):
    """What is known of a service point; None: not known, so that no set about it applies."""

    service_point: int = 0
    utility: str | None = None
    tariff_category: str | None = None
    meter_model: str | None = None


@dataclass(frozen=True)
class Why:
    """Why `what` (a threshold, `V14 run`, `V14 severity`) is `value`; `place` is empty for a default."""

    what: str
    value: Any
    scope: str
    rule_set: str
    place: str
    reason: str = ""
    author: str = ""

    def __str__(self) -> str:
        said = f"{self.what} = {self.value}: {self.scope}"
        if self.place:
            said += f", {self.rule_set}, {self.place}"
        return f"{said} ({self.reason}; {self.author})" if self.reason else said


@dataclass(frozen=True)
class Chosen:
    """The thresholds; codes of rules that are off and in shadow; severities that were changed; versions; reasons;
    codes of rules that are said to be on.

    version: names and versions of the rule sets in force on the day, for the record; empty when there is none.
    """

    thresholds: Thresholds
    off: frozenset[str]
    shadow: frozenset[str]
    severities: Mapping[str, Severity]
    version: str
    why: tuple[Why, ...]
    on: frozenset[str] = frozenset()


class Span(NamedTuple):
    """Days `first` to `last`, both included, on which the same holds."""

    first: int
    last: int
    chosen: Chosen


def in_force(documents: Iterable[RuleSet], point: Facts, at: int) -> list[RuleSet]:
    """The version of each rule set that holds on day `at` for the utility, in the order of their names."""
    newest: dict[tuple[str, str], RuleSet] = {}
    for one in documents:
        name = one.name, one.utility or ""
        if one.utility not in (None, point.utility) or one.start > at:
            continue
        if name not in newest or _age(one) >= _age(newest[name]):
            newest[name] = one
    return [newest[name] for name in sorted(newest) if at < newest[name].end]


def resolve(documents: Sequence[RuleSet], point: Facts, at: int) -> Chosen:
    """What holds for `point` on local day `at` (days since 1970-01-01)."""
    sets = in_force(documents, point, at)
    ranked = sorted(
        ((rank(statement), place, one, statement) for one in sets for place, statement in enumerate(one.statements)
         if applies(statement, point, at)),
        key=lambda row: (row[0], row[2].name, row[1]),
    )  # fmt: skip
    thresholds: dict[str, Any] = {}
    rules: dict[tuple[str, str], Any] = {}
    why: dict[str, Why] = {}
    for _, _, one, statement in ranked:
        for name, value in statement.thresholds.items():
            thresholds[name] = value
            why[name] = _why(name, value, one, statement, name)
        for code, choice in statement.rules.items():
            for aspect, said in (("run", choice.run), ("severity", choice.severity)):
                if said is not None:
                    rules[code, aspect] = said
                    why[f"{code} {aspect}"] = _why(f"{code} {aspect}", said.value, one, statement, code)
    full = Thresholds(**thresholds)
    return Chosen(
        thresholds=full,
        off=_running(rules, Run.OFF),
        shadow=_running(rules, Run.SHADOW),
        severities={rule.code: rules[rule.code, "severity"] for rule in RULES if (rule.code, "severity") in rules},
        version=", ".join(one.label for one in sets),
        why=tuple(_reasons(full, why)),
        on=_running(rules, Run.ON),
    )


def resolve_span(documents: Sequence[RuleSet], point: Facts, first: int, last: int) -> list[Span]:
    """`resolve` for the days `first` to `last`, both included, cut where something begins or ends."""
    edges = {first}
    for one in documents:
        if one.utility in (None, point.utility):
            periods = [(one.start, one.end), *((s.start, s.end) for s in one.statements if _about(s, point))]
            edges.update(edge for period in periods for edge in period if first < edge <= last)
    begins = sorted(edges)
    ends = [*(begin - 1 for begin in begins[1:]), last]
    return [Span(begin, end, resolve(documents, point, begin)) for begin, end in zip(begins, ends, strict=True)]


def explain(chosen: Chosen) -> list[str]:
    """One line a threshold and rule: its value, and which line of which rule set, or the default, gave it."""
    return [str(one) for one in chosen.why]


def rank(statement: Statement) -> tuple[int, bool, int]:
    """The larger wins."""
    return int(statement.scope), statement.utility is not None, statement.start


def applies(statement: Statement, point: Facts, at: int) -> bool:
    """Whether a statement of a document in force is about this service point on day `at`."""
    return statement.start <= at < statement.end and _about(statement, point)


def _about(statement: Statement, point: Facts) -> bool:
    return (
        statement.service_point in (None, point.service_point)
        and statement.tariff_category in (None, point.tariff_category)
        and statement.meter_model in (None, point.meter_model)
    )


def _age(one: RuleSet) -> tuple[int, str, str]:
    return one.start, one.version, one.digest


def _running(rules: Mapping[tuple[str, str], Any], run: Run) -> frozenset[str]:
    return frozenset(code for (code, aspect), said in rules.items() if aspect == "run" and said is run)


def _why(what: str, value: Any, one: RuleSet, statement: Statement, name: str) -> Why:
    place = str(statement.place_of(name))
    return Why(what, value, statement.scope.words, one.label, place, statement.reason, statement.author)


def _reasons(full: Thresholds, why: Mapping[str, Why]) -> Iterable[Why]:
    for name in Thresholds.model_fields:
        yield why.get(name) or Why(name, getattr(full, name), Scope.DEFAULT.words, "", "")
    for rule in RULES:
        yield from (why[what] for what in (f"{rule.code} run", f"{rule.code} severity") if what in why)
