"""`kvarn bench profile`: where each microsecond of a frame goes."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Annotated

import typer

from bench.experiments.series import pinned
from bench.experiments.table import experiment
from bench.profile.page import write
from bench.profile.run import budget, show
from bench.throughput.drain import Progress
from cli.output import DEFAULT_FILE, FAILED, Json, Page, TopologyFile, aside, console, emit


def profile_command(progress: Callable[[], AbstractContextManager[Progress]]) -> Callable[..., None]:
    """The command, telling how far it is by `progress`."""

    def profile(
        meters: Annotated[int | None, typer.Option(min=1, help="Service points, instead of the case's.")] = None,
        frames: Annotated[int | None, typer.Option(min=1, help="Frames at least, instead of the case's.")] = None,
        drain: Annotated[bool, typer.Option(help="Drain the load through the real processes as well.")] = True,
        page: Page = False,
        file: TopologyFile = DEFAULT_FILE,
        as_json: Json = False,
    ) -> None:
        """Say where each microsecond of a frame goes: by stage alone, against the limit, and by process in a drain.

        The load is that of the case `throughput`. Stages run in this process with a tenth of its service points. The
        limit is what the same frames and rows take without anything of ours. Ends with 1 when a row of the drain
        differs from the truth.
        """
        chosen = experiment("throughput").of(meters, frames).case
        with progress() as report, pinned(chosen.cpus, chosen.memory_gib):
            said = budget(chosen, file, report, drain=drain)
        if page:
            aside().print(f"Page: {write(said)}")
        if as_json:
            emit(said)
        else:
            show(console(), said)
        if said["drain"] is not None and said["drain"]["correct"]["different"]:
            raise typer.Exit(FAILED)

    return profile
