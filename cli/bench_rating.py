"""`kvarn bench rating`: rating alone on one core."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Annotated

import typer

from bench.rating.case import read_rating_case
from bench.rating.figures import figures, show
from bench.rating.measure import run
from bench.throughput.drain import Progress
from cli.output import FAILED, Json, console, emit

CASE = read_rating_case()


def command(progress: Callable[[], AbstractContextManager[Progress]]) -> Callable[..., None]:
    """The command, telling how far it is by `progress`."""

    def rating(
        meters: Annotated[int, typer.Option(min=1, help="Service points whose days are rated.")] = CASE.meters,
        consumers: Annotated[int, typer.Option(min=50, help="Bills of a round.")] = CASE.consumers,
        sample: Annotated[
            int, typer.Option(min=1, help="Bills that are compared with the reference engine.")
        ] = CASE.sample,
        rounds: Annotated[int, typer.Option(min=1, help="Rounds that are measured; the median counts.")] = CASE.rounds,
        as_json: Json = False,
    ) -> None:
        """Say how many intervals, and how many bills, one core rates a second.

        Intervals: what VEE published of day profiles goes through the rating stage, by five tariffs. Bills: a month of
        consumers of five tariffs through the bulk kernel, 10 % net metered, 5 % by time of day and demand, 2 % with
        another tariff from some day on; and what a month-end close of a million of them takes by that. Energies are
        compared with the generator's truth and bills with the reference engine, outside of what is timed; the command
        ends with 1 when they differ. With another load than the case's the goals say nothing. A quick look:
        `--meters 1000 --consumers 5000 --sample 40 --rounds 2`.
        """
        given = {"meters": meters, "consumers": consumers, "sample": sample, "rounds": rounds}
        case = CASE.model_copy(update=given)
        with progress() as report:
            results = run(case, report)
        said = figures(case, results, own_load=case.load != CASE.load)
        if as_json:
            emit(said)
        else:
            show(console(), said)
        if not said["correct"]:
            raise typer.Exit(FAILED)

    return rating
