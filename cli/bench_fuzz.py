"""`kvarn bench fuzz`: hostile frames against the batch decoder."""

from __future__ import annotations

import signal
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Annotated

import typer

from bench.fuzz.case import read_fuzz_case
from bench.fuzz.figures import figures, show, show_frame
from bench.fuzz.page import write
from bench.fuzz.run import alone, fuzz, reach
from bench.throughput.drain import Progress
from cli.output import FAILED, Json, Page, aside, console, emit

CASE = read_fuzz_case()


def command(progress: Callable[[], AbstractContextManager[Progress]]) -> Callable[..., None]:
    """The command, telling how far it is by `progress`."""

    def fuzz_command(
        frames: Annotated[int, typer.Option(min=1, help="Frames of the whole run.")] = CASE.frames,
        seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same frames.")] = CASE.seed,
        resume: Annotated[
            Path | None,
            typer.Option(help="File of the run's state: what is in it is not done again.", dir_okay=False),
        ] = None,
        only: Annotated[
            int | None, typer.Option("--only", min=0, help="Make just this frame again, show it, and decode it alone.")
        ] = None,
        checked: Annotated[
            bool, typer.Option("--checked", help="With kernels that check every index and every address.")
        ] = False,
        branches: Annotated[
            bool, typer.Option(help="Also decode some frames without compiled kernels, and count their branches.")
        ] = True,
        page: Page = False,
        as_json: Json = False,
    ) -> None:
        """Feed hostile frames to the batch decoder, most of them changed after decryption and sealed again.

        A process of its own decodes them, twice each batch: it may neither end nor hang; every frame gets a verdict;
        rows are of frames that were taken, and within their limits; nothing is written beside an array; both times give
        the same octets and the same state; some frames are compared with a decoder in plain Python. The command ends
        with 1 when one of these does not hold, and names the frame. Frame N is made of seed and N alone: `--only N`.
        Ended early it goes on with --resume; an unchecked run of 10 million frames takes some minutes.
        """
        case = CASE.model_copy(update={"frames": frames, "seed": seed})
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        if only is not None:
            one = alone(case, only, checked=checked)
            if as_json:
                emit(one)
            else:
                show_frame(console(), one)
            if one["broken"]:
                raise typer.Exit(FAILED)
            return
        with progress() as report:
            state = fuzz(case, resume, report, checked=checked)
            report("branches", 0, 1)
            reached = reach(case) if branches else None
        said = figures(case, state, reached)
        if as_json:
            emit(said)
        else:
            show(console(), said)
        if page:
            aside().print(f"Written: {write(said, case)}", markup=False)
        if not said["ok"]:
            raise typer.Exit(FAILED)

    return fuzz_command
