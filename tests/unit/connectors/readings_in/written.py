"""Readings of intervals as head-ends write them: files of NEM12, ESPI, MSCONS and Parquet for tests."""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pyarrow as pa
from pyarrow import parquet

MARKET = timezone(timedelta(hours=10))


@dataclass(frozen=True)
class Told:
    """A reading: decimals in kWh, V and A by channel. `time` closes a block's interval."""

    device: str
    time: int
    values: Mapping[str, Decimal]
    kind: str = "block"
    quality: str = "A"
    secs: int = 1800
    reason: str = ""


# ------------------------------------------------------------------------------------------------ NEM12

SUFFIXES = {"wh_imp": "E1", "wh_exp": "B1", "varh_q1": "Q1", "varh_q4": "K1", "vah_imp": "T1"}


def block(*records: str) -> bytes:
    """Records between a header and an end."""
    return "\r\n".join(["100,NEM12,202507020200,MDP1,RET1", *records, "900", ""]).encode()


def details(nmi: str, suffix: str, unit: str = "KWH", length: int = 30, serial: str = "01002") -> str:
    """A record 200."""
    return f"200,{nmi},E1B1Q1K1,1,{suffix},N1,{serial},{unit},{length},"


def day(date: str, values: Sequence[str], quality: str = "A", reason: str = "", description: str = "") -> str:
    """A record 300."""
    return ",".join(["300", date, *values, quality, reason, description, "20250702020000", ""])


def events(said: Sequence[tuple[str, str]]) -> list[str]:
    """Records 400 of (quality, reason) of each interval."""
    records, begin = [], 0
    for end in range(1, len(said) + 1):
        if end == len(said) or said[end] != said[begin]:
            records.append(f"400,{begin + 1},{end},{said[begin][0]},{said[begin][1]},")
            begin = end
    return records


