"""`kvarn vee apply`: rule sets, and the order of estimates, put in force in a topology."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from agents.vee.estimate.document import read
from agents.vee.estimate.stream import NAME
from agents.vee.rules import ENDING, FOLDER
from agents.vee.rulesets import ruleset_findings
from cli.deployment import key_folder, prepare
from cli.output import DEFAULT_FILE, USAGE, Json, TopologyFile, aside, console, emit
from cli.registry.in_force import InForce, of_plan
from cli.registry.publish import KafkaLog, Versions, finish, put_in_force
from cli.topology import read_plan
from cli.vee.lint import show, texts_of
from pipeline.errors import ConfigError
from pipeline.reference import version_of
from pipeline.reference_codec import documents_to_bytes
from pipeline.runtime.references import DOCUMENTS
from pipeline.topology.findings import Level

Files = Annotated[list[Path] | None, typer.Argument(help="All rule sets that are to hold; those left out do not.")]
Nothing = Annotated[bool, typer.Option("--none", help="No rule set is to hold any more.")]
Estimates = Annotated[
    Path | None,
    typer.Option(
        "--estimates", help="The order of estimates that is to hold (docs/estimates.md); left out: the one in force."
    ),
]
NoEstimates = Annotated[
    bool, typer.Option("--no-estimates", help="No order of estimates is to hold any more, but what is shipped.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Apply without asking.")]


def apply(
    files: Files = None,
    none: Nothing = False,
    estimates: Estimates = None,
    no_estimates: NoEstimates = False,
    yes: Yes = False,
    as_json: Json = False,
    file: TopologyFile = DEFAULT_FILE,
) -> None:
    """Put rule sets and the order of estimates in force: check them, show what changes, ask, publish.

    They hold from the control record on that names them, in all workers at the same frame. What is not named stays as
    it is: tariffs, rule sets where only --estimates is given, the order of estimates where only rule sets are.
    Nothing is applied when a document has an error; warnings are shown.

    Examples:

        kvarn vee apply rules/*.yaml -f topologies.yaml

        kvarn vee apply --estimates estimates.yaml
    """
    if as_json and not yes:
        raise ConfigError("NOT_ASKED", where="--json", what="there is nobody to ask", do="add --yes")
    _check_said(bool(files), none, bool(estimates), no_estimates)
    documents = _checked(files or []) | _checked_estimates(estimates)
    touched = (bool(files) or none, bool(estimates) or no_estimates)
    plan = read_plan(file)
    log, keys = KafkaLog(plan, prepare(plan)), key_folder()
    finish(log, keys)
    in_force = of_plan(plan)
    versions, changes = versions_of(documents, touched, in_force), changes_of(documents, touched, in_force)
    if not as_json:
        for change in changes:
            console().print(change, markup=False)
    if versions.new and not yes:
        typer.confirm("Apply?", abort=True)
    put_in_force(versions, log, keys)
    if as_json:
        emit({"versions": versions.names, "applied": sorted(versions.new), "changes": changes})
    else:
        name = versions.names[DOCUMENTS]
        console().print(f"{DOCUMENTS} {name}{'' if versions.new else ' (in force already)'}")


def _check_said(files: bool, none: bool, estimates: bool, no_estimates: bool) -> None:
    """Raise ConfigError unless it is clear what is to hold."""
    what = ""
    if files and none:
        what = "rule sets, and --none"
    elif estimates and no_estimates:
        what = "--estimates and --no-estimates"
    elif not (files or none or estimates or no_estimates):
        what = "nothing to put in force"
    if what:
        raise ConfigError("RULES_FILE", where="kvarn vee apply", what=what,
                          do="name the files, --none, --estimates FILE, or --no-estimates")  # fmt: skip


def _checked_estimates(path: Path | None) -> dict[str, bytes]:
    """The order of estimates by the name under which it is put in force; ends with 2 when it has an error."""
    if path is None:
        return {}
    ((file, text),) = texts_of([path]).items()
    _, findings = read(text, file)
    show(aside(), findings)
    if any(finding.level is Level.ERROR for finding in findings):
        raise typer.Exit(USAGE)
    return {NAME: text.encode()}


def _checked(files: list[Path]) -> dict[str, bytes]:
    """The documents by the names under which they are put in force; ends with 2 when one has an error."""
    texts = texts_of(files)
    _, findings = ruleset_findings(texts)
    show(aside(), findings)
    if any(finding.level is Level.ERROR for finding in findings):
        raise typer.Exit(USAGE)
    named: dict[str, bytes] = {}
    for path, text in texts.items():
        name = f"{FOLDER}{Path(path).stem}{ENDING}"
        if name in named:
            raise ConfigError("RULES_FILE", where=path, what=f"there is another file for {name}", do="rename one")
        named[name] = text.encode()
    return named


Touched = tuple[bool, bool]
"""Whether rule sets, and whether the order of estimates, are said anew."""


def versions_of(said: Mapping[str, bytes], touched: Touched, in_force: InForce) -> Versions:
    """Documents with what is said in the place of those in force; nothing new when they are the same."""
    others = {name: text for name, text in (in_force.documents or {}).items() if not _is_touched(name, touched)}
    raw = documents_to_bytes({**others, **said})
    name = version_of(raw)
    return Versions({} if name == in_force.documents_version else {DOCUMENTS: raw}, {DOCUMENTS: name})


def changes_of(said: Mapping[str, bytes], touched: Touched, in_force: InForce) -> list[str]:
    """A line for each document that is new (+), gone (-) or other than before (~)."""
    before = {name: text for name, text in (in_force.documents or {}).items() if _is_touched(name, touched)}
    lines = []
    for name in sorted({*before, *said}):
        if before.get(name) != said.get(name):
            mark = "+" if name not in before else "-" if name not in said else "~"
            lines.append(f"{mark} {name}")
    return lines


def _is_touched(name: str, touched: Touched) -> bool:
    rules, estimates = touched
    return (rules and name.startswith(FOLDER) and name.endswith(ENDING)) or (estimates and name == NAME)
