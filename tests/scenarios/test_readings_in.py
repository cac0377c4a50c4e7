"""What meters sent, written by a head-end in eight formats: the warehouse has the same rows as from the meters."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

import fastavro
import numpy as np
import pytest

from cli.testing import FrameDriver
from connectors.readings_in.config import ReadingsOptions
from connectors.readings_in.reader import portions
from pipeline.channels import CHANNELS, N_ENERGY, N_REACTIVE
from pipeline.codes import Flag, Kind, Method, Quality
from tests.scenarios import rows, world
from tests.scenarios.world import Feed, Run
from tests.unit.connectors.readings_in import written as files

FROM = frozenset({"flags", "counter", "received_at", "raw", "detail"})
"""What tells that a reading came from a head-end."""
FRACTIONS = {"mV": 3, "mA": 3, "1/1000": 3, "Wh": 3, "VAh": 3, "varh": 3}
"""Decimal places of what the head-end writes: kWh, V, A."""
KINDS = {int(Kind.BLOCK): "block", int(Kind.DAILY): "daily"}


@dataclass(frozen=True)
class Written:
    """Readings of a slot as a head-end has them: kind and values by channel, decimals in kWh, V and A."""

    device: int
    kind: str
    time: int
    values: dict[str, Decimal]
    quality: str = "A"


def written(decoded: rows.Table) -> list[Written]:
    """The rows of profiles, as they were decoded."""
    flat = np.concatenate([decoded["energy"], decoded["reactive"], decoded["physical"]], axis=1).tolist()
    assert len(CHANNELS) > N_ENERGY + N_REACTIVE
    found = []
    for row, kind in enumerate(decoded["kind"].tolist()):
        if kind in KINDS:
            there = int(decoded["present"][row])
            values = {
                channel.name: Decimal(flat[row][place]).scaleb(-FRACTIONS[channel.unit])
                for place, channel in enumerate(CHANNELS)
                if there >> place & 1
            }
            found.append(Written(int(decoded["device"][row]), KINDS[kind], int(decoded["time"][row]), values))
    return found


def column(name: str) -> str:
    """As the head-end calls a channel."""
    return f"k{name}" if name.startswith(("wh", "vah", "varh")) else name


def row_of(one: Written) -> dict[str, str]:
    """A reading by the names of its columns."""
    values = {column(name): str(value) for name, value in one.values.items()}
    return {"device": f"{one.device:016X}", "time": str(one.time), "kind": one.kind, "quality": one.quality} | values


COLUMNS = ("device", "time", "kind", "quality", *(column(channel.name) for channel in CHANNELS))


def as_json(readings: list[Written]) -> bytes:
    return json.dumps([row_of(one) for one in readings]).encode()


def as_csv(readings: list[Written]) -> bytes:
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS)
    writer.writeheader()
    writer.writerows(row_of(one) for one in readings)
    return out.getvalue().encode()


def as_avro(readings: list[Written]) -> bytes:
    fields = [{"name": name, "type": ["null", "string"], "default": None} for name in COLUMNS]
    out = io.BytesIO()
    fastavro.writer(out, {"type": "record", "name": "R", "fields": fields}, [row_of(one) for one in readings])
    return out.getvalue()


BLOCK_TYPES = {
    "wh_imp": "0.0.5.4.1.1.12.0.0.0.0.0.0.0.0.3.72.0", "vah_imp": "0.0.5.4.1.1.12.0.0.0.0.0.0.0.0.3.71.0",
    "wh_exp": "0.0.5.4.19.1.12.0.0.0.0.0.0.0.0.3.72.0", "vah_exp": "0.0.5.4.19.1.12.0.0.0.0.0.0.0.0.3.71.0",
    "voltage_r": "0.2.5.0.0.1.54.0.0.0.0.0.0.0.128.0.29.0", "voltage_y": "0.2.5.0.0.1.54.0.0.0.0.0.0.0.64.0.29.0",
    "voltage_b": "0.2.5.0.0.1.54.0.0.0.0.0.0.0.32.0.29.0", "current_r": "0.2.5.0.0.1.4.0.0.0.0.0.0.0.128.0.5.0",
    "current_y": "0.2.5.0.0.1.4.0.0.0.0.0.0.0.64.0.5.0", "current_b": "0.2.5.0.0.1.4.0.0.0.0.0.0.0.32.0.5.0",
    "current_n": "0.2.5.0.0.1.4.0.0.0.0.0.0.0.16.0.5.0", "power_factor": "0.2.5.0.0.1.38.0.0.0.0.0.0.0.0.0.65.0",
} | {
    f"varh_q{number}": f"0.0.5.4.{14 + number}.1.12.0.0.0.0.0.0.0.0.3.73.0" for number in (1, 2, 3, 4)
}  # fmt: skip


def as_cim(readings: list[Written]) -> bytes:
    meters: dict[int, list[str]] = {}
    for one in readings:
        for name, value in one.values.items():
            kind = BLOCK_TYPES[name]
            if one.kind == "daily":
                kind = kind.replace("0.0.5.4.", "0.0.0.1.", 1)
            said = f'<ReadingQualities><ReadingQualityType ref="{one.quality}"/></ReadingQualities>'
            meters.setdefault(one.device, []).append(
                f"<Readings><timeStamp>{one.time}</timeStamp><value>{value}</value>{said}"
                f'<ReadingType ref="{kind}"/></Readings>'
            )
    body = "".join(
        f"<MeterReading><Meter><mRID>{device:016X}</mRID></Meter>{''.join(values)}</MeterReading>"
        for device, values in meters.items()
    )
    return f'<MeterReadings xmlns="http://iec.ch/TC57/2011/MeterReadings#">{body}</MeterReadings>'.encode()


def as_told(readings: list[Written], quality: str = "") -> list[files.Told]:
    """The same as writers of files take them."""
    return [
        files.Told(f"{one.device:016X}", one.time, one.values, one.kind, quality or one.quality) for one in readings
    ]


WAYS: dict[str, Callable[[list[Written]], bytes]] = {
    "json": as_json, "csv": as_csv, "avro": as_avro, "cim": as_cim,
    "espi": lambda readings: files.espi(as_told(readings)),
    "parquet": lambda readings: files.as_parquet(as_told(readings)),
    "nem12": lambda readings: files.nem12(as_told(readings)),
    "mscons": lambda readings: files.mscons(as_told(readings, "220")),
}  # fmt: skip
NARROW = {"nem12": (("block",), tuple(files.SUFFIXES)), "mscons": (("block", "daily"), tuple(files.OBIS))}
"""Formats that do not have all that meters send -> the kinds and channels that they have."""


@dataclass(frozen=True)
class Told:
    """A feed as the head-end tells it: readings by slot."""

    fed: Feed
    slots: list[list[Written]]


@pytest.fixture(scope="module")
def fed() -> Feed:
    faults = "none,missing=0.03,missing_daily=0.05,late=0.03,duplicate=0.02"
    return world.feed(meters=12, days=2, seed=3, faults=faults, network={"consumers_per_dt": 6})


@pytest.fixture(scope="module")
def meters(fed: Feed, folder: Path) -> tuple[Run, Told]:
    """The meters' own frames, and what decode made of each slot of them."""
    driver = world.driver(folder, file=world.SPLIT)
    slots: list[list[Written]] = []
    seen = np.zeros(0, np.int64)
    for slot in fed.slots:
        if slot.registry is not None:
            driver.put_in_force(registry=slot.registry, keys=fed.keys)
        world.send(driver, slot.frames)
        decoded = rows.section(driver, "decoded", "row")
        records = decoded["partition"].astype(np.int64) << 40 | decoded["offset"]
        slots.append(written(rows.take(decoded, np.flatnonzero(~np.isin(records, seen)))))
        seen = np.unique(records)
        driver.tick(slot.tick.time, slot.tick.lateness_secs)
    return Run(fed, driver), Told(fed, slots)