def nem12(readings: Iterable[Told]) -> bytes:
    """Blocks of energy, days of market time whole: what is not there is N."""
    days: dict[tuple[str, str, int, str], dict[int, tuple[str, str, str]]] = defaultdict(dict)
    for one in readings:
        begin = datetime.fromtimestamp(one.time - one.secs, MARKET)
        number = (begin.hour * 3600 + begin.minute * 60 + begin.second) // one.secs
        for name, value in one.values.items():
            key = (one.device, SUFFIXES[name], one.secs, begin.strftime("%Y%m%d"))
            days[key][number] = (str(value), one.quality, one.reason)
    records = []
    for (device, suffix, secs, date), found in sorted(days.items()):
        count = 86_400 // secs
        unit = {"E": "KWH", "B": "KWH", "T": "KVAH"}.get(suffix[0], "KVARH")
        cells = [found.get(number, ("", "N", "")) for number in range(count)]
        said = [(quality, reason) for _, quality, reason in cells]
        same = len(set(said)) == 1
        records.append(details(device, suffix, unit, secs // 60))
        records.append(day(date, [value for value, _, _ in cells], *(said[0] if same else ("V",))))
        records += [] if same else events(said)
    return block(*records)


# ------------------------------------------------------------------------------------------------ ESPI

ESPI_UNITS = {"wh": (12, 72, 0), "vah": (12, 71, 0), "varh": (12, 73, 0), "voltage": (54, 29, -3),
              "current": (4, 5, -3), "power": (38, 65, -3)}  # fmt: skip
"""Begin of a channel's name -> kind, uom, power of ten of what is written here."""
FLOWS = {"wh_imp": 1, "vah_imp": 1, "wh_exp": 19, "vah_exp": 19} | {f"varh_q{n}": 14 + n for n in (1, 2, 3, 4)}
PHASES = {"r": 128, "y": 64, "b": 32, "n": 16}


def entry(path: str, content: str, *, up: str = "", related: Sequence[str] = (), id: str = "urn:uuid:1") -> str:
    """An Atom entry."""
    links = [f'<link rel="self" href="/espi/1_1/resource/{path}"/>'] if path else []
    links += [f'<link rel="up" href="/espi/1_1/resource/{up}"/>'] if up else []
    links += [f'<link rel="related" href="https://host.example/espi/1_1/resource/{one}"/>' for one in related]
    return f"<entry><id>{id}</id>{''.join(links)}<content>{content}</content></entry>"


def element(name: str, **children: object) -> str:
    """An element of the ESPI namespace with children of text."""
    inner = "".join(f"<{child}>{text}</{child}>" for child, text in children.items())
    return f'<{name} xmlns="http://naesb.org/espi">{inner}</{name}>'


def espi_type(name: str, kind: str, secs: int) -> str:
    """A ReadingType of a channel."""
    unit = next(unit for begin, unit in ESPI_UNITS.items() if name.startswith(begin + "_"))
    energy = unit[0] == 12
    return element(
        "ReadingType", accumulationBehaviour=(3 if kind == "daily" else 4) if energy else 12, commodity=1,
        flowDirection=FLOWS.get(name, 0), intervalLength=0 if kind == "daily" else secs, kind=unit[0],
        phase=0 if energy or name == "power_factor" else PHASES[name[-1]], powerOfTenMultiplier=unit[2], uom=unit[1],
    )  # fmt: skip


def reading(start: int, duration: int, value: object, *qualities: str) -> str:
    """An IntervalReading."""
    said = "".join(f"<ReadingQuality><quality>{quality}</quality></ReadingQuality>" for quality in qualities)
    period = f"<timePeriod><duration>{duration}</duration><start>{start}</start></timePeriod>"
    return f"<IntervalReading>{said}{period}<value>{value}</value></IntervalReading>"


def intervals(*readings: str, start: int = 0, duration: int = 0) -> str:
    """An IntervalBlock."""
    period = f"<interval><duration>{duration}</duration><start>{start}</start></interval>"
    return f'<IntervalBlock xmlns="http://naesb.org/espi">{period}{"".join(readings)}</IntervalBlock>'


def feed(*entries: str) -> bytes:
    """A feed of entries."""
    return f'<feed xmlns="http://www.w3.org/2005/Atom"><id>urn:uuid:0</id>{"".join(entries)}</feed>'.encode()


def espi(readings: Iterable[Told]) -> bytes:
    """A usage point of each device; a meter reading of each channel, kind and length."""
    series: dict[tuple[str, str, str, int], list[str]] = defaultdict(list)
    for one in readings:
        for name, value in one.values.items():
            length = one.secs if one.kind == "block" else 0
            text = reading(one.time - length, length, int(value.scaleb(3)), one.quality)
            series[one.device, name, one.kind, one.secs].append(text)
    entries = []
    for device in sorted({key[0] for key in series}):
        point = f"RetailCustomer/1/UsagePoint/{device}"
        entries.append(entry(point, element("UsagePoint"), related=[f"{point}/MeterReading"]))
    for number, (key, found) in enumerate(series.items()):
        device, name, kind, secs = key
        above = f"RetailCustomer/1/UsagePoint/{device}/MeterReading"
        own, typed = f"{above}/{number}", f"ReadingType/{number}"
        entries += [
            entry(typed, espi_type(name, kind, secs)),
            entry(own, element("MeterReading"), up=above, related=[f"{own}/IntervalBlock", typed]),
            entry(f"{own}/IntervalBlock/1", intervals(*found), up=f"{own}/IntervalBlock", id=f"urn:uuid:B{number}"),
        ]
    return feed(*entries)


# ------------------------------------------------------------------------------------------------ MSCONS

OBIS = {"wh_imp": 1, "wh_exp": 2, "varh_q1": 5, "varh_q2": 6, "varh_q3": 7, "varh_q4": 8, "vah_imp": 9, "vah_exp": 10}
EDI_UNITS = {"wh": "KWH", "vah": "C79", "varh": "K3"}


def minute(time: int) -> str:
    """Format 303, its sign released."""
    return datetime.fromtimestamp(time, UTC).strftime("%Y%m%d%H%M?+00:303")


def quantity(kind: str, value: object, begin: int, end: int, *statuses: str, unit: str = "KWH") -> list[str]:
    """QTY of an interval."""
    return [f"QTY+{kind}:{value}:{unit}", f"DTM+163:{minute(begin)}", f"DTM+164:{minute(end)}",
            *(f"STS+Z34++{status}" for status in statuses)]  # fmt: skip


def message(reference: str, *segments: str, count: int = 0, document: str = "DOC-1") -> list[str]:
    """UNH .. UNT; `count`: other than it is."""
    found = [f"UNH+{reference}+MSCONS:D:04B:UN:2.4c", f"BGM+7+{document}+9", "DTM+137:202507020200?+00:303",
             "NAD+MS+9900000000001::293", "NAD+MR+9900000000002::293", "UNS+D", "NAD+DP", *segments]  # fmt: skip
    return [*found, f"UNT+{count or len(found) + 1}+{reference}"]


def interchange(*messages: Sequence[str], count: int = -1, una: str = "UNA:+.? '") -> bytes:
    """UNA, UNB .. UNZ."""
    found = ["UNB+UNOC:3+9900000000001:500+9900000000002:500+250702:0200+REF1++TL"]
    found += [segment for one in messages for segment in one]
    found.append(f"UNZ+{len(messages) if count < 0 else count}+REF1")
    return (una + "'\r\n".join(found) + "'\r\n").encode("latin-1")


def mscons(readings: Iterable[Told]) -> bytes:
    """A message of each device."""
    devices: dict[str, list[Told]] = defaultdict(list)
    for one in readings:
        devices[one.device].append(one)
    messages = []
    for number, (device, own) in enumerate(devices.items(), 1):
        segments = [f"LOC+172+{device}"]
        series: dict[tuple[str, str], list[Told]] = defaultdict(list)
        for one in own:
            for name in one.values:
                series[name, one.kind].append(one)
        for line, ((name, kind), found) in enumerate(series.items(), 1):
            unit = EDI_UNITS[name.partition("_")[0]]
            segments += [f"LIN+{line}", f"PIA+5+1-1?:{OBIS[name]}.{8 if kind == 'daily' else 29}.0:SRW"]
            for one in found:
                if kind == "daily":
                    segments += [f"QTY+{one.quality}:{one.values[name]}:{unit}", f"DTM+9:{minute(one.time)}"]
                else:
                    segments += quantity(one.quality, one.values[name], one.time - one.secs, one.time, unit=unit)
        messages.append(message(str(number), *segments))
    return interchange(*messages)


# ------------------------------------------------------------------------------------------------ Parquet


def table(columns: pa.Table, *, rows: int = 1000) -> bytes:
    """A table as a file; `rows` of a row group."""
    out = io.BytesIO()
    parquet.write_table(columns, out, row_group_size=rows)
    return out.getvalue()


def as_parquet(readings: Iterable[Told]) -> bytes:
    """Columns by channel, energy as kWh, decimals of three places; stamps as timestamps."""
    found = list(readings)
    names = sorted({name for one in found for name in one.values})
    columns: dict[str, pa.Array] = {
        "device": pa.array([one.device for one in found], pa.string()).dictionary_encode(),
        "time": pa.array([one.time * 1_000_000 for one in found], pa.int64()).cast(pa.timestamp("us", "UTC")),
        "kind": pa.array([one.kind for one in found], pa.string()),
        "quality": pa.array([one.quality for one in found], pa.string()),
    }
    for name in names:
        column = f"k{name}" if name.startswith(("wh", "vah", "varh")) else name
        columns[column] = pa.array([one.values.get(name) for one in found], pa.decimal128(20, 3))
    return table(pa.table(columns), rows=7)
