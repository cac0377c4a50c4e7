"""Rule sets as data: which thresholds and rules hold for a service point on a day, and why.

    rule_sets = load({"rules/mine.yaml": text})
    chosen = resolve(rule_sets, Facts(service_point=27000000001, tariff_category="LT-I"), day)
    chosen.thresholds.spike_ratio_percent, chosen.off, chosen.shadow
    explain(chosen)                                  # each choice with the line that made it

Documents are read by `read`, judged by `lint`, applied by `resolve`. Day types and holidays: `day_types`.
"""

from agents.vee.rulesets.days import Calendar, calendar_of, day_types
from agents.vee.rulesets.findings import RuleFinding
from agents.vee.rulesets.lint import load, ruleset_findings
from agents.vee.rulesets.model import Run
from agents.vee.rulesets.read import RuleSet, Scope, Statement, read
from agents.vee.rulesets.resolve import Chosen, Facts, Span, Why, explain, resolve, resolve_span
from pipeline.rules import Severity

__all__ = [
    "Calendar", "Chosen", "Facts", "RuleFinding", "RuleSet", "Run", "Scope", "Severity", "Span", "Statement", "Why",
    "calendar_of", "day_types", "explain", "load", "read", "resolve", "resolve_span", "ruleset_findings",
]  # fmt: skip
