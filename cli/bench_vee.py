"""`kvarn bench vee`: validation and estimation alone on one core."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Annotated

import typer

from bench.throughput.drain import Progress
from bench.vee.case import read_vee_case
from bench.vee.figures import figures, show
from bench.vee.measure import SHAPES, Shape, run
from cli.output import FAILED, Json, console, emit
from pipeline.errors import ConfigError

CASE = read_vee_case()


def command(progress: Callable[[], AbstractContextManager[Progress]]) -> Callable[..., None]:
    """The command, telling how far it is by `progress`."""

    def vee(
        meters: Annotated[int, typer.Option(min=1, help="Service points with frames of one interval.")] = CASE.meters,
        profile_meters: Annotated[int, typer.Option(min=1, help="The same for day profiles.")] = CASE.profile_meters,
        series_meters: Annotated[int, typer.Option(min=1, help="Whole series in a round.")] = CASE.series_meters,
        rounds: Annotated[int, typer.Option(min=1, help="Days that are measured; the median counts.")] = CASE.rounds,
        plants: Annotated[
            int, typer.Option(min=0, help="One meter in so many exports by day; 0: none, 1: all.")
        ] = CASE.plants,
        only: Annotated[
            list[str] | None, typer.Option("--only", help="Just this case (profile, profile-96, single, series).")
        ] = None,
        as_json: Json = False,
    ) -> None:
        """Say how many interval readings a second one core validates and estimates, 2 % missing and 0.5 % spikes.

        The streaming step on decoded batches that are made beforehand: arrival, ticks, settlements; day profiles of 48
        and 96 intervals, and frames of one interval. Beside it whole series, as `kvarn vee` judges and fills them. What
        was estimated and all energies are compared with the generator's truth outside of what is timed; the command
        ends with 1 when they are not right. With another load than the case's the goals say nothing. A quick look:
        `--meters 2000 --profile-meters 1000 --series-meters 5 --rounds 2`.
        """
        shapes = _chosen(only)
        given = {"meters": meters, "profile_meters": profile_meters, "series_meters": series_meters, "rounds": rounds,
                 "plants": plants}  # fmt: skip
        case = CASE.model_copy(update=given)
        with progress() as report:
            results = run(case, report, shapes)
        said = figures(case, results, own_load=case.load != CASE.load)
        if as_json:
            emit(said)
        else:
            show(console(), said)
        if not said["correct"]:
            raise typer.Exit(FAILED)

    return vee


def _chosen(only: list[str] | None) -> list[Shape]:
    names = [shape.name for shape in SHAPES]
    if unknown := sorted(set(only or []) - set(names)):
        raise ConfigError("BENCH_CASE", where=", ".join(unknown), what="no such case", do=f"use {', '.join(names)}")
    return [shape for shape in SHAPES if not only or shape.name in only]
