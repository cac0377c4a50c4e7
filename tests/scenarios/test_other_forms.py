"""What meters sent, as lists that name their quantities and as compact arrays: the warehouse has the same rows."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest

from cli.testing import FrameDriver
from pipeline.channels import CHANNELS, PHYSICAL
from pipeline.codes import Flag, Kind
from pipeline.reference import Registry
from pipeline.templates import PUSH_NAMES, TEMPLATE_BY_NUMBER
from tests.builders_apdus import notification, obis, scaler
from tests.builders_frames import datum, length_octets, stamp
from tests.scenarios import rows, world
from tests.scenarios.test_readings_in import FROM, Told, Written, fed, meters  # noqa: F401
from tests.scenarios.world import Run

IST = timezone(timedelta(seconds=19_800))
UNITS = {"Wh": (30, 0), "VAh": (31, 0), "varh": (32, 0), "mV": (35, -3), "mA": (33, -3), "1/1000": (255, -3)}
"""Unit of a channel -> unit code and power of ten of what is sent."""
BLOCK, DAILY = "block", "daily"


def clock(time: int) -> bytes:
    """COSEM date-time."""
    wall = datetime.fromtimestamp(time, IST)
    return stamp((wall.year, wall.month, wall.day, wall.hour, wall.minute, wall.second))


def as_lists(readings: list[Written], _registry: Registry) -> Iterator[tuple[int, bytes]]:
    """(device, frame): each reading as a list of codes, values, scalers and units."""
    for one in readings:
        parts = []
        for channel in CHANNELS:
            if channel.name in one.values:
                unit, power = UNITS[channel.unit]
                code = channel.register_obis[0] if one.kind == DAILY else channel.block_obis[-1]
                whole = int(one.values[channel.name].scaleb(3))
                parts.append(datum(2, [obis(code), datum(20, whole), scaler(power, unit)]))
        yield one.device, notification(datum(1, parts), b"\x0c" + clock(one.time))


def as_compact(readings: list[Written], registry: Registry) -> Iterator[tuple[int, bytes]]:
    """(device, frame): the readings of a device and kind as one compact array in the columns of its model."""
    groups: dict[tuple[int, str], list[Written]] = {}
    for one in readings:
        groups.setdefault((one.device, one.kind), []).append(one)
    for (device, name), found in groups.items():
        kind = Kind.BLOCK if name == BLOCK else Kind.DAILY
        model = int(registry.template[np.flatnonzero(registry.device == device)[0]])
        push = TEMPLATE_BY_NUMBER[model].push(kind)
        assert push is not None
        physical = {channel.name for channel in PHYSICAL}
        # What is not sent is null-data, in all rows: the first one is whole, so these columns are don't-care.
        tags = [255 if column.target not in found[0].values else 24 if column.target in physical else 20
                for column in push.columns]  # fmt: skip
        body = b""
        for one in found:
            body += b"\x0c" + clock(one.time)
            for column, tag in zip(push.columns, tags, strict=True):
                if tag == 20:
                    body += struct.pack(">q", int(one.values[column.target].scaleb(3 - column.integer)))
                elif tag == 24:
                    body += struct.pack(">d", float(one.values[column.target].scaleb(3 - column.floating)))
        described = bytes([2, len(tags) + 1, 9, *tags])
        buffer = b"\x13" + described + length_octets(len(body)) + body
        yield device, notification(datum(2, [datum(9, b"METER"), datum(9, bytes(PUSH_NAMES[kind])), buffer]))


WAYS: dict[str, Callable[[list[Written], Registry], Iterator[tuple[int, bytes]]]] = {
    "lists": as_lists, "compact": as_compact,
}  # fmt: skip


def tell(driver: FrameDriver, told: Told, way: str) -> FrameDriver:
    """Send the readings in another form, slot by slot."""
    for slot, readings in zip(told.fed.slots, told.slots, strict=True):
        if slot.registry is not None:
            driver.put_in_force(registry=slot.registry, keys=told.fed.keys)
        assert driver.registry is not None
        for device, frame in WAYS[way](readings, driver.registry):
            driver.frame(frame, slot.end_time, device)
        driver.tick(slot.tick.time, slot.tick.lateness_secs)
    return driver


@pytest.fixture(scope="module", params=list(WAYS))
def other(request: pytest.FixtureRequest, meters: tuple[Run, Told], folder: Path) -> Run:  # noqa: F811
    return Run(meters[1].fed, tell(world.driver(folder), meters[1], request.param))


def test_the_readings_are_those_of_the_usual_pushes(other: Run, meters: tuple[Run, Told]) -> None:  # noqa: F811
    found, wanted = (rows.histories(run.driver, leave=FROM, last=True) for run in (other, meters[0]))
    for name in ("reading", "settlement", "determinants", "losses"):
        assert found[name] == wanted[name], name
    assert len(wanted["reading"]) > 1000


def test_they_came_without_ciphering(other: Run) -> None:
    table = rows.section(other.driver, "readings", "reading")
    sent = (table["frame"] >= 0) & (table["method"] == 0) & (table["flags"] != 0)
    assert sent.sum() > 1000
    assert set(table["flags"][sent].tolist()) <= {int(Flag.PLAIN), int(Flag.PLAIN | Flag.OFF_GRID)}
