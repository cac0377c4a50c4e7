"""Files of tests of rule sets, `*.test.yaml`, as cases: read whole, with every fault at its line.

Stamps are local and without offset: `2026-05-12` or `2026-05-12 10:30`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import Field, ValidationError, field_validator

from agents.vee.rulesets.cases import Case, Point, Reading, Strict, Wanted
from pipeline.errors import ConfigError
from pipeline.rules import RULE_BIT
from pipeline.topology.load import Document, parse

TOKEN = re.compile(r"(?P<first>-|-?\d+)(?P<again>(?:/-?\d+)*)(?P<doubt>\?)?(?:\*(?P<times>\d+))?")
GROUP = re.compile(r"\(([^()]*)\)\*(\d{1,6})")
MOST_TOKENS = 1_000_000


class Expect(Strict):
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


class _Test(Strict):
    name: str = Field(min_length=1)
    point: Point = Point()
    channel: str = "wh_imp"
    readings: dict[str, Any] = Field(min_length=1)
    registers: dict[str, int] = Field(default_factory=dict)
    outages: tuple[str, ...] = ()
    expect: Expect = Expect()


class _File(Strict):
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
