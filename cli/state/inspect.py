"""`kvarn state inspect`: what state holds and takes, by stage and area."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from bench.memory.profiles import PROFILE_BY_NAME, PROFILES, Profile, intervals_of, simulated
from bench.memory.report import StateReport
from cli.output import DEFAULT_FILE, Json, TopologyFile, aside, console, emit
from cli.state.deployment import add_deployment
from cli.topology import read_plan


class ProfileName(StrEnum):
    """Names of PROFILES."""

    D1_30 = "d1-30"
    D1_30_SOLAR = "d1-30-solar"
    D1_15X4 = "d1-15x4"


PROFILE_HELP = "A simulated fleet in place of the deployment. " + " ".join(
    f"{profile.name}: {profile.says}." for profile in PROFILES
)


def inspect(
    profile: Annotated[ProfileName | None, typer.Option(help=PROFILE_HELP)] = None,
    meters: Annotated[int, typer.Option(min=1, help="Meters of the simulated fleet.")] = 200_000,
    intervals: Annotated[
        int | None, typer.Option(min=1, help="Intervals that each of them sends, instead of until past midnight.")
    ] = None,
    file: TopologyFile = DEFAULT_FILE,
    as_json: Json = False,
) -> None:
    """Say what the stages' state holds and what memory it takes: in all, resident, and a service point.

    Of the deployment: the last checkpoints in the state topics are read, a partition at a time, and made into tables as
    a worker that starts makes them. With `--profile`, of a simulated fleet whose frames go through the stages in this
    process; no service is needed. *In all* is what the tables take when the windows of days are full; *resident* is
    what has been written to so far (on Linux; elsewhere the same).
    """
    report = StateReport()
    if profile is None:
        with _progress("state topics") as told:
            partitions = add_deployment(read_plan(file), report, told)
        said = {"of": "deployment", "partitions": partitions, **report.close()}
    else:
        said = {"of": profile.value, **_of_profile(PROFILE_BY_NAME[profile.value], meters, intervals, file, report)}
    if as_json:
        emit(said)
    else:
        show(console(), said)


def _of_profile(profile: Profile, meters: int, intervals: int | None, file: Any, report: StateReport) -> dict[str, Any]:
    count = intervals_of(profile) if intervals is None else intervals
    with _progress("intervals") as told:
        inside = simulated(file, profile, meters, count, told)
    try:
        report.add_chains(inside.chains())
    finally:
        inside.close()
    return {"intervals": count, **report.close()}


@contextmanager
def _progress(what: str) -> Iterator[Callable[[int, int], None]]:
    with Progress(console=aside(), transient=True) as bar:
        task = bar.add_task(what)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def show(out: Console, said: dict[str, Any]) -> None:
    """The tables for people."""
    table = Table("stage", "area", "in all", "resident", "a point", "resident", title="octets", title_justify="left")
    for column in table.columns[2:]:
        column.justify = "right"
    for stage in said["stages"]:
        for area in said["areas"]:
            if area["stage"] == stage["stage"]:
                table.add_row(area["stage"], area["area"], *_cells(area))
        table.add_row(stage["stage"], "together", *_cells(stage), style="bold", end_section=True)
    table.add_row("all", "", *_cells(said["total"]), style="bold")
    out.print(table)
    out.print(f"{said['service_points']:,} service points")
    for stage in said["stages"]:
        planes = f", {stage['planes']:,} of them planes" if "planes" in stage else ""
        share = stage["rows"] / stage["slots"] if stage["slots"] else 0.0
        out.print(f"{stage['stage']}: {stage['rows']:,} of {stage['slots']:,} slots are taken ({share:.0%}){planes}")


def _cells(sizes: dict[str, Any]) -> list[str]:
    def a_point(name: str) -> str:
        return "" if sizes[name] is None else f"{sizes[name]:,.1f}"

    return [
        f"{sizes['octets']:,}", f"{sizes['resident']:,}", a_point("octets_a_point"), a_point("resident_a_point")
    ]  # fmt: skip