def tell(driver: FrameDriver, told: Told, form: str, *, most: int | None = None) -> FrameDriver:
    """Send what the head-end tells, slot by slot; `most`: readings of a message."""
    options = ReadingsOptions.model_validate({"format": form, "time_format": "epoch", "head_end": "ACME"})
    for slot, readings in zip(told.fed.slots, told.slots, strict=True):
        if slot.registry is not None:
            driver.put_in_force(registry=slot.registry, keys=told.fed.keys)
        size = most or max(1, len(readings))
        for begin in range(0, len(readings), size):
            octets = WAYS[form](readings[begin : begin + size])
            assert driver.registry is not None
            for portion in portions(io.BytesIO(octets), options, {}, driver.registry, octets):
                assert portion.faults == []
                driver.readings(portion, slot.end_time)
        driver.tick(slot.tick.time, slot.tick.lateness_secs)
    return driver


@pytest.fixture(scope="module", params=[form for form in WAYS if form not in NARROW])
def head_end(request: pytest.FixtureRequest, meters: tuple[Run, Told], folder: Path) -> Run:
    told = meters[1]
    return Run(told.fed, tell(world.driver(folder), told, request.param))


def test_the_readings_are_those_of_the_meters_but_for_where_they_came_from(
    head_end: Run, meters: tuple[Run, Told]
) -> None:
    own = meters[0]
    found, wanted = (rows.histories(run.driver, leave=FROM, last=True) for run in (head_end, own))
    for name in ("reading", "settlement", "determinants", "losses"):
        assert found[name] == wanted[name], name
    assert len(wanted["reading"]) > 1000


