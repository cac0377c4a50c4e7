"""How many readings of head-ends are read a second, by format: from octets to frames, one process, no broker.

    python -m bench.readings_in [--meters 100] [--days 7]

Each reading is a half-hour of import and export; frames are made of them, and none is refused.
"""

from __future__ import annotations

import argparse
import io
import time
from collections.abc import Callable
from datetime import UTC, datetime

import fastavro
import numpy as np
import pyarrow as pa
from pyarrow import csv, parquet

from connectors.readings_in.config import ReadingsOptions
from connectors.readings_in.reader import portions
from pipeline.columns import Array
from pipeline.reference import FOREVER, Registry

SECS, SLOTS = 1800, 48
FIRST_DEVICE = 1_000_001
BEGIN = 1_751_292_000
"""2025-07-01 00:00 of the Australian market, so that its days are whole."""
REPEATS = 3


class Load:
    """Columns of readings, n: device u64, time i64 (end of the interval), import and export in Wh i64."""

    def __init__(self, meters: int, days: int) -> None:
        slots = days * SLOTS
        self.meters, self.slots = meters, slots
        self.device: Array = np.repeat(np.arange(meters, dtype=np.uint64) + np.uint64(FIRST_DEVICE), slots)
        self.time: Array = np.tile(BEGIN + SECS * np.arange(1, slots + 1, dtype=np.int64), meters)
        number = np.arange(meters * slots, dtype=np.int64)
        self.wh_imp: Array = number * 7919 % 5000
        self.wh_exp: Array = number * 104729 % 300

    def __len__(self) -> int:
        return len(self.time)

    def table(self) -> pa.Table:
        """The readings by columns."""
        columns = {"device": self.device, "time": self.time, "wh_imp": self.wh_imp, "wh_exp": self.wh_exp}
        return pa.table({name: pa.array(values) for name, values in columns.items()})

    def registry(self) -> Registry:
        """The meters, each at a point of its own."""
        columns = {column.name: column.empty(self.meters if column.section == "link" else 0) for column in
                   Registry.COLUMNS}  # fmt: skip
        columns["device"][:] = np.arange(FIRST_DEVICE, FIRST_DEVICE + self.meters)
        columns["service_point"][:] = np.arange(1, self.meters + 1)
        columns["valid_to"][:] = FOREVER
        columns["interval_secs"][:] = SECS
        return Registry(**columns)

    def of(self, meter: int) -> slice:
        """Rows of a meter."""
        return slice(meter * self.slots, (meter + 1) * self.slots)


def as_csv(load: Load) -> bytes:
    """A line each."""
    out = io.BytesIO()
    csv.write_csv(load.table(), out, csv.WriteOptions(quoting_style="none"))
    return out.getvalue().replace(b'"', b"")


def as_parquet(load: Load) -> bytes:
    """Whole numbers."""
    out = io.BytesIO()
    parquet.write_table(load.table(), out)
    return out.getvalue()


def as_json(load: Load) -> bytes:
    """A list."""
    import json

    return json.dumps(load.table().to_pylist()).encode()


def as_avro(load: Load) -> bytes:
    """Whole numbers."""
    fields = [{"name": name, "type": "long"} for name in load.table().column_names]
    out = io.BytesIO()
    fastavro.writer(out, {"type": "record", "name": "R", "fields": fields}, load.table().to_pylist())
    return out.getvalue()


def as_cim(load: Load) -> bytes:
    """A MeterReading of each meter."""
    kinds = {"wh_imp": "0.0.5.4.1.1.12.0.0.0.0.0.0.0.0.0.72.0", "wh_exp": "0.0.5.4.19.1.12.0.0.0.0.0.0.0.0.0.72.0"}
    meters = []
    for meter in range(load.meters):
        rows = load.of(meter)
        body = "".join(
            f"<Readings><timeStamp>{at}</timeStamp><value>{value}</value><ReadingType ref='{kind}'/></Readings>"
            for name, kind in kinds.items()
            for at, value in zip(load.time[rows].tolist(), getattr(load, name)[rows].tolist(), strict=True)
        )
        meters.append(f"<MeterReading><Meter><mRID>{FIRST_DEVICE + meter}</mRID></Meter>{body}</MeterReading>")
    return f"<MeterReadings>{''.join(meters)}</MeterReadings>".encode()


def as_nem12(load: Load) -> bytes:
    """A record 300 of each day and channel."""
    lines = ["100,NEM12,202507080000,MDP,RET"]
    for meter in range(load.meters):
        for name, suffix in (("wh_imp", "E1"), ("wh_exp", "B1")):
            lines.append(f"200,{FIRST_DEVICE + meter},E1B1,1,{suffix},N1,{meter},WH,30,")
            values = getattr(load, name)[load.of(meter)].tolist()
            for day in range(0, load.slots, SLOTS):
                date = datetime.fromtimestamp(BEGIN + 36_000 + SECS * day, UTC).strftime("%Y%m%d")
                lines.append(f"300,{date},{','.join(map(str, values[day : day + SLOTS]))},A,,,20250708000000,")
    return "\n".join([*lines, "900", ""]).encode()


