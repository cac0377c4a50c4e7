"""The faults, once: number, name, what its rate counts, default rate, and the reject that a frame with it must meet.

Numbers are the `fault` column of `connectors.simulator.frames.Frames`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from pipeline.codes import REJECT_NUMBER
from pipeline.errors import ConfigError


class Fault(IntEnum):
    """What is wrong with a frame, or why it never comes."""

    NONE = 0
    MISSING = 1
    MISSING_DAILY = 2
    LATE = 3
    DUPLICATE = 4
    DUPLICATE_INTERVAL = 5
    CONFLICT = 6
    SPIKE = 7
    STUCK = 8
    NEGATIVE = 9
    CLOCK_OFFSET = 10
    CLOCK_WRONG = 11
    CLOCK_STATUS = 12
    ROLLOVER = 13
    REVERSED_CT = 14
    TAMPER = 15
    THEFT = 16
    SWAP = 17
    OUTAGE = 18
    CORRUPT = 19
    WRONG_KEY = 20
    TRUNCATED = 21
    RANDOM_BYTES = 22
    WRONG_VERSION = 23
    OVERSIZED = 24
    UNKNOWN_LATER = 25
    UNKNOWN_NEVER = 26


@dataclass(frozen=True)
class FaultKind:
    """One row: `per` is what a rate is a share of; `reject` the code a frame with this fault meets ("" for none).

    Where the transport decides, `reject` is what TCP and UDP frames meet and `mqtt_reject` what MQTT frames meet.
    """

    fault: Fault
    per: str
    rate: float
    reject: str
    doc: str
    mqtt_reject: str = ""

    @property
    def name(self) -> str:
        """As written in `--faults`."""
        return self.fault.name.lower()

    def expects(self, mqtt: bool) -> int:
        """Number of `pipeline.codes.REJECT_CODES`, 0 for none."""
        code = self.mqtt_reject if mqtt and self.mqtt_reject else self.reject
        return REJECT_NUMBER[code] if code else 0


FRAME, METER_DAY, METER, DT_DAY = "push", "meter and day", "meter", "DT and day"

FAULTS: tuple[FaultKind, ...] = (
    FaultKind(Fault.MISSING, FRAME, 0.004, "", "a block push is never sent"),
    FaultKind(Fault.MISSING_DAILY, FRAME, 0.02, "", "a midnight register push is never sent"),
    FaultKind(Fault.LATE, FRAME, 0.004, "", "a push arrives up to `late_hours` later, under its old counter"),
    FaultKind(Fault.DUPLICATE, FRAME, 0.002, "COUNTER_DUPLICATE", "the same bytes arrive again"),
    FaultKind(Fault.DUPLICATE_INTERVAL, FRAME, 0.001, "DUPLICATE_INTERVAL", "the same interval again, new counter"),
    FaultKind(Fault.CONFLICT, FRAME, 0.0005, "", "the same interval again, new counter and another value"),
    FaultKind(Fault.SPIKE, FRAME, 0.0005, "", "the interval in the push is far too high, the registers are right"),
    FaultKind(Fault.STUCK, METER_DAY, 0.004, "", "the push repeats an old interval for hours, the registers are right"),
    FaultKind(Fault.NEGATIVE, FRAME, 0.0003, "", "the interval in the push is below zero (float models)"),
    FaultKind(Fault.CLOCK_OFFSET, METER_DAY, 0.006, "", "stamps off the grid, by less than 300 s, for some hours"),
    FaultKind(Fault.CLOCK_WRONG, METER_DAY, 0.003, "", "stamps more than 300 s off the grid for some hours"),
    FaultKind(Fault.CLOCK_STATUS, METER_DAY, 0.005, "", "clock status invalid or doubtful for some hours"),
    FaultKind(Fault.ROLLOVER, METER, 0.005, "", "the import register passes its modulus during the run"),
    FaultKind(Fault.REVERSED_CT, METER_DAY, 0.003, "", "import is counted as export for some hours; alert"),
    FaultKind(Fault.TAMPER, METER_DAY, 0.005, "", "magnet or open cover; alert"),
    FaultKind(Fault.THEFT, METER, 0.02, "", "a part of the consumption passes the meter by"),
    FaultKind(Fault.SWAP, METER, 0.01, "", "the meter is exchanged at an interval boundary"),
    FaultKind(Fault.OUTAGE, DT_DAY, 0.05, "", "a DT is without supply; last gasp and first breath, some of them lost"),
    FaultKind(Fault.CORRUPT, FRAME, 0.0005, "DECRYPT_FAILED", "an octet of the ciphertext or tag is changed"),
    FaultKind(Fault.WRONG_KEY, FRAME, 0.0005, "DECRYPT_FAILED", "encrypted under another key"),
    FaultKind(Fault.TRUNCATED, FRAME, 0.0005, "FRAME_TRUNCATED", "the bytes end early, behind the system title"),
    FaultKind(Fault.RANDOM_BYTES, FRAME, 0.0005, "FRAME_UNREADABLE", "random bytes in place of the APDU",
              mqtt_reject="APDU_UNKNOWN"),
    FaultKind(Fault.WRONG_VERSION, FRAME, 0.0003, "WRAPPER_VERSION", "WRAPPER version 2"),
    FaultKind(Fault.OVERSIZED, FRAME, 0.0003, "FRAME_TOO_LONG", "WRAPPER declares some 60,000 octets"),
    FaultKind(Fault.UNKNOWN_LATER, METER, 0.005, "DEVICE_UNKNOWN", "the registry learns of the meter during the run"),
    FaultKind(Fault.UNKNOWN_NEVER, METER, 0.002, "DEVICE_UNKNOWN", "the registry never learns of the meter"),
)  # fmt: skip

FAULT_BY_NAME: dict[str, FaultKind] = {row.name: row for row in FAULTS}
FAULT_BY_NUMBER: dict[int, FaultKind] = {row.fault: row for row in FAULTS}
MOST_FAULT = max(Fault)

BLOCK_FAULTS: tuple[Fault, ...] = (
    Fault.MISSING, Fault.LATE, Fault.DUPLICATE, Fault.DUPLICATE_INTERVAL, Fault.CONFLICT, Fault.SPIKE, Fault.NEGATIVE,
    Fault.CORRUPT, Fault.WRONG_KEY, Fault.TRUNCATED, Fault.RANDOM_BYTES, Fault.WRONG_VERSION, Fault.OVERSIZED,
)  # fmt: skip
"""Drawn for each block push; at most one each."""

DAILY_FAULTS: tuple[Fault, ...] = (
    Fault.MISSING_DAILY, Fault.LATE, Fault.DUPLICATE,
    Fault.CORRUPT, Fault.WRONG_KEY, Fault.TRUNCATED, Fault.RANDOM_BYTES, Fault.WRONG_VERSION, Fault.OVERSIZED,
)  # fmt: skip
"""Drawn for each midnight push."""

DAMAGED: frozenset[Fault] = frozenset(
    (Fault.CORRUPT, Fault.WRONG_KEY, Fault.TRUNCATED, Fault.RANDOM_BYTES, Fault.WRONG_VERSION, Fault.OVERSIZED)
)
"""The push itself is lost: the meter does not know and does not send it again."""


def default_rates() -> dict[str, float]:
    """`all`: every fault at its default rate."""
    return {row.name: row.rate for row in FAULTS}


def parse_faults(text: str) -> dict[str, float]:
    """`all`, `none`, or `name=rate,...`; `all` or `none` may come first and be changed: `all,late=0.2,swap=0`."""
    rates: dict[str, float] = {row.name: 0.0 for row in FAULTS}
    for item in filter(None, (part.strip() for part in text.split(","))):
        if item in ("all", "none"):
            rates = default_rates() if item == "all" else dict.fromkeys(rates, 0.0)
            continue
        name, _, number = item.partition("=")
        if name not in FAULT_BY_NAME:
            raise ConfigError("FAULT_UNKNOWN", where="faults", what=f"{name!r} is no fault",
                              do=f"choose from: all, none, {', '.join(FAULT_BY_NAME)}")  # fmt: skip
        try:
            rates[name] = float(number) if number else FAULT_BY_NAME[name].rate
        except ValueError as error:
            raise ConfigError("FAULT_RATE", where=name, what=f"{number!r} is no number",
                              do="write a rate from 0 to 1, for example late=0.01") from error  # fmt: skip
    return rates
