"""Plots of a case's runs as SVG: the same runs give the same bytes.

All runs are drawn pale, that of the median in colour. What is drawn stands in the details of runs, under the names that
`bench.experiments.experiment.Measured` gives; what is not there is not drawn.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from math import isfinite
from typing import TYPE_CHECKING, Any

from pipeline.errors import ConfigError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LIBRARY = "matplotlib"

COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9", "#8c8c00", "#555555")
"""Of parts, in their order: told apart also by those who do not see red and green."""
PALE = "#b8c4cc"

WIDTH, HEIGHT = 7.0, 2.6
"""Inches; a panel more is a height more."""

PERCENTILES = {"p50_s": "p50", "p90_s": "p90", "p99_s": "p99", "p999_s": "p99.9", "most_s": "most"}

SETTINGS: dict[str, Any] = {
    # Ids come from this salt instead of from chance, letters stay letters: the same bytes on each machine.
    "svg.hashsalt": "kvarn", "svg.fonttype": "none", "font.family": "DejaVu Sans", "font.size": 9,
    "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True, "grid.color": "#e4e4e4",
    "axes.axisbelow": True, "axes.titlesize": 9, "axes.titlelocation": "left", "legend.frameon": False,
    "figure.facecolor": "white", "savefig.facecolor": "white",
}  # fmt: skip

Run = dict[str, Any]


def require() -> None:
    """Raises ConfigError when plots cannot be drawn here."""
    if find_spec(LIBRARY) is None:
        raise ConfigError("PLOTS_NEED", where="--page", what=f"plots are drawn with {LIBRARY}, which is not installed",
                          do="run `make env-dev`, or measure without --page")  # fmt: skip


def plots(runs: Sequence[Run], median: int) -> dict[str, bytes]:
    """Name of each plot that the runs have something for -> its SVG; `median`: place of the run that is coloured."""
    with _style():
        drawn = {name: draw(runs, median) for name, (_, draw) in PLOTS.items()}
        return {name: _svg(figure) for name, figure in drawn.items() if figure is not None}


def title(name: str) -> str:
    """What a plot shows."""
    return PLOTS[name][0]


def over_time(runs: Sequence[Run], median: int) -> Figure | None:
    """Frames a second from the begin of the measured span on, and below it which part kept how many CPUs busy."""
    there = _there("over_time", runs, median)
    if not there:
        return None
    rows = there[-1]["over_time"]
    busy = [name for name in rows[0]["cpu"] if any(row["cpu"].get(name) for row in rows)]
    figure = _figure(panels=2 if busy else 1)
    speed = figure.add_subplot(2 if busy else 1, 1, 1)
    for run in there:
        at, values = _columns(run["over_time"], "at", "frames_per_s")
        # Each value is the mean of a window, and stands at its middle.
        speed.plot(at, [value / 1000 for value in values], drawstyle="steps-mid", **_line(run is there[-1]))
    speed.set_xlim(left=0)
    _axis(speed, "s", "thousand frames/s")
    if busy:
        cpu, colours = figure.add_subplot(2, 1, 2, sharex=speed), _colours(there[-1])
        parts = [[row["cpu"].get(name, 0.0) for row in rows] for name in busy]
        at = [row["at"] for row in rows]
        cpu.stackplot(at, parts, labels=busy, colors=[colours[name] for name in busy], step="mid")
        _axis(cpu, "s", "CPUs busy")
        handles, labels = cpu.get_legend_handles_labels()
        cpu.legend(handles[::-1], labels[::-1], loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure


def latency(runs: Sequence[Run], median: int) -> Figure | None:
    """Seconds by percentile."""
    there = _there("latency", runs, median)
    if not there:
        return None
    figure = _figure()
    axes = figure.add_subplot()
    # A frame that never became visible has taken for ever, which no axis reaches.
    names = [name for name in PERCENTILES if all(_reached(run["latency"].get(name)) for run in there)]
    if not names:
        return None
    at = range(len(names))
    _curves(axes, [(at, [run["latency"][name] for name in names]) for run in there], _short)
    axes.set_xticks(at, [PERCENTILES[name] for name in names])
    _axis(axes, "", "latency, s")
    return figure


def cpu_by_stage(runs: Sequence[Run], median: int) -> Figure | None:
    """Microseconds of CPU a frame by part, of the run of the median."""
    costs = runs[median].get("cpu_us_per_frame")
    if not costs:
        return None
    parts = {name: cost for name, cost in costs.items() if name != "together"}
    rows = {**parts, "together": costs.get("together", sum(parts.values()))}
    figure = _figure(height=0.7 + 0.28 * len(rows))
    axes = figure.add_subplot()
    colours = {**_colours(runs[median]), "together": PALE}
    bars = axes.barh(list(rows), list(rows.values()), color=[colours[name] for name in rows], height=0.65)
    axes.bar_label(bars, [f"{cost:.2f}" for cost in rows.values()], padding=3)
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.margins(x=0.08)
    axes.set_xlabel("CPU µs a frame")
    return figure


def by_fleet(runs: Sequence[Run], median: int) -> Figure | None:
    """Microseconds of CPU a frame by the number of meters."""
    there = _there("by_fleet", runs, median)
    if not there:
        return None
    figure = _figure()
    axes = figure.add_subplot()
    rows = [sorted(run["by_fleet"], key=lambda row: row["meters"]) for run in there]
    _curves(axes, [_columns(found, "meters", "cpu_us_per_frame") for found in rows], lambda cost: f"{cost:.2f}")
    axes.set_xscale("log")
    axes.set_xticks([row["meters"] for row in rows[-1]], [f"{row['meters']:,}" for row in rows[-1]])
    axes.minorticks_off()
    _axis(axes, "meters", "CPU µs a frame")
    return figure


PLOTS: dict[str, tuple[str, Callable[[Sequence[Run], int], Figure | None]]] = {
    "over-time": ("Throughput over time", over_time),
    "latency": ("Latency percentiles", latency),
    "cpu": ("CPU by stage", cpu_by_stage),
    "fleet": ("Cost against fleet size", by_fleet),
}
"""Name in the file's name -> title and drawing."""


