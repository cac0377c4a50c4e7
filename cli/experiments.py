"""`kvarn bench list | run | compare`: cases with a gate and a goal, run several times."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from bench.experiments.experiment import Experiment
from bench.experiments.figures import compare as compared
from bench.experiments.figures import figures, number, show, show_comparison
from bench.experiments.page import write as write_page
from bench.experiments.plots import require as require_plots
from bench.experiments.series import Line, run_series, run_together
from bench.experiments.summary import write as write_summary
from bench.experiments.table import EXPERIMENTS, experiment
from bench.throughput.drain import Progress
from cli.output import DEFAULT_FILE, FAILED, Json, Page, TopologyFile, aside, console, emit
from pipeline.errors import ConfigError

Result = Annotated[Path, typer.Argument(help="What `run --json` has written.", dir_okay=False)]


def show_list(as_json: Json = False) -> None:
    """Say what can be run, with gates and goals."""
    cases = [experiment(name).case for name in sorted(EXPERIMENTS)]
    if as_json:
        emit([{"case": case.name, "question": case.question, "unit": case.unit, "gate": case.gate, "goal": case.goal,
               "better": case.better, "runs": case.runs} for case in cases])  # fmt: skip
        return
    table = Table("case", "question", "unit", "gate", "goal", "runs")
    for case in cases:
        table.add_row(case.name, case.question, case.unit, number(case.gate), number(case.goal), str(case.runs))
    console().print(table)


def run_command(progress: Callable[[], AbstractContextManager[Progress]]) -> Callable[..., None]:
    """The command, telling how far it is by `progress`."""

    def run(
        names: Annotated[
            list[str],
            typer.Argument(
                metavar="CASE...", help="Of `kvarn bench list`; several of one load share each run's drain."
            ),
        ],
        runs: Annotated[int | None, typer.Option(min=1, help="How often; the case says it otherwise.")] = None,
        meters: Annotated[int | None, typer.Option(min=1, help="Service points, instead of the case's.")] = None,
        frames: Annotated[int | None, typer.Option(min=1, help="Frames at least, instead of the case's.")] = None,
        resume: Annotated[
            Path | None,
            typer.Option(
                help="File of results, a JSON line a run: what is in it is not done again. Of several cases, a folder."
            ),
        ] = None,
        page: Page = False,
        file: TopologyFile = DEFAULT_FILE,
        as_json: Json = False,
    ) -> None:
        """Run cases several times, and say the median, the spread, and whether gate and goal are met.

        Each run begins with services of its own and ends with every row compared with the generator's truth. The
        command ends with 1 when a row differs in one of them; a gate that is missed is said, and no error. With another
        load than the case's the gate says nothing. A page has plots and its JSON object beside it, and SUMMARY.md gets
        its line.
        """
        if page:
            require_plots()
        chosen = [experiment(name).of(meters, frames) for name in dict.fromkeys(names)]
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        with progress() as report:
            found = _run(chosen, runs, file, resume, report)
        every = [figures(one, lines) for one, lines in zip(chosen, found, strict=True)]
        if as_json:
            emit(every if len(every) > 1 else every[0])
        for one, said in zip(chosen, every, strict=True):
            if not as_json:
                show(console(), said)
            if page:
                aside().print(f"Written: {write_page(said, one.case)}, {write_summary()}", markup=False)
        if any(said["correct"]["different"] for said in every):
            raise typer.Exit(FAILED)

    return run


def _run(
    chosen: list[Experiment], runs: int | None, file: Path, resume: Path | None, report: Progress
) -> list[list[Line]]:
    """The lines of each; raises ConfigError when `resume` is a folder for one, or a file for several."""
    often, several = runs or max(one.case.runs for one in chosen), len(chosen) > 1
    if resume is not None and resume.exists() and resume.is_dir() != several:
        raise ConfigError("SERIES_OTHER", where=str(resume), what="one case has a file, several have a folder",
                          do="name another one")  # fmt: skip
    if several:
        return run_together(chosen, often, file, resume, report)
    return [list(run_series(chosen[0], often, file, resume, report))]


def compare(before: Result, after: Result, as_json: Json = False) -> None:
    """Hold two results of one case against each other: better, worse, or within what the runs themselves spread."""
    said = compared(_read(before), _read(after))
    if as_json:
        emit(said)
    else:
        show_comparison(console(), said)


def _read(path: Path) -> dict[str, Any]:
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError("RESULT_UNREADABLE", where=str(path), what=str(error),
                          do="write it with `kvarn bench run CASE --json > FILE`") from error  # fmt: skip
    if not isinstance(said, dict) or not {"case", "value", "spread", "correct", "load", "machine"} <= said.keys():
        raise ConfigError("RESULT_UNREADABLE", where=str(path), what="it is no result of `kvarn bench run`",
                          do="write it with `kvarn bench run CASE --json > FILE`")  # fmt: skip
    return said
