"""What frames say, as entries of a DecodedBatch: the bridge from codes and units to Kvarn's own rows.

A frame is used as a whole or not at all, as in the kernels: an APDU that could be read only in part, or a number that
is no measurement, refuses it. Rows of nameplates, billing profiles and event logs are kept whole beside
(`profile_rows`); what else has no place among channels, snapshot fields and events is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from agents.decode.single.clock import DOUBTFUL, INVALID, NO_STATUS, read_own_clock
from agents.decode.single.described import Described
from agents.decode.single.names import EVENT_CODES
from agents.decode.single.not_placed import NotPlacedError
from agents.decode.single.profile_rows import ProfileRow, row_of
from agents.decode.single.profiles import EVENTS, NAMEPLATE
from agents.decode.single.quantities import DEMAND_TIMES, NoMeasurementError, Place, is_clock, place_of
from pipeline.channels import FIRST_PHYSICAL, SNAPSHOT_INDEX
from pipeline.codes import Flag, Kind
from pipeline.cosem_time import Clock, read_clock
from pipeline.templates import SNAPSHOT_TARGET, WORD

SAY_QUANTITIES = (None, "data-notification", "event-notification", "telegram")
"""APDUs whose content a meter sends of itself; None: Data without an APDU."""

BILLING = "1.0.98."
_EVENT_CODE = "0.0.96.11."
_BILLING_DATE = "0.0.0.1.2.255"
_WORD_HIGH = SNAPSHOT_TARGET + SNAPSHOT_INDEX[WORD]
_DAY = 86_400
MOST_CODE = 65_535
"""Event codes have 16 bits (IS 15959); records have room for 32."""


@dataclass(frozen=True)
class Entry:
    """A row: epoch seconds UTC, flags of clock and template, values by target of `pipeline.templates`.

    Without a kind it makes no row: an entry of an event log makes an event with the code `event`. `row`: all that the
    meter sent in this row of a profile, which is kept beside.
    """

    kind: Kind | None
    time: int
    flags: int
    values: dict[int, int] = field(default_factory=dict)
    event: int | None = None
    row: ProfileRow | None = None


@dataclass(frozen=True)
class Stamps:
    """How stamps are read: the zone of the deployment, what a deviation of 0 means, and when the frame was received."""

    offset_secs: int
    zero_is_utc: bool
    received_at: int


def entries_of(found: Iterable[Described], stamps: Stamps) -> list[Entry]:
    """The entries of one frame, whose APDUs `found` are; raises NotPlacedError."""
    entries: list[Entry] = []
    for one in found:
        if one.error is not None:
            raise NotPlacedError(f"{one.error['code']}, {one.error['reason']}")
        if one.apdu is None and one.data is None and not one.values:
            continue  # a frame of the link alone
        if one.apdu not in SAY_QUANTITIES:
            raise NotPlacedError(f"{one.apdu} is no reading")
        if "signing" in one.details:
            raise NotPlacedError("the signature is not verified")
        entries += _of_profile(one, stamps) if one.profile else _of_list(one, stamps)
    if not entries:
        raise NotPlacedError("nothing in it has a place")
    if sum(entry.kind == Kind.ALERT for entry in entries) > 1:
        raise NotPlacedError("several event status words in one frame")
    return entries


def _flags(found: Described, clock: Clock | None) -> int:
    flags = 0
    if clock is not None and clock.status != NO_STATUS:
        flags |= Flag.CLOCK_INVALID if clock.status & INVALID else 0
        flags |= Flag.CLOCK_DOUBTFUL if clock.status & DOUBTFUL else 0
    if found.template is not None and not found.template["verified"]:
        flags |= Flag.TEMPLATE_UNVERIFIED
    return int(flags)


# ------------------------------------------------------------------------------------------------ Indian profiles


def _of_profile(found: Described, stamps: Stamps) -> Iterator[Entry]:
    """Billing rows become momentary values as of the billing date, event rows events; wall clocks are Indian."""
    if found.profile not in (*EVENTS, NAMEPLATE) and not found.profile.startswith(BILLING):
        raise NotPlacedError(f"profile {found.profile} has no place")
    for row in found.rows or [found]:
        if found.profile == NAMEPLATE:
            yield _nameplate(row, found, stamps)
            continue
        octets = row.stamps.get(_BILLING_DATE) or row.clock
        clock = _indian_clock(octets, stamps) if octets else None
        if clock is None:
            raise NotPlacedError("a stamp is no time", "CLOCK_UNUSABLE")
        flags = _flags(row, clock)
        if found.profile in EVENTS:
            codes = (value for obis, value in row.values.items() if obis.startswith(_EVENT_CODE))
            code = _event_code(next(codes, None))
            kept = row_of(row, found.profile, lambda octets: _indian_time(octets, stamps), _EVENT_CODE, code)
            yield Entry(None, clock.time, flags, event=code, row=kept if kept.values else None)
        else:
            kept = row_of(row, found.profile, lambda octets: _indian_time(octets, stamps))
            values = _measured(row)[Kind.INSTANT] | _times(row, stamps)
            yield Entry(Kind.INSTANT, clock.time, flags, values, row=kept)


def _event_code(said: object) -> int:
    if not isinstance(said, int) or isinstance(said, bool) or not 0 <= said <= MOST_CODE:
        raise NotPlacedError("an event without a code")
    return said


def _nameplate(row: Described, found: Described, stamps: Stamps) -> Entry:
    """What is said of a meter holds as of the push; without a stamp as of when it was received."""
    octets = row.clock or found.clock
    clock = _indian_clock(octets, stamps) if octets else None
    if octets and clock is None:
        raise NotPlacedError("the stamp is no time", "CLOCK_UNUSABLE")
    flags = _flags(row, clock) | (0 if clock else int(Flag.CLOCK_INVALID))
    kept = row_of(row, found.profile, lambda octets: _indian_time(octets, stamps))
    return Entry(None, clock.time if clock else stamps.received_at, flags, row=kept)


def _indian_clock(octets: bytes, stamps: Stamps) -> Clock | None:
    return read_clock(octets, stamps.offset_secs, stamps.zero_is_utc)


def _indian_time(octets: bytes, stamps: Stamps) -> int | None:
    clock = _indian_clock(octets, stamps)
    return None if clock is None else clock.time


def event_name(code: int) -> str:
    """What happened, in words."""
    return EVENT_CODES.get(code, "a maker's own")


def is_restored(code: int) -> bool:
    """The code tells the end of a condition."""
    return event_name(code).endswith(" restored")


def _times(found: Described, stamps: Stamps) -> dict[int, int]:
    """Date-times among the values; those that are none are absent."""
    times = {}
    for code, target in DEMAND_TIMES.items():
        octets = found.stamps.get(code)
        time = _indian_time(octets, stamps) if octets else None
        if time is not None:
            times[target] = time
    return times


# ------------------------------------------------------------------------------------------------ lists


def _of_list(found: Described, stamps: Stamps) -> Iterator[Entry]:
    """A list that names its quantities. Registers at local midnight are daily ones too."""
    by_kind = _measured(found)
    clock, received = _clock(found, stamps)
    flags = _flags(found, clock) | (int(Flag.CLOCK_INVALID) if received else 0)
    if by_kind[Kind.BLOCK]:
        if received:
            raise NotPlacedError("an interval without a stamp", "CLOCK_UNUSABLE")
        yield Entry(Kind.BLOCK, clock.time, flags, by_kind[Kind.BLOCK])
    momentary = by_kind[Kind.INSTANT]
    registers = {target: value for target, value in momentary.items() if target < FIRST_PHYSICAL}
    if registers and not received and (clock.time + stamps.offset_secs) % _DAY == 0:
        yield Entry(Kind.DAILY, clock.time, flags, registers)
    if momentary:
        yield Entry(Kind.INSTANT, clock.time, flags, momentary)
    if found.word is not None:
        halves = (found.word >> 64, found.word & (1 << 64) - 1)
        signed = (half - (1 << 64) if half >> 63 else half for half in halves)
        yield Entry(Kind.ALERT, clock.time, flags, dict(enumerate(signed, _WORD_HIGH)))
    if found.apdu == "event-notification":
        for code, value in found.values.items():
            if code.startswith(_EVENT_CODE) and "/" not in code:
                yield Entry(None, clock.time, flags, event=_event_code(value))


def _clock(found: Described, stamps: Stamps) -> tuple[Clock, bool]:
    """(stamp of a list, whether it is when it was received): the meter's clock among the values comes before that of
    the notification. Of a list without any stamp the time of receipt is the best there is.
    """
    octets = next((octets for code, octets in found.stamps.items() if is_clock(code)), found.clock)
    if not octets:
        return Clock(stamps.received_at, NO_STATUS), True
    clock = read_own_clock(octets, stamps.offset_secs, zero_is_utc=stamps.zero_is_utc)
    if clock is None:
        raise NotPlacedError("the stamp is no time", "CLOCK_UNUSABLE")
    return clock, False


def _measured(found: Described) -> dict[Kind, dict[int, int]]:
    """Values by kind and target."""
    by_kind: dict[Kind, dict[int, int]] = {Kind.BLOCK: {}, Kind.INSTANT: {}}
    general: list[tuple[Place, int]] = []
    for code, value, unit in _numbers(found):
        place = place_of(code)
        if place is None:
            continue
        whole = _whole(place, code, value, unit, found)
        if whole is None:
            continue
        if place.any_phase:
            general.append((place, whole))
        elif by_kind[place.kind].setdefault(place.target, whole) != whole:
            raise NotPlacedError(f"{code} is there twice")
    for place, whole in general:
        by_kind[place.kind].setdefault(place.target, whole)
    return by_kind


def _numbers(found: Described) -> Iterator[tuple[str, Decimal, str]]:
    """(code, value, unit) of the numbers whose scale is known; counts need none."""
    for code, (value, unit) in found.measured.items():
        yield code, value, unit
    for code, said in found.values.items():
        if isinstance(said, int) and code not in found.measured:
            place = place_of(code)
            if place is not None and place.counts:
                yield code, Decimal(int(said)), ""


def _whole(place: Place, code: str, value: Decimal, unit: str, found: Described) -> int | None:
    try:
        whole = place.whole(value, unit)
    except NoMeasurementError:
        raise NotPlacedError(f"{code} is no measurement", "DATA_MALFORMED") from None
    if whole is not None and code in found.repeats:
        raise NotPlacedError(f"{code} is there twice")
    return whole