def test_every_reading_that_a_frame_made_says_that_a_head_end_decoded_it(head_end: Run) -> None:
    table = rows.section(head_end.driver, "readings", "reading")
    sent = (table["frame"] >= 0) & (table["method"] == 0)
    sent &= table["flags"] != 0  # a mark that the interval came twice repeats what is in force, without its flags
    assert sent.sum() > 1000
    assert set(table["flags"][sent].tolist()) <= {int(Flag.HEAD_END), int(Flag.HEAD_END | Flag.OFF_GRID)}


@pytest.mark.parametrize("form", list(NARROW))
def test_a_format_without_all_channels_gives_the_rows_of_what_it_has(
    form: str, meters: tuple[Run, Told], folder: Path
) -> None:
    own, told = meters
    kinds, channels = NARROW[form]
    slots = [
        [
            replace(one, values={name: value for name, value in one.values.items() if name in channels})
            for one in readings
            if one.kind in kinds
        ]
        for readings in told.slots
    ]
    narrow = replace(told, slots=slots)
    run, plain = (tell(world.driver(folder), narrow, chosen) for chosen in (form, "json"))
    # The sender's codes differ from one format to the other; both say that the values are the meter's.
    found, wanted = (rows.histories(driver, leave=FROM, last=True) for driver in (run, plain))
    for name in ("reading", "settlement", "determinants", "losses"):
        assert found[name] == wanted[name], name
    measured, metered = (measurements(driver) for driver in (run, own.driver))
    assert len(measured) > 1000
    assert {key: metered[key] for key in measured} == measured


def measurements(driver: FrameDriver) -> dict[tuple[int, int], int]:
    """(device, begin of the interval) -> import of readings that are the meter's own."""
    table = rows.section(driver, "readings", "reading")
    sent = np.flatnonzero((table["frame"] >= 0) & (table["method"] == 0))
    keys = zip(table["device"][sent].tolist(), table["interval_start"][sent].tolist(), strict=True)
    return dict(zip(keys, table["energy"][sent, 0].tolist(), strict=True))


def test_the_cut_of_messages_leaves_no_trace(meters: tuple[Run, Told], folder: Path) -> None:
    told = meters[1]
    whole, cut = (tell(world.driver(folder), told, "json", most=most) for most in (None, 7))
    first, second = (rows.histories(driver, leave=FROM, last=True) for driver in (whole, cut))
    assert first["reading"] == second["reading"]
    assert first["settlement"] == second["settlement"]


def test_a_message_that_comes_again_changes_nothing(meters: tuple[Run, Told], folder: Path) -> None:
    told = meters[1]
    twice = replace(told, slots=[readings + readings for readings in told.slots])
    once, again = (tell(world.driver(folder), one, "csv") for one in (told, twice))
    first, second = (rows.histories(driver, leave=FROM) for driver in (once, again))
    for name in ("reading", "settlement", "determinants"):
        assert first[name] == second[name], name
    assert {record["code"] for record in again.records("rejects")} >= {"DUPLICATE_INTERVAL"}


# ------------------------------------------------------------------------------------------------ quality