@contextmanager
def _style() -> Iterator[None]:
    """The library's own defaults with our settings, whatever this user has set."""
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        settings: Any = matplotlib.rcParams
        settings.update(SETTINGS)
        yield


def _figure(panels: int = 1, height: float = HEIGHT) -> Figure:
    from matplotlib.figure import Figure

    return Figure(figsize=(WIDTH, height * panels), layout="constrained")


def _svg(figure: Figure) -> bytes:
    out = io.BytesIO()
    figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    return b"".join(line.rstrip() + b"\n" for line in out.getvalue().splitlines())


def _there(name: str, runs: Sequence[Run], median: int) -> list[Run]:
    """The runs that have these details, that of the median last, so that it is drawn over the others."""
    places = sorted(range(len(runs)), key=lambda place: place == median)
    return [runs[place] for place in places if runs[place].get(name)]


def _columns(rows: Sequence[Run], *names: str) -> tuple[Sequence[float], ...]:
    return tuple([row[name] for row in rows] for name in names)


def _curves(axes: Axes, curves: Sequence[tuple[Sequence[float], ...]], say: Callable[[float], str]) -> None:
    """A line each; the last is the coloured one, with what its values are."""
    for curve in curves:
        axes.plot(*curve, marker="o", markersize=4, **_line(curve is curves[-1]))
    for x, y in zip(*curves[-1], strict=True):
        axes.annotate(say(y), (x, y), (0, 6), textcoords="offset points", ha="center")
    axes.margins(y=0.15)


def _line(coloured: bool) -> dict[str, Any]:
    return {"color": COLOURS[0] if coloured else PALE, "linewidth": 1.6 if coloured else 1.0}


def _colours(run: Run) -> dict[str, str]:
    """Colour of each part, the same in all plots of a page."""
    over_time = [name for row in run.get("over_time") or () for name in row["cpu"]]
    names = sorted({*over_time, *(run.get("cpu_us_per_frame") or ())} - {"together"})
    return {name: COLOURS[place % len(COLOURS)] for place, name in enumerate(names)}


def _axis(axes: Axes, across: str, up: str) -> None:
    """Units; upwards from zero, so that heights can be compared."""
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    axes.set_ylim(bottom=0)


def _reached(seconds: float | None) -> bool:
    return seconds is not None and isfinite(seconds)


def _short(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1 else f"{1000 * seconds:.0f} ms"
