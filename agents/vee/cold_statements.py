"""What is said of intervals that the hot window has lost, as requests to the cold lane: docs/cold.md.

State has nothing of such a day, so what is said is judged here by the registry alone; what it does to the day the lane
says.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from agents.vee.answers import links_of
from agents.vee.cold_requests import groups, request
from agents.vee.kernels_cells import MOST
from agents.vee.kernels_judge import TOO_OLD
from agents.vee.kernels_statements import NO_INTERVAL, NO_POINT, NO_VALUE
from agents.vee.tables import Prepared
from pipeline.batch import DecodedBatch
from pipeline.channels import ENERGY, N_ENERGY
from pipeline.columns import Array
from pipeline.localtime import DAY_SECS
from pipeline.statement_frames import Statement
from pipeline.step import Emission, Origin

KINDS = (int(Statement.EDIT), int(Statement.WITHDRAW), int(Statement.DISCARD))
"""An outage of such a day stays refused: what it made zero is no matter of one interval."""
LARGEST_NUMBER = (1 << 63) - 1


def parted(refused: Array, decoded: DecodedBatch, prepared: Prepared, oldest: int) -> tuple[Array, Array]:
    """(statements to ask for, statements to refuse) of REJECT (n,); `oldest`: begin of the lane's days, epoch s.

    One that no meter's interval fits is refused for that, not for its age.
    """
    cold = np.zeros(len(refused), bool)
    for place, (row, code) in enumerate(zip(refused["row"].tolist(), refused["code"].tolist(), strict=True)):
        if code != TOO_OLD or decoded.statement_kind[row] not in KINDS or decoded.statement_start[row] < oldest:
            continue
        if decoded.statement_number[row] > LARGEST_NUMBER:
            continue
        fault = _fault(decoded, row, prepared)
        refused["code"][place] = fault or TOO_OLD
        cold[place] = not fault
    return refused[cold], refused[~cold]


def _fault(decoded: DecodedBatch, row: int, prepared: Prepared) -> int:
    """Number of the reject of what cannot be, or 0."""
    start, secs = int(decoded.statement_start[row]), int(decoded.statement_secs[row])
    link = _link_at(prepared, int(decoded.statement_service_point[row]), start)
    if link < 0:
        return NO_POINT
    if secs != int(prepared.tables.links["interval"][link]) or (start + prepared.limits.offset) % secs:
        return NO_INTERVAL
    if decoded.statement_kind[row] == Statement.EDIT:
        said = (int(decoded.statement_present[row]) >> np.arange(N_ENERGY)) & 1 != 0
        energy = decoded.statement_energy[row][said]
        if ((energy < 0) | (energy > MOST)).any():
            return NO_VALUE
    return 0


def _link_at(prepared: Prepared, point: int, start: int) -> int:
    """Row of the link of a point at a time; -1 without one."""
    table: Any = prepared.tables.links
    return next((row for row in links_of(prepared, point) if table["start"][row] <= start < table["until"][row]), -1)


def emissions(
    cold: Array, decoded: DecodedBatch, prepared: Prepared, origin: Origin, tick_time: int, first: int
) -> list[Emission]:
    """REJECT (n,) as requests, one a service point and local day; keyed by service point, 8 octets.

    first: place of the first among the requests of the record.
    """
    if not len(cold):
        return []
    rows, offset = cold["row"].astype(np.int64), prepared.limits.offset
    point = decoded.statement_service_point[rows]
    day = (decoded.statement_start[rows] + offset) // DAY_SECS
    made = []
    for index, group in enumerate(groups(point, day), first):
        row, own = int(rows[group[0]]), int(point[group[0]])
        device = int(prepared.tables.links["device"][_link_at(prepared, own, int(decoded.statement_start[row]))])
        start = int(day[group[0]]) * DAY_SECS - offset
        said = [_said(decoded, one) for one in rows[group].tolist()]
        made.append(request(own, device, start, tick_time, origin, index, statements=said))
    return made


def _said(decoded: DecodedBatch, row: int) -> dict[str, Any]:
    names = ("kind", "number", "said_at", "start", "secs", "present")
    present, energy = int(decoded.statement_present[row]), decoded.statement_energy[row].tolist()
    return {
        **{name: int(getattr(decoded, f"statement_{name}")[row]) for name in names},
        **{channel.name: energy[bit] if present >> bit & 1 else 0 for bit, channel in enumerate(ENERGY)},
    }
