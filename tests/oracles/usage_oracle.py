"""What the usage stage should say of one service point, in plain Python: all its final days at once, by month."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction

from agents.usage.config import UsageConfig

Change = tuple[str, str, date, date]
"""(rule, OPEN or CLOSED, first day, last day)."""

PASSED, FAILED, OPEN_QUESTION = "passed", "failed", "not judged"
LONGEST_RUN = 15
RULES = ("V17", "V18", "V19", "V22")


@dataclass(frozen=True)
class Day:
    """A settled day: Wh used, whether that is known, W of its highest interval, intervals, and how many lack."""

    use: int = 0
    known: bool = True
    peak: int = 0
    intervals: int = 48
    absent: int = 0


@dataclass(frozen=True)
class Month:
    """Figures of one calendar month, and as others see it: rounded to 12 binary digits."""

    use: int
    days: int
    peak: int
    estimated: bool

    @property
    def a_day(self) -> Fraction:
        """Wh."""
        return Fraction(rounded((self.use * 16 + self.days // 2) // self.days), 16)


def rounded(figure: int) -> int:
    """To 12 significant binary digits, half up."""
    more = max(figure.bit_length() - 12, 0)
    return figure if not more else ((figure + (1 << (more - 1))) >> more) << more


def next_month(first: date) -> date:
    """First day of the month behind."""
    return (first + timedelta(days=31)).replace(day=1)


def earlier(first: date, months: int) -> date:
    """First day of the month so many before."""
    number = first.year * 12 + first.month - 1 - months
    return date(number // 12, number % 12 + 1, 1)


def months_of(days: Mapping[date, Day]) -> dict[date, Month]:
    """Months that are over, by their first day."""
    newest = max(days, default=date.min)
    found: dict[date, Month] = {}
    for first in sorted({day.replace(day=1) for day in days}):
        if newest + timedelta(days=1) < next_month(first):
            continue
        mine = [figures for day, figures in days.items() if day.replace(day=1) == first]
        known = [figures for figures in mine if figures.known]
        count = len(known) if len(known) >= 21 else 0
        estimated = sum(2 * figures.absent - figures.intervals for figures in mine) > 0
        peak = 0 if estimated else rounded(max(figures.peak for figures in mine))
        found[first] = Month(sum(figures.use for figures in known), count, peak, estimated)
    return found


def statuses(months: Mapping[date, Month], first: date, config: UsageConfig) -> dict[str, str]:
    """What each rule says of a month."""
    own = months[first]
    said = dict.fromkeys(RULES, OPEN_QUESTION)
    if not own.days:
        return said
    judged = {at: month for at, month in months.items() if month.days}
    before, second, year = (judged.get(earlier(first, count)) for count in (1, 2, 12))
    other = year or before
    adu = Fraction(own.use, own.days)
    if other and other.a_day > 0:
        said["V17"] = _outside(adu, other.a_day, config.usage_low_percent, config.usage_high_percent)
    if not own.estimated:
        if other and other.peak:
            said["V18"] = _outside(own.peak, other.peak, config.demand_low_percent, config.demand_high_percent)
        if before and before.peak:
            said["V22"] = FAILED if own.peak * 100 > before.peak * (100 + config.peak_change_percent) else PASSED
    references = []
    if before and second:
        days = before.days + second.days
        references.append((before.a_day * before.days + second.a_day * second.days) / days)
    if year:
        references.append(year.a_day)
    verdicts = [
        _outside(adu, one, 100 - config.audit_low_percent, 100 + config.audit_high_percent) for one in references if one
    ]
    if verdicts:
        said["V19"] = PASSED if PASSED in verdicts else FAILED
    return said


def _outside(now: Fraction | int, then: Fraction | int, low: int, high: int) -> str:
    return FAILED if now * 100 > then * high or now * 100 < then * low else PASSED


def changes_of(days: Mapping[date, Day], config: UsageConfig) -> dict[str, list[Change]]:
    """What each rule opens, keeps open and closes, in order."""
    months = months_of(days)
    said: dict[str, list[Change]] = {rule: [] for rule in (*RULES, "V30")}
    since: dict[str, date] = {}
    estimated: list[date] = []
    last: date | None = None
    begun = sorted({day.replace(day=1) for day in days})
    for first in begun:
        if last is not None and next_month(last) != first:
            for rule in tuple(since):
                said[rule].append((rule, "CLOSED", since.pop(rule), next_month(last) - timedelta(days=1)))
            if len(estimated) > config.estimated_bills:
                said["V30"].append(("V30", "CLOSED", estimated[0], next_month(last) - timedelta(days=1)))
            estimated = []
        if first not in months:
            break
        last, end = first, next_month(first) - timedelta(days=1)
        for rule, status in statuses(months, first, config).items():
            long = rule in since and earlier(first, LONGEST_RUN) == since[rule]
            if rule in since and (status == PASSED or long):
                said[rule].append(
                    (rule, "CLOSED", since.pop(rule), end if status == PASSED else first - timedelta(days=1))
                )
            if status == FAILED:
                said[rule].append((rule, "OPEN", since.setdefault(rule, first), end))
        if months[first].estimated:
            estimated.append(first)
            if len(estimated) > config.estimated_bills:
                said["V30"].append(("V30", "OPEN", estimated[0], end))
        else:
            if len(estimated) > config.estimated_bills:
                said["V30"].append(("V30", "CLOSED", estimated[0], end))
            estimated = []
    return said
