"""`kvarn vee apply`: rule sets put in force in a topology."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

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
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Apply without asking.")]


def apply(
    files: Files = None,
    none: Nothing = False,
    yes: Yes = False,
    as_json: Json = False,
    file: TopologyFile = DEFAULT_FILE,
) -> None:
    """Put rule sets in force: check them, show what changes, ask, publish.

    They hold from the control record on that names them, in all workers at the same frame. Tariffs stay as they are.
    Nothing is applied when a rule set has an error; warnings are shown.

    Example:

        kvarn vee apply rules/*.yaml -f topologies.yaml
    """
    if as_json and not yes:
        raise ConfigError("NOT_ASKED", where="--json", what="there is nobody to ask", do="add --yes")
    if bool(files) == none:
        raise ConfigError("RULES_FILE", where="kvarn vee apply", what="no rule sets, or both these and --none",
                          do="name the files, or say --none")  # fmt: skip
    rules = _checked(files or [])
    plan = read_plan(file)
    log, keys = KafkaLog(plan, prepare(plan)), key_folder()
    finish(log, keys)
    in_force = of_plan(plan)
    versions, changes = versions_of(rules, in_force), changes_of(rules, in_force)
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


def versions_of(rules: Mapping[str, bytes], in_force: InForce) -> Versions:
    """Documents with these rule sets in the place of those in force, which stay when they are the same."""
    others = {name: text for name, text in (in_force.documents or {}).items() if not _is_rules(name)}
    raw = documents_to_bytes({**others, **rules})
    name = version_of(raw)
    return Versions({} if name == in_force.documents_version else {DOCUMENTS: raw}, {DOCUMENTS: name})


def changes_of(rules: Mapping[str, bytes], in_force: InForce) -> list[str]:
    """A line for each rule set that is new (+), gone (-) or other than before (~)."""
    before = {name: text for name, text in (in_force.documents or {}).items() if _is_rules(name)}
    lines = []
    for name in sorted({*before, *rules}):
        if before.get(name) != rules.get(name):
            mark = "+" if name not in before else "-" if name not in rules else "~"
            lines.append(f"{mark} {name}")
    return lines


def _is_rules(name: str) -> bool:
    return name.startswith(FOLDER) and name.endswith(ENDING)
