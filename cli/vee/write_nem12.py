"""The final series as NEM12, by the writer of the file sink (sinks.documents.nem12)."""

from __future__ import annotations

from collections.abc import Iterator

from agents.vee.estimate.qualities import nem12_out
from agents.vee.series.settle import Settled
from cli.vee.run import Done
from pipeline.codes import Method
from pipeline.errors import ConfigError
from pipeline.quality import Quality
from sinks.documents.nem12 import FAILED_VALIDATION, LENGTHS, NULL_DATA, SUFFIXES, Slot, days, details
from sinks.documents.nem12 import header as header


def records(done: Done) -> Iterator[str]:
    """Records 200 to 400 of all channels of a series; raises ConfigError for intervals that NEM12 does not have."""
    grid = done.series.grid
    if grid.interval not in {60 * length for length in LENGTHS}:
        raise ConfigError(
            "NEM12_INTERVAL", where=done.series.id, what=f"NEM12 has no intervals of {grid.interval} s",
            do="write CSV: --output final.csv",
        )  # fmt: skip
    nmi, _, element = done.series.id.partition("/")
    starts = grid.start.tolist()
    for name, settled in done.settled.items():
        if name in SUFFIXES:
            yield details(nmi, name, grid.interval, element if element.isdecimal() else "1")
            yield from days({start: _slot(settled, row) for row, start in enumerate(starts)}, grid.interval)


def _slot(settled: Settled, row: int) -> Slot:
    """Value, quality and method, and the reason code of a substitute."""
    quality, method = Quality(int(settled.quality[row])), Method(int(settled.method[row]))
    value = None if quality is Quality.MISSING else int(settled.value[row])
    said = nem12_out(quality, method)
    if said in ("A", "N"):
        return Slot(value, said)
    absent = settled.channel.quality[row] == Quality.ABSENT
    return Slot(value, said, NULL_DATA if absent else FAILED_VALIDATION)
