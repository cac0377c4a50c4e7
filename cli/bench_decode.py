"""`kvarn bench decode`: the decoder alone on one core."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Annotated

import typer

from bench.decode.case import read_decode_case
from bench.naive.run import why_not
from bench.throughput.drain import Progress
from cli.output import FAILED, Json, Page, aside, console, emit
from cli.services.exits import MissingRequirement

CASE = read_decode_case()


def command(progress: Callable[[], AbstractContextManager[Progress]]) -> Callable[..., None]:
    """The command, telling how far it is by `progress`."""

    def decode(
        meters: Annotated[int, typer.Option(min=1, help="Service points: a push of each a round.")] = CASE.meters,
        profile_meters: Annotated[int, typer.Option(min=1, help="The same for day profiles.")] = CASE.profile_meters,
        rounds: Annotated[int, typer.Option(min=1, help="How often all take turns; the median counts.")] = CASE.rounds,
        gurux_secs: Annotated[
            float, typer.Option(min=0, help="CPU seconds that gurux-dlms has in each turn.")
        ] = CASE.gurux_secs,
        page: Page = False,
        as_json: Json = False,
    ) -> None:
        """Say how many frames a second one core decodes, beside gurux-dlms and libcrypto that only opens them.

        Encrypted D1 block pushes of many meters, counters counted, no checkpoint; also plain, in HDLC frames, and day
        profiles as arrays and as compact arrays. All take turns in one process on one CPU. Every value is compared with
        the generator's truth outside of what is timed; the command ends with 1 when one differs. With another load than
        the case's the goals say nothing. Needs gurux-dlms and 1 GB of memory; a quick look: `--meters 20000
        --profile-meters 500 --rounds 2 --gurux-secs 0.2`.
        """
        if reason := why_not():
            raise MissingRequirement([f"gurux-dlms to compare with: {reason}"])
        # gurux-dlms is loaded only when it is needed.
        from bench.decode.figures import figures, show
        from bench.decode.measure import run
        from bench.decode.page import write

        given = {"meters": meters, "profile_meters": profile_meters, "rounds": rounds, "gurux_secs": gurux_secs}
        case = CASE.model_copy(update=given)
        with progress() as report:
            results = run(case, report)
        said = figures(case, results, own_load=case.load != CASE.load)
        if as_json:
            emit(said)
        else:
            show(console(), said)
        if page:
            aside().print(f"Written: {write(said, case)}", markup=False)
        if said["correct"]["different"]:
            raise typer.Exit(FAILED)

    return decode
