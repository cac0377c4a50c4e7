"""Tests of rule sets, `*.test.yaml`: readings in, flags and estimates out (docs/rule-sets.md, "Tests").

Reading a file gives `Case`s; a `Judge` makes a `Verdict` of each; `differences` says what is not as expected. Stamps
are local and without offset: `2026-05-12` or `2026-05-12 10:30`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple, Protocol
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from agents.vee.rulesets.days import Calendar
from agents.vee.rulesets.resolve import Facts, Span
from pipeline.errors import ConfigError
from pipeline.rules import RULE_BIT
from pipeline.topology.load import Document, parse

TOKEN = re.compile(r"(?P<first>-|-?\d+)(?P<again>(?:/-?\d+)*)(?P<doubt>\?)?(?:\*(?P<times>\d+))?")
GROUP = re.compile(r"\(([^()]*)\)\*(\d{1,6})")
MOST_TOKENS = 1_000_000


class Reading(NamedTuple):
    """One row as sent: when its interval begins, epoch seconds UTC; Wh; whether the head-end doubts it."""

    start: int
    value: int
    doubtful: bool


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Point(_Strict):
    """Whom the readings are of, and what master data say of it."""

    service_point: int = Field(0, ge=0)
    utility: str | None = None
    tariff_category: str | None = None
    meter_model: str | None = None
    limit_wh: int = Field(0, ge=0, description="what the meter can pass in an interval; 0: not known")
    sanctioned_wh: int = Field(0, ge=0, description="sanctioned load over an interval; 0: not known")
    net: bool | None = Field(None, description="whether a net meter is registered")
    industry: bool = Field(False, description="commercial or industrial")

    @property
    def facts(self) -> Facts:
        """For `resolve`."""
        return Facts(self.service_point, self.utility, self.tariff_category, self.meter_model)


class Expect(_Strict):
    """What must come out."""

    of: tuple[str, ...] | None = Field(None, description="rules that are compared; left out: all of them")
    flags: dict[str, Any] = Field(default_factory=dict, description="rule -> begins of the intervals or periods")
    shadow: dict[str, Any] = Field(default_factory=dict, description="the same of rules in shadow")
    estimates: dict[str, Any] | None = Field(None, description="begin -> Wh, and the method; left out: not compared")
    total: int | None = Field(None, description="Wh over all intervals; left out: not compared")

    @field_validator("of", "flags", "shadow")
    @classmethod
    def _known(cls, value: Any) -> Any:
        unknown = sorted(set(value or ()) - RULE_BIT.keys())
        if unknown:
            raise ValueError(f"no such rule: {', '.join(unknown)}")
        return value


class _Test(_Strict):
    name: str = Field(min_length=1)
    point: Point = Point()
    channel: str = "wh_imp"
    readings: dict[str, Any] = Field(min_length=1)
    registers: dict[str, int] = Field(default_factory=dict)
    outages: tuple[str, ...] = ()
    expect: Expect = Expect()


class _File(_Strict):
    rules: tuple[str, ...] = Field((), description="files of rule sets, from the folder of the test")
    timezone: str = "Asia/Kolkata"
    state: str | None = Field(None, description="whose holidays hold, as in ISO 3166-2:IN")
    calendar: str | None = Field(None, description="file of holidays of your own, from the folder of the test")
    interval_minutes: int = Field(30, ge=1, le=1440)
    tests: tuple[_Test, ...] = Field(min_length=1)

    @field_validator("timezone")
    @classmethod
    def _zone(cls, name: str) -> str:
        ZoneInfo(name)
        return name


@dataclass(frozen=True)
class Wanted:
    """What a case expects; times are epoch seconds UTC. `of`: the rules that are compared."""

    of: frozenset[str]
    flags: Mapping[str, frozenset[int]]
    shadow: Mapping[str, frozenset[int]]
    estimates: Mapping[int, tuple[int, str | None]] | None
    total: int | None


@dataclass(frozen=True)
class Case:
    """One test: readings of one channel of one service point, and what must become of them.

    first, last: begins of the first and the last interval that are spoken of, also of one that lacks; epoch seconds.
    """

    name: str
    line: int
    point: Point
    channel: str
    zone: str
    state: str | None
    interval: int
    first: int
    last: int
    readings: tuple[Reading, ...]
    registers: tuple[tuple[int, int], ...]
    outages: tuple[tuple[int, int], ...]
    wanted: Wanted
    calendar: Calendar | None = None


@dataclass(frozen=True)
class Verdict:
    """What became of a case: rule -> begins of what it flagged, of rules that count and of rules in shadow; begin ->
    (Wh, method) of what was substituted; Wh over all intervals."""

    flags: Mapping[str, frozenset[int]] = field(default_factory=dict)
    shadow: Mapping[str, frozenset[int]] = field(default_factory=dict)
    estimates: Mapping[int, tuple[int, str]] = field(default_factory=dict)
    total: int = 0


class Judge(Protocol):
    """Validates and estimates the readings of a case under what its rule sets say, day by day."""

    def __call__(self, case: Case, spans: Sequence[Span]) -> Verdict:
        """See Judge."""


@dataclass(frozen=True)
class CaseFile:
    """A file: its rule sets and its calendar as named in it, and its cases."""

    rules: tuple[str, ...]
    cases: tuple[Case, ...]
    calendar: str | None = None


def read_tests(text: str, file: str) -> CaseFile:
    """The tests of a file; raises ConfigError naming every fault with its line."""
    document = parse(text.replace("$", "$$"), file=file, variables={})
    faults = [f"line {one.place.line}: {one.message}" for one in document.findings]
    cases: list[Case] = []
    whole = None
    if not faults:
        try:
            whole = _File.model_validate(document.data)
        except ValidationError as error:
            faults += [_fault(document, fault["loc"], fault["msg"]) for fault in error.errors()]
    for place, test in enumerate(whole.tests if whole else ()):
        assert whole is not None
        try:
            cases.append(_Reader(whole, test).case(document.place(("tests", place)).line))
        except _Wrong as wrong:
            faults.append(_fault(document, ("tests", place, *wrong.path), wrong.what))
    if faults:
        raise ConfigError("TESTS_FAULT", where=file, what="; ".join(faults), do="correct the file; docs/rule-sets.md")
    assert whole is not None
    return CaseFile(whole.rules, tuple(cases), whole.calendar)


def differences(case: Case, verdict: Verdict) -> list[str]:
    """What is not as the case expects, one line each, in the order of time; empty when all is well."""
    wanted, found = case.wanted, []
    for what, want, have in (("flag", wanted.flags, verdict.flags), ("shadow", wanted.shadow, verdict.shadow)):
        for code in sorted(wanted.of):
            mine, theirs = want.get(code, frozenset()), have.get(code, frozenset())
            found += [(at, f"- {what} {code} is expected, and did not come") for at in mine - theirs]
            found += [(at, f"+ {what} {code} came, and is not expected") for at in theirs - mine]
    lines = [f"{local(at, case.zone)} {said}" for at, said in sorted(found)]
    lines += _estimates(case, verdict)
    if wanted.total is not None and wanted.total != verdict.total:
        lines.append(f"total: {wanted.total} Wh are expected, and {verdict.total} Wh came")
    return lines


def _estimates(case: Case, verdict: Verdict) -> Iterable[str]:
    wanted = case.wanted.estimates
    if wanted is None:
        return
    for at in sorted(wanted.keys() | verdict.estimates.keys()):
        value, method = wanted.get(at, (None, None))
        have, how = verdict.estimates.get(at, (None, None))
        if have is None:
            yield f"{local(at, case.zone)} - estimate of {value} Wh is expected, and nothing was substituted"
        elif value is None:
            yield f"{local(at, case.zone)} + estimate of {have} Wh by {how} is not expected"
        elif value != have or method not in (None, how):
            want = f"{value} Wh by {method or 'any method'}"
            yield f"{local(at, case.zone)} estimate: {want} is expected, {have} Wh by {how} came"


def local(at: int, zone: str) -> str:
    """A stamp as test files have it."""
    return datetime.fromtimestamp(at, UTC).astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M")


def _fault(document: Document, path: Sequence[Any], what: str) -> str:
    said = ".".join(map(str, path))
    return f"line {document.place(tuple(path)).line}: {said}: {what}" if said else what


class _Wrong(Exception):
    def __init__(self, path: tuple[Any, ...], what: str) -> None:
        self.path, self.what = path, what


@dataclass
class _Reader:
    """One test of a file."""

    file: _File
    test: _Test

    def case(self, line: int) -> Case:
        test, file = self.test, self.file
        slots = [slot for stamp, tokens in test.readings.items() for slot in self._slots(stamp, str(tokens))]
        readings = [reading for _, mine in slots for reading in mine]
        if not readings:
            raise _Wrong(("readings",), "no value is given")
        starts = [at for at, _ in slots]
        outages = [self._span(text, ("outages", place)) for place, text in enumerate(test.outages)]
        registers = [(self._time(stamp, ("registers", stamp)), wh) for stamp, wh in test.registers.items()]
        return Case(
            test.name, line, test.point, test.channel, file.timezone, file.state, file.interval_minutes * 60,
            min(starts), max(starts), tuple(readings), tuple(sorted(registers)), tuple(sorted(outages)),
            self._wanted(test.expect),
        )  # fmt: skip

    def _slots(self, stamp: str, tokens: str) -> Iterable[tuple[int, list[Reading]]]:
        """`500*20 - 700/720 90?`: twenty of 500, one that lacks, one that came twice, one that the head-end doubts.

        `(480 520)*10`: the two, ten times.
        """
        path = ("readings", stamp)
        at, step, count = self._time(stamp, path), self.file.interval_minutes * 60, 0
        for token in self._expanded(tokens, path).split():
            match = TOKEN.fullmatch(token)
            if match is None:
                raise _Wrong(path, f"`{token}`: write 500, 500*20, -, 700/720, or 90?")
            times = int(match["times"] or 1)
            count += times
            if count > MOST_TOKENS:
                raise _Wrong(path, "far too many values")
            values = [] if match["first"] == "-" else [match["first"], *match["again"].split("/")[1:]]
            for _ in range(times):
                yield at, [Reading(at, int(value), bool(match["doubt"])) for value in values]
                at += step

    def _expanded(self, tokens: str, path: tuple[Any, ...]) -> str:
        """`(480 520)*3` is `480 520 480 520 480 520`."""

        def repeated(match: re.Match[str]) -> str:
            if len(match[1]) * int(match[2]) > 8 * MOST_TOKENS:
                raise _Wrong(path, "far too many values")
            return f"{match[1]} " * int(match[2])

        return GROUP.sub(repeated, tokens)

    def _wanted(self, expect: Expect) -> Wanted:
        estimates = None
        if expect.estimates is not None:
            estimates = dict(self._estimate(stamp, said) for stamp, said in expect.estimates.items())
        return Wanted(
            frozenset(RULE_BIT if expect.of is None else expect.of),
            {code: self._times(said, ("expect", "flags", code)) for code, said in expect.flags.items()},
            {code: self._times(said, ("expect", "shadow", code)) for code, said in expect.shadow.items()},
            estimates,
            expect.total,
        )

    def _estimate(self, stamp: str, said: Any) -> tuple[int, tuple[int, str | None]]:
        path = ("expect", "estimates", stamp)
        parts = str(said).split()
        if not 1 <= len(parts) <= 2 or not parts[0].lstrip("-").isdigit():
            raise _Wrong(path, "write the Wh, and the method if it matters: `500 LINEAR`")
        return self._time(stamp, path), (int(parts[0]), parts[1] if len(parts) > 1 else None)

    def _times(self, said: Any, path: tuple[Any, ...]) -> frozenset[int]:
        """A stamp, a span `first .. last` of begins, both included, or a list of these."""
        found: set[int] = set()
        for item in said if isinstance(said, list) else [said]:
            text = str(item)
            first, last = self._span(text, path) if ".." in text else (self._time(text, path),) * 2
            found.update(range(first, last + 1, self.file.interval_minutes * 60))
        return frozenset(found)

    def _span(self, text: str, path: tuple[Any, ...]) -> tuple[int, int]:
        first, dots, last = (part.strip() for part in text.partition(".."))
        if not dots:
            raise _Wrong(path, f"`{text}`: write `2026-05-12 10:00 .. 12:30`")
        # The end may be the time alone: of the same day.
        begin = self._time(first, path)
        end = self._time(last if "-" in last else f"{first[:10]} {last}", path)
        if end < begin:
            raise _Wrong(path, f"`{text}` ends before it begins")
        return begin, end

    def _time(self, text: str, path: tuple[Any, ...]) -> int:
        try:
            stamp = datetime.fromisoformat(text.strip())
        except ValueError:
            raise _Wrong(path, f"`{text}` is no stamp: write 2026-05-12 or 2026-05-12 10:30") from None
        if stamp.tzinfo is not None:
            raise _Wrong(path, f"`{text}`: stamps are local, without an offset")
        return int(stamp.replace(tzinfo=ZoneInfo(self.file.timezone)).timestamp())
