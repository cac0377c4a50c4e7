"""Real files of the Australian market and of Green Button: what is read of them is what a plain reading adds up to."""

from __future__ import annotations

import re
from collections import defaultdict
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import pytest

from pipeline.reading_frames import TARGET
from tests.unit.connectors.readings_in.made import faults, known, read, rows

INTERVALS = Path(__file__).parents[3] / "shared" / "data" / "intervals"

pytestmark = pytest.mark.skipif(
    not INTERVALS.is_dir(), reason="the real files are not beside the project: ../shared/data/intervals"
)
NEM12 = sorted((INTERVALS / "nem12").glob("*.csv"))
CHANNELS = {"E": "wh_imp", "B": "wh_exp", "Q": "varh_q1", "K": "varh_q4"}
POWERS = {"WH": 0, "VARH": 0, "KWH": 3, "KVARH": 3}


def plain(octets: bytes) -> dict[tuple[str, str], int]:
    """(NMI and number, channel) -> sum of its whole days in the stored unit."""
    sums: dict[tuple[str, str], int] = defaultdict(int)
    key, power, count = ("", ""), 0, 0
    for line in octets.decode().splitlines():
        cells = line.strip().split(",")
        if cells[0] == "200":
            number = cells[4][1:] if cells[4][1:] != "1" else ""
            key = (f"{cells[1]}/{number}" if number else cells[1], CHANNELS[cells[4][0]])
            power, count = POWERS[cells[7].upper()], 1440 // int(cells[8])
        elif cells[0] == "300" and len(cells) >= count + 3:
            for cell in cells[2 : 2 + count]:
                sums[key] += int(Decimal(cell).scaleb(power).to_integral_value(ROUND_HALF_UP))
    return dict(sums)


@pytest.mark.parametrize("path", NEM12, ids=[path.stem for path in NEM12])
def test_files_of_the_market_add_up(path: Path) -> None:
    octets = path.read_bytes()
    (length,) = {int(line.split(b",")[8]) for line in octets.splitlines() if line.startswith(b"200,")}
    expected = plain(octets)
    names = {name: number for number, name in enumerate(sorted({name for name, _ in expected}), 1000)}
    found = read(octets, names, known(60 * length), format="nem12")
    sums: dict[tuple[int, int], int] = defaultdict(int)
    for device, reading in rows(found):
        for target, value in reading.values.items():
            sums[device, target] += value
    usable = {name for name, channel in expected if channel == "wh_imp"}
    assert dict(sums) == {
        (names[name], TARGET[channel]): value for (name, channel), value in expected.items() if name in usable
    }
    # Some files are of reactive energy alone, of which no interval can be used.
    reasons = {detail.rpartition(": ")[2] for _, detail in faults(found)}
    assert reasons == (set() if usable == {name for name, _ in expected} else {"an interval without wh_imp"})


@pytest.mark.parametrize("name", ["greenbutton_15min.xml", "greenbutton_sce.xml"])
def test_green_button_files_add_up(name: str) -> None:
    octets = (INTERVALS / name).read_bytes()
    text = octets.decode()
    point = re.findall(r'UsagePoint/(\w+)"', text)[0]
    found = read(octets, {point: 4711}, known(900), format="espi")
    readings = rows(found)
    values = re.findall(r"<duration>900</duration>.*?<value>(\d+)</value>", text, re.DOTALL)
    twice = sum(reason == "the value comes twice" for _, _, reason in (d.rpartition(": ") for _, d in faults(found)))
    assert len(readings) + twice == len(values)
    if not twice:
        assert sum(reading.values[TARGET["wh_imp"]] for _, reading in readings) == sum(map(int, values))