def as_espi(load: Load) -> bytes:
    """A usage point of each meter, an IntervalBlock of each channel."""
    entries = []
    for name, flow in (("wh_imp", 1), ("wh_exp", 19)):
        entries.append(
            f"<entry><link rel='self' href='/ReadingType/{name}'/><content><ReadingType><accumulationBehaviour>4"
            f"</accumulationBehaviour><flowDirection>{flow}</flowDirection><intervalLength>{SECS}</intervalLength>"
            "<kind>12</kind><uom>72</uom></ReadingType></content></entry>"
        )
    for meter in range(load.meters):
        point = f"/UsagePoint/{FIRST_DEVICE + meter}"
        entries.append(f"<entry><link rel='self' href='{point}'/><content><UsagePoint/></content></entry>")
        for name in ("wh_imp", "wh_exp"):
            own, rows = f"{point}/MeterReading/{name}", load.of(meter)
            readings = "".join(
                f"<IntervalReading><timePeriod><duration>{SECS}</duration><start>{at - SECS}</start></timePeriod>"
                f"<value>{value}</value></IntervalReading>"
                for at, value in zip(load.time[rows].tolist(), getattr(load, name)[rows].tolist(), strict=True)
            )
            entries.append(
                f"<entry><link rel='self' href='{own}'/><link rel='up' href='{point}/MeterReading'/>"
                f"<link rel='related' href='/ReadingType/{name}'/><content><MeterReading/></content></entry>"
                f"<entry><link rel='up' href='{own}/IntervalBlock'/><content><IntervalBlock>{readings}</IntervalBlock>"
                "</content></entry>"
            )
    return f"<feed>{''.join(entries)}</feed>".encode()


def as_mscons(load: Load) -> bytes:
    """A message of each meter."""
    stamps = {
        at: datetime.fromtimestamp(at, UTC).strftime("%Y%m%d%H%M?+00:303")
        for at in range(BEGIN, BEGIN + SECS * (load.slots + 1), SECS)
    }
    found = ["UNB+UNOC:3+1:500+2:500+250708:0000+R1"]
    for meter in range(load.meters):
        own = [f"UNH+{meter}+MSCONS:D:04B:UN:2.4c", "BGM+7+D1+9", "UNS+D", "NAD+DP", f"LOC+172+{FIRST_DEVICE + meter}"]
        for name, code in (("wh_imp", 1), ("wh_exp", 2)):
            own += ["LIN+1", f"PIA+5+1-1?:{code}.29.0:SRW"]
            rows = load.of(meter)
            for at, value in zip(load.time[rows].tolist(), getattr(load, name)[rows].tolist(), strict=True):
                own += [f"QTY+220:{value}:WHR", f"DTM+163:{stamps[at - SECS]}", f"DTM+164:{stamps[at]}"]
        found += [*own, f"UNT+{len(own) + 1}+{meter}"]
    return ("'".join([*found, f"UNZ+{load.meters}+R1"]) + "'").encode()


WAYS: dict[str, Callable[[Load], bytes]] = {
    "csv": as_csv, "parquet": as_parquet, "json": as_json, "avro": as_avro, "cim": as_cim, "nem12": as_nem12,
    "espi": as_espi, "mscons": as_mscons,
}  # fmt: skip


def measured(form: str, load: Load) -> tuple[int, float]:
    """(octets, CPU seconds of the fastest of some readings)."""
    octets = WAYS[form](load)
    options = ReadingsOptions.model_validate({"format": form, "time_format": "epoch", "message_bytes": 2 * len(octets)})
    registry, fastest = load.registry(), float("inf")
    for _ in range(REPEATS):
        begun = time.process_time()
        found = list(portions(io.BytesIO(octets), options, {}, registry))
        fastest = min(fastest, time.process_time() - begun)
        if sum(portion.rows for portion in found) != len(load) or any(portion.faults for portion in found):
            raise SystemExit(f"{form}: {[fault.detail for portion in found for fault in portion.faults][:3]}")
    return len(octets), fastest


def main() -> None:
    """Print a line for each format."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--meters", type=int, default=100)
    parser.add_argument("--days", type=int, default=7)
    options = parser.parse_args()
    load = Load(options.meters, options.days)
    print("| format | octets a reading | readings a CPU second |\n|---|---|---|")  # noqa: T201
    for form in WAYS:
        octets, secs = measured(form, load)
        print(f"| {form} | {octets / len(load):.0f} | {len(load) / secs:,.0f} |")  # noqa: T201


if __name__ == "__main__":
    main()
