"""`kvarn vee lint` and `kvarn vee explain`: rule sets checked, and what they say about one service point."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.markup import escape

from agents.vee.estimate.document import read
from agents.vee.rulesets import Facts, RuleFinding, RuleSet, resolve, ruleset_findings
from agents.vee.rulesets.read import day_number
from cli.output import OK, USAGE, Json, aside, console, emit
from pipeline.errors import ConfigError
from pipeline.topology.findings import Level

Files = Annotated[list[Path], typer.Argument(help="Rule sets; those that hold together are checked together.")]
LintFiles = Annotated[
    list[Path] | None, typer.Argument(help="Rule sets; those that hold together are checked together.")
]
Estimates = Annotated[
    Path | None, typer.Option("--estimates", help="An order of estimates to check (docs/estimates.md).")
]
Strict = Annotated[bool, typer.Option("--strict", help="Warnings fail too.")]

COLOURS = {Level.ERROR: "red", Level.WARNING: "yellow"}


def lint(files: LintFiles = None, estimates: Estimates = None, strict: Strict = False, as_json: Json = False) -> None:
    """Check rule sets: fields, rules, periods, overrides and ties, all findings at once; and an order of estimates.

    Each finding has a code, a place and a hint (docs/rule-sets.md). Files that hold at the same time are given
    together: overlapping overrides and ties are found across them. Ends with 2 when there is an error.

    Examples:

        kvarn vee lint rules/*.yaml

        kvarn vee lint --estimates estimates.yaml
    """
    files = files or []
    if not files and estimates is None:
        raise ConfigError("RULES_FILE", where="kvarn vee lint", what="no file is named",
                          do="name rule sets, or --estimates FILE")  # fmt: skip
    _, findings = ruleset_findings(texts_of(files))
    if estimates is not None:
        ((file, text),) = texts_of([estimates]).items()
        files, findings = [*files, estimates], [*findings, *read(text, file)[1]]
    errors = sum(finding.level is Level.ERROR for finding in findings)
    warnings = len(findings) - errors
    if as_json:
        emit({
            "files": [str(file) for file in files],
            "errors": errors,
            "warnings": warnings,
            "findings": [finding.as_json() for finding in findings],
        })  # fmt: skip
    else:
        show(console(), findings)
        names = escape(", ".join(str(file) for file in files))
        console().print(f"{names}: {_count(errors, 'error')}, {_count(warnings, 'warning')}")
    raise typer.Exit(USAGE if errors or (strict and warnings) else OK)


def explain_point(
    files: Files,
    service_point: Annotated[int, typer.Option(min=0, help="Service point; 0: one without an override.")] = 0,
    utility: Annotated[str | None, typer.Option(help="Its utility.")] = None,
    tariff_category: Annotated[str | None, typer.Option(help="Its tariff category.")] = None,
    meter_model: Annotated[str | None, typer.Option(help="The model of its meter.")] = None,
    day: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Local day. [today, in India]")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Defaults too.")] = False,
    as_json: Json = False,
) -> None:
    """Say what holds for a service point on a day, and which line of which rule set decided it.

    Example:

        kvarn vee explain rules/*.yaml --tariff-category LT-I --service-point 27000000001 --day 2026-05-14
    """
    on = day.date() if day else datetime.now(ZoneInfo("Asia/Kolkata")).date()
    point = Facts(service_point, utility, tariff_category, meter_model)
    chosen = resolve(sets_of(files), point, day_number(on, 0))
    said = [one for one in chosen.why if one.place or everything]
    if as_json:
        emit({
            "day": on.isoformat(),
            "version": chosen.version,
            "thresholds": chosen.thresholds.model_dump(),
            "off": sorted(chosen.off),
            "shadow": sorted(chosen.shadow),
            "severities": {code: severity.value for code, severity in chosen.severities.items()},
            "why": [vars(one) for one in said],
        })  # fmt: skip
        return
    _explain(console(), on, chosen.version, [str(one) for one in said])


def sets_of(files: list[Path]) -> list[RuleSet]:
    """The rule sets of files; prints every finding and ends with 2 when there is an error."""
    sets, findings = ruleset_findings(texts_of(files))
    if any(finding.level is Level.ERROR for finding in findings):
        show(aside(), findings)
        raise typer.Exit(USAGE)
    return sets


def texts_of(files: list[Path]) -> dict[str, str]:
    """File -> text; raises ConfigError for one that cannot be read."""
    found = {}
    for file in files:
        try:
            found[str(file)] = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(
                "RULES_FILE", where=str(file), what=str(error), do="name a file with UTF-8 text"
            ) from error
    return found


def show(out: Console, findings: list[RuleFinding]) -> None:
    """Print findings for people."""
    for finding in findings:
        head = f"[{COLOURS[finding.level]}]{finding.level.value} {finding.code}[/]"
        out.print(f"{escape(str(finding.place))}: {head}: {escape(finding.message)}")
        out.print(f"    {escape(finding.hint)}", style="dim")


def _explain(out: Console, on: date, version: str, lines: list[str]) -> None:
    out.print(f"{on}: {version or 'no rule set is in force'}", markup=False)
    for line in lines:
        out.print(f"  {line}", markup=False)
    if not lines:
        out.print("  all defaults; --all shows them", style="dim")


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