def test_an_estimate_of_the_head_end_stands_until_the_meters_own_value_comes(
    meters: tuple[Run, Told], folder: Path
) -> None:
    told = meters[1]
    place = next(n for n, slot in enumerate(told.slots) if n > 5 and any(one.kind == "block" for one in slot))
    chosen = next(one for one in told.slots[place] if one.kind == "block" and one.values["wh_imp"] > 0)
    guess = replace(chosen, values=chosen.values | {"wh_imp": chosen.values["wh_imp"] + 1}, quality="E")
    start = chosen.time - 1800

    def latest(slots: list[list[Written]]) -> tuple[int, int, int]:
        driver = tell(world.driver(folder), replace(told, fed=until(told.fed, len(slots)), slots=slots), "json")
        table = rows.readings(driver)
        (row,) = np.flatnonzero((table["device"] == chosen.device) & (table["interval_start"] == start))
        return int(table["energy"][row, 0]), int(table["q"][row, 0]), int(table["method"][row])

    before = [list(slot) for slot in told.slots[:place]]
    others = [one for one in told.slots[place] if one != chosen]
    energy = int(chosen.values["wh_imp"] * 1000)
    factor = latest([*before, [*others, chosen]])[0] // energy
    offered = ((energy + 1000) * factor, Quality.ESTIMATED, Method.HEAD_END)
    actual = (energy * factor, Quality.ACTUAL, Method.NONE)
    assert latest([*before, [*others, guess]]) == offered
    assert latest([*before, [*others, guess], [chosen]]) == actual
    assert latest([*before, [*others, chosen], [guess]]) == actual


def until(fed: Feed, count: int) -> Feed:
    """The first slots of a feed."""
    return replace(fed, slots=fed.slots[:count])


# ------------------------------------------------------------------------------------------------ devices


def test_readings_of_a_meter_that_the_registry_learns_of_later_wait_and_flow_on(
    meters: tuple[Run, Told], folder: Path
) -> None:
    told = meters[1]
    registry = told.fed.slots[0].registry
    assert registry is not None
    device = int(registry.device[0])
    driver = world.driver(folder)
    other = registry.holding(*(column.name for column in registry.COLUMNS))
    keep = registry.device != device
    for column_ in registry.COLUMNS:
        if column_.section == "link":
            setattr(other, column_.name, getattr(registry, column_.name)[keep])
    driver.put_in_force(registry=other, keys=told.fed.keys)
    options = ReadingsOptions(format="csv", time_format="epoch")
    own = [one for slot in told.slots[:8] for one in slot if one.device == device and one.kind == "block"]
    octets = as_csv(own)
    for portion in portions(io.BytesIO(octets), options, {}, other, octets):
        driver.readings(portion, told.fed.slots[1].end_time)
    assert [record["code"] for record in driver.records("parked")] == ["DEVICE_UNKNOWN"]
    assert driver.parcels("readings") == []
    driver.put_in_force(registry=registry)
    assert len(rows.readings(driver)["device"]) == len(own) > 0


def test_readings_that_waited_while_the_meter_was_moved_go_to_both_of_its_places(
    meters: tuple[Run, Told], folder: Path
) -> None:
    told = meters[1]
    registry = told.fed.slots[0].registry
    assert registry is not None
    links = [column_.name for column_ in registry.COLUMNS if column_.section == "link"]
    own = [one for slot in told.slots[:8] for one in slot if one.device == int(registry.device[0])]
    own = sorted((one for one in own if one.kind == "block"), key=lambda one: one.time)
    moved = own[len(own) // 2].time
    # The second point's meter goes, and the first one's comes in its place.
    place, points = np.array([0, 0]), registry.service_point[:2].copy()
    assert len(set(registry.device[:2].tolist())) == len(set(points.tolist())) == 2
    without, with_both = (registry.holding(*(column_.name for column_ in registry.COLUMNS)) for _ in range(2))
    for name in links:
        column_ = getattr(registry, name)
        setattr(without, name, column_[2:])
        setattr(with_both, name, np.concatenate([column_[place], column_[2:]]))
    with_both.service_point[:2] = points
    with_both.valid_to[0] = with_both.valid_from[1] = moved
    driver = world.driver(folder)
    driver.put_in_force(registry=without, keys=told.fed.keys)
    octets = as_csv(own)
    options = ReadingsOptions(format="csv", time_format="epoch")
    for portion in portions(io.BytesIO(octets), options, {}, without, octets):
        driver.readings(portion, told.fed.slots[7].end_time)
    assert driver.parcels("readings") == []
    driver.put_in_force(registry=with_both)
    found = rows.readings(driver)
    ends = (found["interval_start"] + found["interval_secs"]).tolist()
    at = set(zip(found["service_point"].tolist(), ends, strict=True))
    assert at == {(int(points[int(one.time > moved)]), one.time) for one in own}
    assert driver.records("rejects") == []
