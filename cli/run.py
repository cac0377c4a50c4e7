"""`kvarn run`: all parts of a topology file at once, each in a process of its own, under honcho."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from cli.deployment import prepare
from cli.output import DEFAULT_FILE, Json, TopologyFile, emit
from cli.topology import read_plan
from pipeline.errors import ConfigError
from pipeline.topology.plan import Plan

STATUS_PORT = 8100


def run(
    only: Annotated[
        list[str] | None,
        typer.Option("--only", help="Just this part: connect.NAME, worker.NAME or sink.NAME; repeat it."),
    ] = None,
    without: Annotated[list[str] | None, typer.Option("--without", help="All parts but this one; repeat it.")] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes of each worker; partitions are shared out.")] = 1,
    show: Annotated[bool, typer.Option("--show", help="Only say what would be run.")] = False,
    file: TopologyFile = DEFAULT_FILE,
    as_json: Json = False,
) -> None:
    """Run connectors, workers and sinks of a topology until one ends or Ctrl-C, their logs side by side.

    Each part can as well be run by itself (`kvarn connect`, `kvarn worker`, `kvarn sink`), on other machines, under any
    process manager: `--show` prints the commands.
    """
    plan = read_plan(file)
    commands = parts(plan, file, workers)
    commands = chosen(commands, only or [], without or [])
    if as_json:
        emit({"parts": commands})
    elif show:
        typer.echo("\n".join(f"{name}: {shlex.join(command)}" for name, command in commands.items()))
    if show or as_json:
        raise typer.Exit
    prepare(plan)
    raise typer.Exit(keep(commands))


def chosen(commands: dict[str, list[str]], only: list[str], without: list[str]) -> dict[str, list[str]]:
    """The parts that are asked for; raises ConfigError for a name that is no part."""

    def part(name: str) -> str:
        return name.partition("#")[0]

    known = {part(name) for name in commands}
    unknown = sorted({*only, *without} - known)
    if unknown:
        raise ConfigError(
            "PART_UNKNOWN",
            where=", ".join(unknown),
            what="the topology file has no such part",
            do=f"use {', '.join(sorted(known))}",
        )
    return {
        name: command
        for name, command in commands.items()
        if (not only or part(name) in only) and part(name) not in without
    }


def parts(plan: Plan, file: Path, workers: int = 1) -> dict[str, list[str]]:
    """Part -> command line. Readers first: nothing is written before someone reads it."""
    kvarn = [sys.executable, "-m", "cli.main"]
    common = ["--file", str(file)]
    commands = {f"sink.{name}": [*kvarn, "sink", name, *common] for name in plan.sinks}
    for chain in reversed(plan.chains):
        for number in range(1, workers + 1):
            name = f"worker.{chain.name}" if workers == 1 else f"worker.{chain.name}#{number}"
            commands[name] = [*kvarn, "worker", chain.name, *common]
            if workers > 1:
                commands[name] += ["--instance", str(number)]
    for place, name in enumerate(plan.connectors, 1):
        commands[f"connect.{name}"] = [*kvarn, "connect", name, "--status-port", str(STATUS_PORT + place), *common]
    return commands


def keep(commands: dict[str, list[str]]) -> int:
    """Run all until one ends; then all end. Returns the exit code of the first."""
    from honcho.manager import Manager

    manager = Manager()
    for name, command in commands.items():
        manager.add_process(name, shlex.join(command), env={**os.environ, "PYTHONUNBUFFERED": "1"})
    manager.loop()
    return int(manager.returncode or 0)
