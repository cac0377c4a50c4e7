"""What lint can find in rule sets: a closed table of codes. Places and levels are those of topology files."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.topology.findings import Code, Finding, Level, Place

E, W = Level.ERROR, Level.WARNING

CODES: tuple[Code, ...] = (
    Code("YAML_SYNTAX", E, "the file is not YAML", "correct the line; nothing else is checked until it can be read"),
    Code("KEY_TWICE", E, "a key stands twice in one mapping", "keep one of the two"),
    Code("RULE_SET_EMPTY", E, "the file says nothing", "write `field: value` lines"),
    Code("FIELD_UNKNOWN", E, "a field that is neither a threshold nor a key here", "correct its spelling"),
    Code("RULE_UNKNOWN", E, "a rule that is not in the table of rules", "docs/reference/rules.md lists them"),
    Code("FIELD_MISSING", E, "a field that must be given is not there", "add it"),
    Code("VALUE_INVALID", E, "a value of the wrong type or outside its limits", "correct the value"),
    Code("OVERRIDE_REASON", E, "an override without a reason", "say why: it stands with every result it changes"),
    Code("OVERRIDE_AUTHOR", E, "an override without an author", "say who wrote it"),
    Code("END_BEFORE_START", E, "a period that ends before it begins, or holds no day", "an end is the first day "
         "on which it holds no more"),
    Code("OVERRIDE_OVERLAP", E, "two overrides of one service point hold on the same day", "let one end where the "
         "other begins, or make them one"),
    Code("VERSION_TWICE", E, "two documents are the same rule set from the same day on", "keep one, or give the "
         "later one its own valid_from"),
    Code("TIE", E, "two places of the same rank say different things about the same service points and days",
         "make one of them more specific, or let the later one begin on another day"),
    Code("NEVER_APPLIES", W, "a period in which its document does not hold", "correct the dates, or take it out"),
    Code("SAYS_NOTHING", W, "a set or override that changes nothing", "add what it should change, or take it out"),
    Code("SHADOW_NO_EFFECT", W, "a shadow that never applies: the rule is for information only and changes nothing "
         "as it is", "use on, or off"),
    Code("STREAM_LEAVES_OUT", W, "the stream of a topology passes over this, whole series do not", "take it out, or "
         "leave it for whole series; docs/vee.md says what the stream judges"),
    Code("OFF_NO_EFFECT", W, "something is said of a rule that the same place switches off", "take one of them out"),
)  # fmt: skip

ESTIMATE_CODES: tuple[Code, ...] = (
    Code("ESTIMATES_EMPTY", E, "an order of estimates that says nothing", "write `order:` or `expected_error:`, or "
         "take the document out of force"),
    Code("ESTIMATES_KEY", E, "a key that an order of estimates does not have", "docs/estimates.md lists them"),
    Code("ESTIMATES_NEVER", W, "a step or class of an order of estimates that is never taken", "take it out, or put it "
         "before the one that takes its place"),
    Code("ESTIMATES_LEFT", W, "an order of estimates that may leave intervals missing", "end it with CARRIED, unless "
         "they are to be missing"),
)  # fmt: skip
"""Of the document `estimates.yaml` alone (agents.vee.estimate.document)."""

BY_CODE: dict[str, Code] = {row.code: row for row in (*CODES, *ESTIMATE_CODES)}


@dataclass(frozen=True)
class RuleFinding(Finding):
    """One fault of a rule set."""

    @property
    def level(self) -> Level:
        """Error or warning, by the code."""
        return BY_CODE[self.code].level


def found(code: str, place: Place, message: str, hint: str | None = None) -> RuleFinding:
    """A finding of a known code; without a `hint` the code's own reaction."""
    return RuleFinding(code, place, message, BY_CODE[code].reaction if hint is None else hint)
