"""Profiles as the meters say they are: capture list, period, scalers. Learned once a maker, firmware and profile.

A meter that does not say who made it is learned by itself. What was learned is in the journal, so a restart learns
nothing again; rows that do not fit it make it be learned anew.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from connectors.dlms_pull import obis
from connectors.dlms_pull.client import Refused
from connectors.dlms_pull.encode import Capture, Layout, captures_of, is_power, scaler_of
from connectors.dlms_pull.journal import Journal
from connectors.dlms_pull.sessions import Talk
from connectors.dlms_pull.texts import text_of

IDENTITY_SECS = 86_400
"""So long a meter is believed to have the firmware it had."""
MOST_CAPTURES = 200

SCALER_PROFILES = {obis.INSTANT_PROFILE: "1.0.94.91.3.255", obis.BLOCK_PROFILE: "1.0.94.91.4.255",
                   obis.DAILY_PROFILE: "1.0.94.91.5.255"}  # fmt: skip
"""IS 15959: a profile of one row with the scalers of another's columns."""


class Layouts:
    """Reads what is not known yet in an association that is open anyway."""

    def __init__(self, journal: Journal, now: Callable[[], float]) -> None:
        self._journal, self._now = journal, now
        self._identity: dict[int, tuple[str, float]] = {}
        self.learned = 0

    async def of(self, talk: Talk, device: int, profile: str, anew: bool = False) -> Layout:
        """Layout of a profile of a meter; raises NoAnswer, Refused or FrameError."""
        key = f"layout/{await self._identity_of(talk, device)}/{profile}"
        entry = None if anew else self._journal.get(key)
        if entry is not None:
            return _layout(entry)
        layout = await _learn(talk, profile)
        await self._journal.put(key, _record(layout))
        self.learned += 1
        return layout

    async def _identity_of(self, talk: Talk, device: int) -> str:
        known = self._identity.get(device)
        if known is not None and known[1] > self._now():
            return known[0]
        maker, firmware = [await _text(talk, name) for name in (obis.MANUFACTURER_NAME, obis.FIRMWARE_NAME)]
        identity = f"{maker}/{firmware}" if maker and firmware else f"{device:016X}/"
        self._identity[device] = (identity, self._now() + IDENTITY_SECS)
        return identity


async def _text(talk: Talk, name: str) -> str:
    try:
        said = text_of(await talk.get(obis.DATA, name, 2))
    except Refused:
        return ""
    return said.strip().replace("/", "_")[:64]


async def _learn(talk: Talk, profile: str) -> Layout:
    captures = captures_of(await talk.get(obis.PROFILE, profile, 3))[:MOST_CAPTURES]
    try:
        period = (await talk.get(obis.PROFILE, profile, 4)).number
    except Refused:
        period = 0
    scalers = await _from_scaler_profile(talk, profile, captures)
    if scalers is None:
        scalers = {place: found for place, capture in enumerate(captures)
                   if (found := await _scaler(talk, capture)) is not None}  # fmt: skip
    return Layout(captures, period if isinstance(period, int) else 0, scalers)


async def _scaler(talk: Talk, capture: Capture) -> tuple[int, int] | None:
    """scaler_unit of a captured value; times and states have none."""
    attribute = obis.SCALER_ATTRIBUTE.get(capture.class_id)
    if attribute is None or capture.attribute in (1, 5, attribute):
        return None
    try:
        return scaler_of(await talk.get(capture.class_id, capture.name, attribute))
    except Refused:
        return None


async def _from_scaler_profile(
    talk: Talk, profile: str, captures: tuple[Capture, ...]
) -> dict[int, tuple[int, int]] | None:
    """By place in the capture list; None when the meter has no such profile."""
    name = SCALER_PROFILES.get(profile)
    if name is None:
        return None
    try:
        columns = captures_of(await talk.get(obis.PROFILE, name, 3))
        buffer = await talk.get(obis.PROFILE, name, 2)
    except Refused:
        return None
    cells = buffer.items[0].items if buffer.items else ()
    found = {column.name: scaler for column, cell in zip(columns, cells, strict=False)
             if (scaler := scaler_of(cell)) is not None}  # fmt: skip
    return {place: found[capture.name] for place, capture in enumerate(captures)
            if capture.name in found and capture.attribute != 5} or None  # fmt: skip


def _record(layout: Layout) -> dict[str, Any]:
    return {
        "captures": [[item.class_id, item.name, item.attribute, item.index] for item in layout.captures],
        "period_secs": layout.period_secs,
        "scalers": {str(place): list(scaler) for place, scaler in layout.scalers.items()},
    }


def _layout(record: Mapping[str, Any]) -> Layout:
    captures = tuple(Capture(*item) for item in record["captures"])
    # What was stored before powers were judged is judged now.
    scalers = {int(place): (int(power), int(unit)) for place, (power, unit) in record["scalers"].items()
               if is_power(int(power))}  # fmt: skip
    return Layout(captures, int(record["period_secs"]), scalers)
