"""What the stage `vee` of a topology can do of a rule set: which rules, how, and with which thresholds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import IntEnum

from agents.vee.rulesets.findings import RuleFinding, found
from agents.vee.rulesets.model import Run
from agents.vee.rulesets.read import EVER, NEVER, RuleSet, Scope, Statement
from pipeline.rules import Severity

STREAMED = (
    "V01", "V02", "V03", "V05", "V06", "V07", "V09", "V10", "V12", "V14", "V15", "V16", "V26", "V29", "V32", "V33",
    "V37",
)  # fmt: skip
"""Rules of the stage, which has three days of a meter before it."""

ON_REQUEST = ("V11", "V21", "V25", "V27")
"""Rules that it judges where a rule set says so: V11 by `testing`, V27 by `nominal_mv`, the others by name."""

MONTHS = ("V08", "V17", "V18", "V19", "V20", "V22", "V28", "V30")
"""Rules that the stage `usage` judges behind it, by the same rule sets: they are on, off or in shadow."""

CHECKED = ("V34",)
"""Rules that the stage `checks` judges of settled days, likewise."""

BESIDE = {
    "V13": "decode",
    "V23": "exceptions",
    "V24": "exceptions",
    "V31": "decode",
    "V35": "losses",
    "V36": "exceptions",
}
"""Rules that other stages judge, by their own options."""

FIXED = frozenset({"V01", "V06", "V07", "V12"})
"""What they say is how readings are kept, so nothing can be said of them."""


class Treated(IntEnum):
    """How the severity of a rule works in the stream."""

    WHOLLY = 0  # error: estimated; warning: suspect, and in force; information: told
    NOT_SUSPECT = 1  # the same, but a warning is told
    TOLD = 2  # in the `rules` word alone; of V15, V27 and V29 the quality of reactive energy, voltage, power factor


TREATED: dict[str, Treated] = {
    "V09": Treated.WHOLLY,
    "V37": Treated.WHOLLY,
    "V14": Treated.NOT_SUSPECT,
    "V25": Treated.NOT_SUSPECT,
}
"""Others are TOLD."""

PHYSICAL = ("V15", "V27", "V29")
"""Rules of what is measured beside energy: a warning is of that channel's quality."""

FOR_ALL = ("grid_tolerance_secs", "future_slack_secs")
"""Thresholds that are asked for before it is known whose a row is: what holds for all, and always, is taken."""


def judged_by(code: str) -> str:
    """The stage that judges a rule in a topology; empty: none, whole series alone are judged by it."""
    if code in (*STREAMED, *ON_REQUEST):
        return "vee"
    if code in CHECKED:
        return "checks"
    return "usage" if code in MONTHS else BESIDE.get(code, "")


def holds_always(one: RuleSet, statement: Statement) -> bool:
    """A statement about every service point (of the utility), without begin and end."""
    always = (one.start, one.end, statement.start, statement.end) == (EVER, NEVER, EVER, NEVER)
    return always and statement.scope <= Scope.UTILITY


def stream_findings(sets: Sequence[RuleSet]) -> Iterator[RuleFinding]:
    """Warnings of what the stream leaves out when these documents are put in force."""
    for one in sets:
        for statement in one.statements:
            for code, choice in statement.rules.items():
                why = _left_out(code, choice.run, choice.severity)
                if why:
                    yield found("STREAM_LEAVES_OUT", statement.place_of(code), f"{code} {why}")
            for name in FOR_ALL:
                if name in statement.thresholds and not holds_always(one, statement):
                    place = statement.place_of(name)
                    yield found("STREAM_LEAVES_OUT", place, f"`{name}` is one for all service points and days there")


def _left_out(code: str, run: Run | None, severity: Severity | None) -> str:
    if code in (*MONTHS, *CHECKED):
        return "has there the severity of the table of rules" if severity else ""
    if code in BESIDE:
        return "is switched by the options of its stage there"
    if code not in (*STREAMED, *ON_REQUEST):
        return "is judged in whole series alone"
    if code in FIXED:
        return "says how readings are kept, and cannot be changed" if run not in (None, Run.ON) or severity else ""
    treated = TREATED.get(code, Treated.TOLD)
    if severity is Severity.WARNING and treated is Treated.NOT_SUSPECT:
        return "is told there instead of making values suspect"
    if severity is Severity.ERROR and treated is Treated.TOLD:
        return "is never a reason to estimate there"
    if severity is Severity.WARNING and treated is Treated.TOLD and code not in PHYSICAL:
        return "is told there instead of making values suspect"
    return ""
