"""`kvarn registry`: check, diff, apply, export."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from cli.deployment import key_folder, master_key, prepare
from cli.output import DEFAULT_FILE, OK, USAGE, Json, TopologyFile, console, emit
from cli.registry.importing import Import, columns_of, read_import
from cli.registry.in_force import InForce, of_file, of_plan
from cli.registry.publish import KafkaLog, finish, put_in_force, versions_of
from cli.registry.show import (
    diff_json,
    findings_json,
    left_out_json,
    numbers,
    show_diff,
    show_findings,
    show_left_out,
    write_changes,
    write_findings,
)
from cli.topology import read_plan
from connectors.registry.diff import TableDiff, diff_documents, diff_keys, diff_registries
from connectors.registry.export import export as write_files
from pipeline.errors import ConfigError
from pipeline.reference_codec import registry_to_bytes

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    no_args_is_help=True,
    help="Import master data: meters, service points, network, accounts, tariffs, keys. docs/registry.md says how.",
)

Folder = Annotated[Path | None, typer.Argument(help="Folder of the CSV files.", metavar="DIR", file_okay=False)]
Config = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="Mapping (YAML) of your own files or of PostgreSQL.", dir_okay=False),
]
Report = Annotated[Path | None, typer.Option(help="Write everything, not the first rows only, as CSV.", dir_okay=False)]
LeaveOut = Annotated[bool, typer.Option("--leave-out", help="Leave out rows in error, and those that refer to them.")]
Most = Annotated[int, typer.Option(help="Rows that are shown (of a diff: of each table).", min=0)]
Against = Annotated[
    Path | None,
    typer.Option(help="A saved version to compare with, in place of the one on Kafka.", exists=True, dir_okay=False),
]
Save = Annotated[Path | None, typer.Option(help="Write the version's bytes to this file.", dir_okay=False)]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Apply without asking.")]


@app.command()
def check(
    folder: Folder = None, config: Config = None, report: Report = None, save: Save = None,
    leave_out: LeaveOut = False, most: Most = 50, as_json: Json = False,
) -> None:  # fmt: skip
    """Say what is wrong with the rows: file, row, column, reason. Nothing is connected to but the source.

    Ends with 2 when a row is in error (and is not left out). A value is shown with its finding, but never of keys.
    """
    found = read_import(columns_of(folder, config))
    able = found.applicable(leave_out)
    _report_findings(found, report)
    if save is not None and able:
        save.write_bytes(found.raw)
    if as_json:
        said = {**numbers(found), "version": found.version if able else None, "findings": findings_json(found)}
        emit(said)
    else:
        show_findings(console(), found, most)
        if able:
            console().print(f"version {found.version}")
    raise typer.Exit(OK if able else USAGE)


@app.command()
def diff(
    folder: Folder = None, config: Config = None, against: Against = None, report: Report = None,
    leave_out: LeaveOut = False, most: Most = 20, as_json: Json = False, file: TopologyFile = DEFAULT_FILE,
) -> None:  # fmt: skip
    """Say what an import would change: rows added, removed, changed, with values before and after.

    It is compared with what is in force on the topology's Kafka, or with a saved version. Of keys and tariffs only that
    they change is shown.
    """
    in_force = of_file(against) if against is not None else of_plan(read_plan(file))
    found = _applicable(folder, config, in_force, leave_out, most, as_json, None)
    diffs = _diffs(found, in_force)
    if report is not None:
        write_changes((change for one in diffs for change in one), report)
    if as_json:
        emit({"before": in_force.registry_version or None, "after": found.version, "tables": diff_json(diffs),
              "not_compared": _not_compared(found, in_force), **left_out_json(found)})  # fmt: skip
    else:
        show_diff(console(), diffs, most)
        for kind in _not_compared(found, in_force):
            console().print(f"{kind}: those in force are not known here, and not compared", style="yellow")


@app.command()
def apply(
    folder: Folder = None, config: Config = None, report: Report = None, leave_out: LeaveOut = False,
    yes: Yes = False, most: Most = 20, as_json: Json = False, file: TopologyFile = DEFAULT_FILE,
) -> None:  # fmt: skip
    """Put an import in force: check it, show what it changes, ask, publish.

    Keys are sealed into the key store with the master key; they are not replaced when the import has none, and neither
    are tariffs. Nothing is applied when a row is in error, unless those rows are left out.
    """
    if as_json and not yes:
        raise ConfigError("NOT_ASKED", where="--json", what="there is nobody to ask", do="add --yes")
    plan = read_plan(file)
    log, keys = KafkaLog(plan, prepare(plan)), key_folder()
    finished = finish(log, keys)
    if finished and not as_json:
        said = ", ".join(f"{kind} {name}" for kind, name in sorted(finished.items()))
        console().print(f"a run before had failed on the way; what it left is in force now: {said}", style="yellow")
    in_force = of_plan(plan)
    found = _applicable(folder, config, in_force, leave_out, most, as_json, report)
    versions = versions_of(found, in_force, master_key())
    diffs = _diffs(found, in_force)
    if not as_json:
        show_diff(console(), diffs, most)
    if versions.new and not yes:
        typer.confirm("Apply?", abort=True)
    put_in_force(versions, log, keys)
    if as_json:
        emit({**numbers(found), "versions": versions.names, "applied": sorted(versions.new), "finished": finished,
              "tables": {one.table: one.counts for one in diffs}, **left_out_json(found)})  # fmt: skip
        return
    for kind, name in versions.names.items():
        console().print(f"{kind} {name}{'' if kind in versions.new else ' (in force already)'}")


@app.command()
def export(
    folder: Annotated[Path, typer.Argument(help="Folder to write into.", metavar="DIR", file_okay=False)],
    version: Annotated[
        Path | None,
        typer.Option("--from", help="A saved version, in place of the one on Kafka.", exists=True, dir_okay=False),
    ] = None,
    save: Save = None, as_json: Json = False, file: TopologyFile = DEFAULT_FILE,
) -> None:  # fmt: skip
    """Write a version as the CSV files that give the same version when they are imported. Keys are not exported."""
    in_force = of_file(version) if version is not None else of_plan(read_plan(file))
    if not in_force.registry_version:
        raise ConfigError("NO_VERSION", where="registry", what="no version is in force", do="apply an import first")
    rows = write_files(in_force.registry, in_force.documents or {}, folder)
    if save is not None:
        save.write_bytes(registry_to_bytes(in_force.registry))
    if as_json:
        emit({"version": in_force.registry_version, "rows": rows})
    else:
        counts = ", ".join(f"{count:,} {name}" for name, count in rows.items())
        console().print(f"version {in_force.registry_version}: {counts}")


def _report_findings(found: Import, report: Path | None) -> None:
    if report is not None:
        write_findings(found, report)


def _applicable(
    folder: Path | None, config: Path | None, in_force: InForce, leave_out: bool, most: int, as_json: bool,
    report: Path | None,
) -> Import:  # fmt: skip
    """The import; ends the command with the findings when it cannot be applied."""
    found = read_import(columns_of(folder, config), in_force.documents)
    _report_findings(found, report)
    if found.applicable(leave_out):
        if not as_json:
            show_left_out(console(), found, most)
        return found
    if as_json:
        emit({**numbers(found), "version": None, "findings": findings_json(found)})
    else:
        show_findings(console(), found, most)
    sys.stdout.flush()
    raise typer.Exit(USAGE)


def _not_compared(found: Import, in_force: InForce) -> list[str]:
    """Keys are sealed, and without the master key cannot be read; a saved version has neither keys nor tariffs."""
    sides = {"keys": (found.keys, in_force.keys), "tariffs": (found.tariffs, in_force.documents)}
    return [kind for kind, (new, old) in sides.items() if new is not None and old is None]


def _diffs(found: Import, in_force: InForce) -> list[TableDiff]:
    diffs = diff_registries(in_force.registry, found.registry)
    tariffs, keys = found.tariffs, found.keys
    if tariffs is not None and in_force.documents is not None:
        before = {name: text for name, text in in_force.documents.items() if name.startswith("tariffs/")}
        diffs.append(diff_documents(before, tariffs))
    if keys is not None and in_force.keys is not None:
        diffs.append(diff_keys(in_force.keys, keys))
    return diffs
