"""The final series as NEM12 (AEMO, MDFF Specification NEM12 & NEM13): days of market time, qualities in records 400."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

import numpy as np

from agents.vee.estimate.qualities import nem12_out
from agents.vee.series.settle import Settled
from cli.vee.run import Done
from connectors.readings_in.formats.nem12 import LENGTHS, MARKET_SECS
from pipeline.codes import Method
from pipeline.errors import ConfigError
from pipeline.quality import Quality

DAY_SECS = 86_400
SUFFIXES = {"wh_imp": "E", "wh_exp": "B", "varh_q1": "Q", "varh_q4": "K", "vah_imp": "T"}
"""Channel -> first letter of an NMI suffix; others have none and are left out."""
UNITS = {"Wh": "KWH", "varh": "KVARH", "VAh": "KVAH"}
NULL_DATA, FAILED_VALIDATION = "78", "45"
"""Reason codes of substitutes: nothing came; what came failed a rule."""
LONGEST_NMI = 10


def header(to: str = "KVARN") -> str:
    """Record 100. The time of creation is that of no data: the same series gives the same bytes."""
    return f"100,NEM12,200001010000,{to},{to}"


def records(done: Done) -> Iterator[str]:
    """Records 200 to 400 of all channels of a series; raises ConfigError for intervals that NEM12 does not have."""
    grid = done.series.grid
    if grid.interval not in {60 * length for length in LENGTHS}:
        raise ConfigError(
            "NEM12_INTERVAL", where=done.series.id, what=f"NEM12 has no intervals of {grid.interval} s",
            do="write CSV: --output final.csv",
        )  # fmt: skip
    nmi, _, element = done.series.id.partition("/")
    for name, settled in done.settled.items():
        if name not in SUFFIXES:
            continue
        suffix = f"{SUFFIXES[name]}{element if element.isdecimal() else 1}"
        unit = UNITS[settled.channel.unit]
        yield f"200,{nmi[:LONGEST_NMI]},{suffix},{suffix},{suffix},,,{unit},{grid.interval // 60},"
        yield from _days(grid.start, grid.interval, settled)


def _days(start: Any, interval: int, settled: Settled) -> Iterator[str]:
    """Records 300, whole days of market time, with 400 where qualities vary; what is outside of the series is null."""
    count = DAY_SECS // interval
    passed = (start + MARKET_SECS) % DAY_SECS
    first = int(start[0] - passed[0])
    rows = np.asarray((start - first) // interval)
    total = -(-(int(rows[-1]) + 1) // count) * count
    place = np.full(total, -1, np.int64)
    place[rows] = np.arange(len(start))
    for begin in range(0, total, count):
        day = [int(row) for row in place[begin : begin + count]]
        codes = [_code(settled, row) for row in day]
        values = ",".join(_value(settled, row) for row in day)
        date = datetime.fromtimestamp(first + begin * interval + MARKET_SECS, UTC)
        runs = [(code, len(list(group))) for code, group in groupby(codes)]
        whole = f"{runs[0][0]},," if len(runs) == 1 else "V,,,"
        yield f"300,{date:%Y%m%d},{values},{whole},"
        if len(runs) > 1:
            low = 1
            for code, length in runs:
                yield f"400,{low},{low + length - 1},{code},"
                low += length


def _code(settled: Settled, row: int) -> str:
    """Quality and method, and the reason code of a substitute."""
    if row < 0:
        return "N,"
    quality, method = Quality(int(settled.quality[row])), Method(int(settled.method[row]))
    said = nem12_out(quality, method)
    if said in ("A", "N"):
        return f"{said},"
    absent = settled.channel.quality[row] == Quality.ABSENT
    return f"{said},{NULL_DATA if absent else FAILED_VALIDATION}"


def _value(settled: Settled, row: int) -> str:
    if row < 0 or settled.quality[row] == Quality.MISSING:
        return "0"
    whole, rest = divmod(abs(int(settled.value[row])), 1000)
    return f"{'-' if settled.value[row] < 0 else ''}{whole}.{rest:03}"
