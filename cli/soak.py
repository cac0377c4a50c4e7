"""`kvarn bench soak`: the whole topology under more than it can take."""

from __future__ import annotations

import signal
import tempfile
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Annotated

import typer

from bench.soak.case import read_soak_case
from bench.soak.figures import figures, show
from bench.soak.page import write
from bench.soak.run import Soak
from bench.soak.setting import bytes_needed
from bench.throughput.drain import Progress
from cli.output import DEFAULT_FILE, FAILED, Json, Keep, Page, TopologyFile, aside, console, emit
from cli.topology import read_plan

CASE = read_soak_case()


def command(progress: Callable[[], AbstractContextManager[Progress]]) -> Callable[..., None]:
    """The command, telling how far it is by `progress`."""

    def soak(
        minutes: Annotated[float, typer.Option(min=0.5, help="How long is pushed.")] = CASE.minutes,
        meters: Annotated[int, typer.Option(min=100, help="Service points.")] = CASE.meters,
        behind_bytes: Annotated[
            int, typer.Option(min=1_000_000, help="Unread octets at which connectors stop reading.")
        ] = CASE.behind_bytes,
        samples: Annotated[
            Path | None, typer.Option(help="File to which each look is appended as a line of JSON.", dir_okay=False)
        ] = None,
        page: Page = False,
        keep: Keep = None,
        file: TopologyFile = DEFAULT_FILE,
        as_json: Json = False,
    ) -> None:
        """Push twice what the parts can take, for an hour, and see that nothing grows, ends or is lost.

        All parts that `kvarn run` starts, but for the ticker, on a broker of their own; meters push over TCP and MQTT.
        First it is found what the parts take, then twice as much is offered: connectors must stop reading. Every ten
        seconds memory, lag and disk are looked at. At the end everything is drained, and frames are counted from the
        sockets to the warehouse. The command ends with 1 when a goal is missed. SIGTERM ends the pushing, not the
        report.

        The default takes an hour and some 25 GB of disk. A quick look: `--minutes 4`.
        """
        case = CASE.model_copy(update={"minutes": minutes, "meters": meters, "behind_bytes": behind_bytes})
        stop = threading.Event()

        def ended(_number: int, _frame: object) -> None:
            if stop.is_set():
                raise KeyboardInterrupt
            stop.set()

        signal.signal(signal.SIGTERM, ended)
        needed = bytes_needed(case, read_plan(file))
        aside().print(f"It may take {needed / 2**30:.0f} GiB of disk.", markup=False)
        with tempfile.TemporaryDirectory(prefix="kvarn-bench-", ignore_cleanup_errors=True) as temporary:
            folder = keep or Path(temporary)
            folder.mkdir(parents=True, exist_ok=True)
            with progress() as report:
                outcome = Soak(case, file, folder, report, stop, samples).go()
        said = figures(outcome)
        if as_json:
            emit(said)
        else:
            show(console(), said)
        if page:
            aside().print(f"Written: {write(said, case.question)}", markup=False)
        if not said["ok"]:
            raise typer.Exit(FAILED)

    return soak
