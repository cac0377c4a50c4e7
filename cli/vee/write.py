"""The final series as CSV: a row an interval, with quality, method and the rules that it failed; or as NEM12."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from agents.vee.series.report import codes_of, stamp
from cli.vee.run import Done
from cli.vee.write_nem12 import header, records
from pipeline.codes import Method
from pipeline.errors import ConfigError
from pipeline.quality import Quality

COLUMNS = (
    "id", "channel", "unit", "start", "interval_secs", "value", "quality", "method", "as_sent", "rules",
    "expected_error",
)  # fmt: skip


class Writer:
    """Opens the file at once, so that a path that is wrong is told before the work."""

    def __init__(self, path: Path | None) -> None:
        self._stream: IO[str] | None = None
        if path is None:
            return
        try:
            self._stream = _opened(path)
        except OSError as error:
            raise ConfigError(
                "OUTPUT_UNWRITABLE", where=str(path), what=error.strerror or str(error), do="name a file in a folder"
            ) from error
        self._nem12 = path.name.removesuffix(".gz").endswith(".nem12")
        self._out: Any = csv.writer(self._stream, lineterminator="\n")
        if self._nem12:
            self._stream.write(f"{header()}\n")
        else:
            self._out.writerow(COLUMNS)

    def __enter__(self) -> Writer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._stream is not None:
            if self._nem12 and error is None:
                self._stream.write("900\n")
            self._stream.close()

    def write(self, done: Done) -> None:
        """All channels of a series."""
        if self._stream is None:
            return
        if self._nem12:
            self._stream.writelines(f"{record}\n" for record in records(done))
        else:
            self._out.writerows(_rows(done))


def _opened(path: Path) -> IO[str]:
    if path.suffix == ".gz":
        return gzip.open(path, "wt", encoding="utf-8", newline="")
    return path.open("w", encoding="utf-8", newline="")


def _rows(done: Done) -> Iterator[tuple[object, ...]]:
    grid = done.series.grid
    stamps = [stamp(grid, time) for time in grid.start.tolist()]
    for name, settled in done.settled.items():
        channel = settled.channel
        for row, time in enumerate(stamps):
            quality, method = Quality(int(settled.quality[row])), Method(int(settled.method[row]))
            yield (
                done.series.id, name, channel.unit, time, grid.interval,
                "" if quality is Quality.MISSING else int(settled.value[row]), quality.name,
                "" if method is Method.NONE else method.name,
                int(channel.value[row]) if channel.quality[row] else "", " ".join(codes_of(int(channel.flags[row]))),
                int(settled.expected[row]) / 1000 if settled.expected[row] else "",
            )  # fmt: skip
