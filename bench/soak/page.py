"""The page of one soak."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bench.page import RESULTS, machine_text, put, today

TEXT = """\
# Soak, {date}

{question}

**{verdict}** {minutes:.0f} minutes of pushes at {overload:g} times what the parts could take.{short}

## What was run

All parts that `kvarn run` starts, but for the ticker, on one machine with broker and warehouse: connectors (DLMS over
TCP, MQTT, parked frames), worker (decode, VEE, rating, node energy), losses worker, sink into chDB. {meters:,} meters
pushed encrypted blocks interval after interval, as fast as the sockets took them, {mqtt} of them over MQTT, the others
over {connections} TCP connections; an interval of half an hour passed in a moment, so that months lie between the first
push and the last. In the first {calibration:.0f} seconds it was found what the parts take.

| frames a second | |
| --- | ---: |
{rates}

Connectors stopped reading from {behind:,.0f} MB of unread frames until half of it was left:

| connector | nothing read, s | by the brake, s | most unread, MB |
| --- | ---: | ---: | ---: |
{stops}

## Memory

Resident memory, weighed twice a second; means of {every:.0f} seconds. Base: at {base:.0f} s. Slope: least squares from
{warm:.0f} s on, over the mean, with its standard error; the goal is less than {goal_slope:g} % an hour, and at most
{goal_most:g} times the base. Broker and mosquitto are told for completeness. Peak: the most of all single weights.

| part | base, MiB | most, MiB | peak, MiB | end, MiB | % an hour | without pages of files, % an hour | most / base |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
{memory}

## Lag

| reader | mean, records | most, records | most, in seconds of its work |
| --- | ---: | ---: | ---: |
{lags}

When pushing ended, everything was drained in {drain} s. On disk at most {disk:.1f} GiB; {disk_estimate:.0f} had been
estimated.

## Lost

{counts}

{faults}

## Machine

{machine}
"""


def write(said: dict[str, Any], question: str, folder: Path = RESULTS) -> Path:
    """Write the page and return where."""
    return put("soak", text(said, question, today()), folder)


def text(said: dict[str, Any], question: str, date: str) -> str:
    """The page as Markdown."""
    load, machine, windows = said["load"], said["machine"], said["windows"]
    return TEXT.format(
        date=date, question=question, verdict="Everything stayed bounded." if said["ok"] else "A goal was missed.",
        minutes=said["pushed_secs"] / 60, overload=load["overload"], meters=load["meters"], mqtt=load["mqtt_meters"],
        short=" This was a short run: its memory is told, not judged." if said["short"] else "",
        connections=load["connections"],
        calibration=min(load["calibration_secs"], 60 * load["calibration_share"] * load["minutes"]),
        rates=_rows((name.replace("_", " "), f"{value:,}") for name, value in said["frames_per_s"].items() if value),
        behind=load["behind_bytes"] / 1e6, every=load["sample_secs"], base=windows["base_at"], warm=windows["warm_at"],
        stops=_rows(
            (name, f"{row['stopped_secs']:,}", f"{row['braked_secs']:,}", f"{row['most_behind_octets'] / 1e6:,.0f}")
            for name, row in said["backpressure"].items()
        ),
        goal_slope=load["goals"]["slope_percent_per_hour"], goal_most=load["goals"]["most"],
        memory=_rows(
            (name, row["base_mib"], row["most_mib"], row["peak_mib"], row["last_mib"],
             f"{row['slope_percent_per_hour']} ± {row['slope_error']}", row["private_slope_percent_per_hour"],
             row["most_over_base"])
            for name, row in said["memory"].items()
        ),
        lags=_rows((name, row["mean"], row["most"], row["most_secs"]) for name, row in said["lag"].items()),
        drain=said["drain_secs"], disk=said["disk_most_gib"], disk_estimate=said["disk_estimate_gib"],
        counts=_counts(said["frames"]), faults="\n\n".join(said["faults"]) or "No process ended by itself.",
        machine=machine_text(machine),
    )  # fmt: skip


def _rows(rows: Any) -> str:
    return "\n".join(f"| {' | '.join(str(value) for value in row)} |" for row in rows)


def _counts(found: dict[str, Any] | None) -> str:
    if found is None:
        return "Not counted: the run ended before."
    return (
        f"{found['sent']:,} frames were sent, {found['accepted']:,} accepted by the connectors, {found['logged']:,} "
        f"counted in the log; the warehouse has {found['readings']:,} readings, counted without FINAL, and "
        f"{found['rejects']:,} rejects. Each of the {found['intervals']:,} intervals has one row of every meter, but "
        f"for {found['odd_intervals']:,}."
    )
