"""A case from begin to end: pushed, put together, compared with the truth."""

from __future__ import annotations

import tempfile
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

from bench.case import Case, Load
from bench.latency.blocks import read_blocks
from bench.latency.figures import by_second, costs, latency, percentiles, window
from bench.latency.join import Pushed, Rows, Way, join
from bench.latency.push import MOST_INTERVALS, MQTT_EVERY
from bench.latency.setting import Ran, Setting, topic_of
from bench.latency.trace import Logged, Made, read_logged, read_readings, read_rejects
from bench.throughput.drain import Progress, named
from bench.throughput.figures import correct
from bench.throughput.machine import machine
from bench.topology import reader_of_frames
from bench.truth.side_by_side import check_dsn
from bench.truth.warehouse import Warehouse
from pipeline.columns import Array

WARM_UP = Load(meters=2_000, frames=8_000, rate=2_000)
"""Compiles what is not compiled yet, so that a fresh clone is not measured while it compiles."""


def run(
    case: Case, file: Path, progress: Progress, *, warm_up: bool = True, keep: Path | None = None
) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """(what was measured, what `correct` says, machine); `keep` is a folder for warehouse and logs."""
    with tempfile.TemporaryDirectory(prefix="kvarn-bench-", ignore_cleanup_errors=True) as temporary:
        if warm_up:
            first = case.model_copy(update={"load": WARM_UP})
            warm = Setting(first, file, Path(temporary) / "warm", named("warm-up", progress))
            with warm.open():
                warm.go()
        setting = Setting(case, file, keep or Path(temporary) / "run", progress)
        with setting.open():
            about = machine(setting.services.settings.jars)
            ran = setting.go()
            parts = _read(setting, ran)
        with closing(Warehouse(setting.warehouse)) as warehouse:
            way = _join(setting, ran, parts, warehouse)
        progress("rows against the truth", 0, 1)
        looking = partial(progress, "rows against the truth")
        tallies = check_dsn(setting.warehouse, setting.burst, setting.load.numbers, looking)
        said = _said(setting, ran, way)
        return said, correct(tallies), about | {"cpu_used_by_others": said.pop("cpu_used_by_others")}


def _read(setting: Setting, ran: Ran) -> tuple[Logged, Made, Made]:
    """The three topics, after the run."""
    bootstrap, plan, contracts = setting.plan.kafka.bootstrap, setting.plan, setting.contracts
    frames, readings, rejects = reader_of_frames(plan).source, topic_of(plan, "ReadingBatch"), topic_of(plan, "Reject")
    setting.progress("topics, read again", 0, 3)
    logged = read_logged(bootstrap, frames, contracts, ran.begin[frames.name])
    setting.progress("topics, read again", 1, 3)
    made = read_readings(bootstrap, readings, contracts, ran.begin[readings.name])
    setting.progress("topics, read again", 2, 3)
    return logged, made, read_rejects(bootstrap, rejects, contracts, ran.begin[rejects.name])


def _join(setting: Setting, ran: Ran, parts: tuple[Logged, Made, Made], warehouse: Warehouse) -> Way:
    logged, readings, rejects = parts
    sent = ran.pusher.sent
    begin = setting.burst.end_of(setting.numbers.start - 1)
    columns = {"partition": "origin_partition", "offset": "origin_offset", "frame": "frame"}
    # Only a reading that was sent in a pushed interval can be of a frame that was pushed.
    found = warehouse.rows(columns, "readings", f"frame >= 0 AND interval_start >= toDateTime({begin}, 'UTC')")
    pushed = Pushed(sent.keys, sent.begin + ran.schedule.all_due(sent.count), sent.begin + sent.sent)
    topics = (topic_of(setting.plan, "ReadingBatch").name, topic_of(setting.plan, "Reject").name)
    return join(pushed, logged, readings, rejects, Rows(**found), read_blocks(setting.sink_log), topics)


def _said(setting: Setting, ran: Ran, way: Way) -> dict[str, Any]:
    schedule, sent = ran.schedule, ran.pusher.sent
    chosen = window(way, sent.begin, schedule.warm_secs)
    said = latency(way, chosen)
    readings, since = topic_of(setting.plan, "ReadingBatch").name, sent.begin + schedule.warm_secs
    blocks = read_blocks(setting.sink_log).written
    rows = [count for topic, count, at in blocks if topic == readings and at >= since]
    return {
        **said["latency"],
        **said,
        "over_mqtt": latency_of_mqtt(way, chosen, sent.keys),
        "measured_s": round(sent.count / schedule.rate - schedule.warm_secs, 2),
        "warm_up_s": round(schedule.warm_secs, 2),
        "offered_per_s": schedule.rate,
        "reached_per_s": round(sent.count / float(sent.sent[-1])),
        **costs(ran.busy[0], ran.busy[-1], said["frames"]),
        "blocks_of_readings": {"written": len(rows), "rows": sum(rows)},
        "by_second": by_second(way, sent.begin),
        "clock_drift_s": ran.clock_drift_s,
        "load": setting.load.model_dump() | {"intervals": setting.load.intervals},
    }


def latency_of_mqtt(way: Way, chosen: Array, keys: Array) -> dict[str, Any]:
    """Frames and percentiles of those that came over MQTT alone."""
    wireless = chosen & ((keys // MOST_INTERVALS) % MQTT_EVERY == 0)
    return {"frames": int(wireless.sum()), **percentiles(way.seconds[wireless])}
