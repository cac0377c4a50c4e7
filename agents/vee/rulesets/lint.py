"""Lint of rule sets: all faults of all documents that hold together, at once, each with its place and a hint."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations, groupby
from typing import Any

from agents.vee.rulesets.findings import RuleFinding, found
from agents.vee.rulesets.model import Run
from agents.vee.rulesets.read import NEVER, RuleSet, Scope, Statement, read
from agents.vee.rulesets.resolve import rank
from agents.vee.rulesets.stream import stream_findings
from pipeline.errors import ConfigError
from pipeline.rules import RULES, Severity
from pipeline.topology.findings import Level

INFORMATION = frozenset(rule.code for rule in RULES if rule.severity is Severity.INFORMATION)
"""Rules that change nothing by themselves."""


def ruleset_findings(texts: Mapping[str, str]) -> tuple[list[RuleSet], list[RuleFinding]]:
    """File -> text: the rule sets that can be read, and everything that is wrong with them, by file and line."""
    sets, findings = [], []
    for file, text in texts.items():
        one, mine = read(text, file)
        findings += mine
        if one is not None:
            sets.append(one)
    for check in (_versions, _overlaps, _ties, _periods, _effects, stream_findings):
        findings += check(sets)
    return sets, sorted(set(findings), key=lambda item: (item.place, item.code, item.message))


def load(documents: Mapping[str, bytes | str]) -> list[RuleSet]:
    """The rule sets of documents by name; raises ConfigError naming every error when there is one."""
    texts = {name: text if isinstance(text, str) else text.decode() for name, text in documents.items()}
    sets, findings = ruleset_findings(texts)
    errors = [item for item in findings if item.level is Level.ERROR]
    if errors:
        raise ConfigError(
            "RULES_FAULT",
            where=str(errors[0].place),
            what="; ".join(f"{item.code} line {item.place.line}: {item.message}" for item in errors),
            do="correct the rule set; `kvarn vee lint` lists each fault with a hint",
        )
    return sets


# ------------------------------------------------------------------------------------------------ checks


def _versions(sets: Sequence[RuleSet]) -> Iterator[RuleFinding]:
    for one, other in combinations(sets, 2):
        if (one.name, one.utility, one.start) == (other.name, other.utility, other.start):
            yield found("VERSION_TWICE", other.place, f"`{other.name}` is also in {one.place.file}, from the same day")


def _overlaps(sets: Sequence[RuleSet]) -> Iterator[RuleFinding]:
    overrides = [s for s in _statements(sets) if s.scope is Scope.SERVICE_POINT]
    overrides.sort(key=lambda s: (s.service_point, s.place))
    for point, group in groupby(overrides, key=lambda s: s.service_point):
        for one, other in combinations(group, 2):
            if _meet(one, other) and _share_utility(one.utility, other.utility):
                yield found("OVERRIDE_OVERLAP", other.place, f"service point {point} has an override at {one.place}")


def _ties(sets: Sequence[RuleSet]) -> Iterator[RuleFinding]:
    """Documents whose versions replace each other never hold together; whoever differs in rank cannot tie."""
    flat = [(one, s) for one in sets for s in one.statements if s.scope is not Scope.SERVICE_POINT]
    for (first, one), (second, other) in combinations(flat, 2):
        versions = first is not second and (first.name, first.utility) == (second.name, second.utility)
        alike = rank(one) == rank(other) and _subject(one) == _subject(other)
        if versions or not alike or not _meet(one, other) or not _meet(first, second):
            continue
        for name in _disagree(one, other):
            yield found("TIE", other.place_of(name), f"`{name}` is said otherwise at {one.place_of(name)}")


def _periods(sets: Sequence[RuleSet]) -> Iterator[RuleFinding]:
    for one in sets:
        later = [other.start for other in sets if other.name == one.name and other.start > one.start
                 and other.utility == one.utility]  # fmt: skip
        end = min([one.end, *later])
        for statement in one.statements:
            if statement.start < statement.end and (statement.start >= end or statement.end <= one.start):
                why = "a later version holds by then" if statement.start >= end < one.end else "its document does not"
                yield found("NEVER_APPLIES", statement.place, f"it never applies: on its days {why}")


def _effects(sets: Sequence[RuleSet]) -> Iterator[RuleFinding]:
    for statement in _statements(sets):
        for code, choice in statement.rules.items():
            place = statement.place_of(code)
            if choice.run is Run.SHADOW and code in INFORMATION:
                yield found("SHADOW_NO_EFFECT", place, f"{code} is for information only")
            if choice.run is Run.OFF and choice.severity is not None:
                yield found("OFF_NO_EFFECT", place, f"{code} is off and has a severity")


def _statements(sets: Iterable[RuleSet]) -> list[Statement]:
    return [statement for one in sets for statement in one.statements]


def _meet(one: Any, other: Any) -> bool:
    return bool(max(one.start, other.start) < min(one.end, other.end, NEVER))


def _share_utility(one: str | None, other: str | None) -> bool:
    return one is None or other is None or one == other


def _subject(statement: Statement) -> tuple[str | None, str | None, str | None]:
    return statement.utility, statement.tariff_category, statement.meter_model


def _disagree(one: Statement, other: Statement) -> Iterator[str]:
    for name in one.thresholds.keys() & other.thresholds.keys():
        if one.thresholds[name] != other.thresholds[name]:
            yield name
    for code in one.rules.keys() & other.rules.keys():
        mine, theirs = one.rules[code], other.rules[code]
        if (mine.run and theirs.run and mine.run is not theirs.run) or (
            mine.severity and theirs.severity and mine.severity is not theirs.severity
        ):
            yield code
