"""`kvarn bench`: measurements of the whole way on this machine."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from bench.case import Case, read_case
from bench.faults.figures import figures as fault_figures
from bench.faults.figures import mutant_figures, show_mutants
from bench.faults.figures import show as show_faults
from bench.faults.page import write as write_faults
from bench.faults.page import write_mutants
from bench.faults.series import Line, more_of, mutants_of, read_fault_case, run_series, trials_of
from bench.naive.run import why_not
from bench.recovery.case import read_recovery_case
from bench.recovery.figures import figures as recovery_figures
from bench.recovery.figures import show as show_recovery
from bench.recovery.page import write as write_recovery
from bench.recovery.run import run as run_recovery
from bench.throughput.drain import Progress as Report
from bench.throughput.figures import figures, show
from bench.throughput.machine import machine
from bench.throughput.page import write
from bench.throughput.run import run
from cli.bench_decode import command as decode_command
from cli.bench_fuzz import command as fuzz_command
from cli.bench_rating import command as rating_command
from cli.bench_vee import command as vee_command
from cli.experiments import compare, run_command, show_list
from cli.output import DEFAULT_FILE, FAILED, Json, Keep, Page, TopologyFile, aside, console, emit
from cli.profile import profile_command
from cli.replay import record_command, replay_command
from cli.services.exits import MissingRequirement
from cli.services.settings import ServiceSettings
from cli.soak import command as soak

CASE = read_case("throughput")
RECOVERY = read_recovery_case()

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.callback()
def bench() -> None:
    """Measure the whole way on this machine, broker and warehouse included, everything compared with the truth.

    A measurement starts services of its own on free ports and removes their data. Nothing else should run meanwhile.
    """


@app.command()
def throughput(
    meters: Annotated[int, typer.Option(min=1, help="Service points.")] = CASE.load.meters,
    frames: Annotated[int, typer.Option(min=1, help="Frames at least; whole intervals are sent.")] = CASE.load.frames,
    batch_frames: Annotated[
        int, typer.Option(min=1, max=6000, help="Frames of a record in the log.")
    ] = CASE.load.batch_frames,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same frames.")] = CASE.load.seed,
    faults: Annotated[bool, typer.Option(help="A hundredth of the pushes at fault.")] = CASE.load.faults,
    late: Annotated[int, typer.Option(min=0, max=1000, help="Pushes in a thousand that are sent late.")] = 0,
    naive: Annotated[bool, typer.Option(help="Measure the naive way beside it.")] = True,
    naive_secs: Annotated[float, typer.Option(min=1, help="How long, with each cipher.")] = CASE.naive.secs,
    warm_up: Annotated[
        bool, typer.Option(help="First a small run, so that nothing is compiled in the measured one.")
    ] = True,
    page: Page = False,
    keep: Keep = None,
    file: TopologyFile = DEFAULT_FILE,
    as_json: Json = False,
) -> None:
    """Drain encrypted frames that wait in Kafka through the workers into chDB, and say how many a second.

    The processes are those that `kvarn run` starts, with every guarantee on. Measured from the first output until every
    position is committed. Then every reading, determinant and balance is compared with the generator's truth; the
    command ends with 1 when one differs. Beside it, in the same run: Faust with a call a frame and gurux-dlms.

    The default takes some minutes and 26 GB of disk. A quick look: `--meters 20000 --frames 400000 --no-naive`.
    """
    if naive and (reason := why_not()):
        raise MissingRequirement([f"the naive way: {reason}; or measure without it: --no-naive"])
    load = CASE.load.model_copy(
        update={"meters": meters, "frames": frames, "batch_frames": batch_frames, "seed": seed, "faults": faults,
                "late_permille": late}
    )  # fmt: skip
    case: Case = CASE.model_copy(update={"load": load, "naive": CASE.naive.model_copy(update={"secs": naive_secs})})
    load.plan(1)
    # Ended from outside, it still ends what it has started.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with _progress() as report:
        outcome = run(case, file, report, naive=naive, warm_up=warm_up, keep=keep)
    said = figures(outcome)
    if as_json:
        emit(said)
    else:
        show(console(), said)
    if page:
        place = write(said, case.question, 48 - load.first + 1)
        aside().print(f"Written: {place}", markup=False)
    if outcome.different:
        raise typer.Exit(FAILED)


@app.command()
def faults(
    quick: Annotated[bool, typer.Option("--quick", help="A small log and few faults: some minutes.")] = False,
    only: Annotated[list[str] | None, typer.Option("--only", help="Just this fault, or mutant; repeat it.")] = None,
    mutants: Annotated[
        bool, typer.Option("--mutants", help="Leave one guarantee out after the other; each must be noticed.")
    ] = False,
    resume: Annotated[
        Path | None,
        typer.Option(help="File of results, a JSON line a trial: what is in it is not done again.", dir_okay=False),
    ] = None,
    page: Page = False,
    logs: Annotated[
        Path | None,
        typer.Option(help="Folder for what the processes of trials that went wrong have said.", file_okay=False),
    ] = None,
    file: TopologyFile = DEFAULT_FILE,
    as_json: Json = False,
) -> None:
    """Kill, freeze, cut off and starve parts while they drain a log; compare every row with the generator's truth.

    Processes are those that `kvarn run` starts, on a broker of their own. Each trial ends with the warehouse compared,
    without FINAL, and the raw topics read: an output's id must stand for one content. The command ends with 1 when
    something was lost, doubled or different, or when a whole series has killed less often than its case says. A whole
    series takes about two hours; with --resume it goes on where it was ended.
    """
    case = read_fault_case()
    whole = not (quick or mutants or only)
    trials = mutants_of(case, only or []) if mutants else trials_of(case, quick=quick, only=only or [])
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    found = machine(ServiceSettings.load().jars)
    with _progress() as report:
        lines: list[Line] = []
        while trials:
            lines += run_series(case, trials, file, resume, report, quick=quick or mutants, logs=logs)
            trials = more_of(case, lines) if whole else []
    said = mutant_figures(lines) if mutants else fault_figures(lines, case if whole else None)
    if as_json:
        emit(said)
    elif mutants:
        show_mutants(console(), said)
    else:
        show_faults(console(), said)
    if page:
        load = (case.quick if quick or mutants else case.load).model_dump()
        place = write_mutants(said, load, found) if mutants else write_faults(said, load, case.question, found)
        aside().print(f"Written: {place}", markup=False)
    if not said["ok"]:
        raise typer.Exit(FAILED)


@app.command()
def recovery(
    meters: Annotated[int, typer.Option(min=1, help="Service points.")] = RECOVERY.load.meters,
    frames: Annotated[
        int, typer.Option(min=1, help="Frames at least that fill the state and show the capacity.")
    ] = RECOVERY.load.frames,
    tries: Annotated[int, typer.Option(min=1, help="Kills of each part.")] = RECOVERY.tries,
    only: Annotated[list[str] | None, typer.Option("--only", help="Just this part; repeat it.")] = None,
    page: Page = False,
    keep: Keep = None,
    file: TopologyFile = DEFAULT_FILE,
    as_json: Json = False,
) -> None:
    """Kill parts with SIGKILL under live load, start them again at once, and say how soon they are back.

    The state is filled first, and the capacity measured; then frames come at half of it, all the time. From each kill:
    seconds to the first output that was not there before, and until no more records wait than before. At the end every
    reading, determinant and balance is compared with the generator's truth; the command ends with 1 when one differs or
    a goal of the first part is missed.

    The default takes about twenty minutes and 40 GB of disk. A quick look: `--meters 20000 --frames 400000 --tries 1`.
    """
    case = RECOVERY.model_copy(
        update={"load": RECOVERY.load.model_copy(update={"meters": meters, "frames": frames}), "tries": tries,
                "parts": tuple(only) if only else RECOVERY.parts}
    )  # fmt: skip
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with _progress() as report:
        outcome = run_recovery(case, file, report, keep=keep)
    said = recovery_figures(outcome)
    if as_json:
        emit(said)
    else:
        show_recovery(console(), said)
    if page:
        aside().print(f"Written: {write_recovery(said, case.question)}", markup=False)
    if not said["ok"]:
        raise typer.Exit(FAILED)


@contextmanager
def _progress() -> Iterator[Report]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=aside(), transient=True) as shown:
        now: tuple[str, TaskID] = ("", TaskID(-1))

        def report(what: str, done: int, total: int) -> None:
            nonlocal now
            if what != now[0]:
                if now[0]:
                    shown.remove_task(now[1])
                now = (what, shown.add_task(what, total=total))
            shown.update(now[1], completed=done, total=total)

        yield report


app.command("soak")(soak(_progress))
app.command("list")(show_list)
app.command("run")(run_command(_progress))
app.command("compare")(compare)
app.command("decode")(decode_command(_progress))
app.command("vee")(vee_command(_progress))
app.command("rating")(rating_command(_progress))
app.command("fuzz")(fuzz_command(_progress))
app.command("profile")(profile_command(_progress))
app.command("record")(record_command(_progress))
app.command("replay")(replay_command(_progress))
