"""Answers of the cold lane (docs/cold.md): how the intervals of a day that has left the hot window have changed.

State keeps nothing of such a day but its share of what was published since a register that is carried on; so the answer
says all: each interval that changes with what it replaces, and the day's settlement before and after. What is kept is
the number of the last answer of a service point, in a slot of its own that only points with answers have; an answer
that comes again, or that another has overtaken, is dropped by it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from agents.vee.kernels_carried import change_carried
from agents.vee.kernels_order import expected_of
from agents.vee.output import DAY, READING, Buffers
from agents.vee.planes import page_records
from agents.vee.state import ALL_PLANES, ANSWERED, pages_of
from agents.vee.tables import Prepared
from pipeline.answers import correction_of
from pipeline.batch import DecodedBatch, ReadingBatch
from pipeline.channels import N_ENERGY
from pipeline.codes import FINAL, NOT_KNOWN, Quality
from pipeline.columns import Array
from pipeline.localtime import DAY_SECS
from pipeline.lookup import find
from pipeline.state import StateStore
from pipeline.statement_frames import ROW, Statement

OWN_KEY = np.uint64(1 << 63)
"""Bit of the key of a point's own slot. Ids of points that are billed lie below it."""
NO_LINK = 0xFFFF_FFFF


@dataclass(frozen=True)
class Answer:
    """One frame: rows ROW (n,)."""

    service_point: int
    number: int
    rows: Array


def answers_in(decoded: DecodedBatch) -> list[Answer]:
    """The answers among the statements of a batch, by service point and number."""
    places = np.flatnonzero(decoded.statement_kind == Statement.ANSWER)
    if not len(places):
        return []
    rows = np.zeros(len(places), ROW)
    for name in set(ROW.names or ()) - {"spare"}:
        rows[name] = getattr(decoded, f"statement_{name}")[places]
    frame = decoded.statement_frame[places]
    points, numbers = decoded.statement_service_point[places].tolist(), decoded.statement_number[places].tolist()
    ends = [*(np.flatnonzero(frame[1:] != frame[:-1]) + 1).tolist(), len(places)]
    made = [
        Answer(points[begin], numbers[begin], rows[begin:end]) for begin, end in zip([0, *ends], ends, strict=False)
    ]
    return sorted(made, key=lambda one: (one.service_point, one.number))


def take(
    answers: list[Answer], store: StateStore, prepared: Prepared, oldest: int, offset: int, first: int
) -> ReadingBatch:
    """Readings, settlements and corrections of the answers that are new.

    oldest: begin of the hot window, epoch seconds; an answer about a day in it is not used, since state knows better.
    offset, first: of the record, and the place in it at which revisions begin.
    """
    readings: list[Array] = []
    days: list[Array] = []
    corrections: list[Array] = []
    for answer in answers:
        said = correction_of(answer.rows)
        if said is None or said[0] >= oldest or not _is_new(answer, store):
            continue
        _carry(answer.service_point, *said, store, oldest)
        links = list(links_of(prepared, answer.service_point))
        place = first + sum(len(part) for part in readings) + len(days)
        revision = np.uint64(offset << 20 | place)
        made = _readings(answer, links, prepared)
        made["revision"] = revision + np.arange(len(made), dtype=np.uint64)
        readings.append(made)
        days.append(_day(answer.service_point, *said, links, prepared, revision))
        corrections.append(said[1])
    buffers = Buffers(sum(len(part) for part in readings), len(days))
    if not days:
        return buffers.batch()
    buffers.readings, buffers.days = np.concatenate(readings), np.concatenate(days)
    buffers.cursor[1], buffers.cursor[2] = len(buffers.readings), len(buffers.days)
    batch = buffers.batch()
    _correct(batch, np.array(corrections))
    return batch


def _is_new(answer: Answer, store: StateStore) -> bool:
    """Note the answer's number; False when it, or a later one, is there."""
    point = np.array([answer.service_point], np.uint64)
    slot = int(store.locate(point, point | OWN_KEY)[0])
    record = store.areas["hot"].flat[0][slot]
    if int(record["device"]) >= answer.number:
        return False
    record["kind"], record["device"] = ANSWERED, answer.number
    store.touch("hot", slot)
    return True


def _carry(point: int, start: int, correction: Array, store: StateStore, oldest: int) -> None:
    """The window's registers go on from what is published of the day now, when one from before it is carried."""
    slot = int(store.locate(np.array([point], np.uint64), np.array([point], np.uint64))[0])
    carried = int(store.areas["hot"].flat[0]["carried"][slot])
    if start >= oldest - carried * DAY_SECS:
        change = correction["actual"] + correction["estimated"] - correction["prior_energy"]
        pages = pages_of(store, page_records(store))
        change_carried(pages, slot, np.array(change, np.int64), np.zeros(ALL_PLANES, np.int64))


def links_of(prepared: Prepared, point: int) -> Iterator[int]:
    """Rows of the links of a service point, in order of time."""
    tables = prepared.tables
    place = find(tables.link_index, tables.link_keys, np.uint64(point))
    while 0 <= place < len(tables.order) and tables.links["point"][tables.order[place]] == point:
        yield int(tables.order[place])
        place += 1


def _link_at(links: list[int], prepared: Prepared, start: int, end: int) -> int:
    """The link that stood there last between start and end; NO_LINK when none did."""
    table: Any = prepared.tables.links
    there = [row for row in links if table["start"][row] < end and table["until"][row] > start]
    return there[-1] if there else NO_LINK


def _readings(answer: Answer, links: list[int], prepared: Prepared) -> Array:
    """READING (n,): rows of one interval, which differ in the energies that they say, become one."""
    rows = answer.rows[answer.rows["present"] != 0]
    starts, place = np.unique(rows["start"], return_inverse=True)
    made = np.zeros(len(starts), READING)
    made["service_point"], made["interval_start"] = answer.service_point, starts
    made["frame"], made["source"] = -1, -1
    for name in ("rules", "method", "flags", "prior_quality", "prior_energy"):
        made[name][place] = rows[name]
    made["interval_secs"][place] = rows["secs"]
    made["replaces"] = made["prior_quality"] != 0
    for channel in range(N_ENERGY):
        said = (rows["present"] >> channel) & 1 != 0
        made["energy"][place[said], channel] = rows["energy"][said, channel]
        made["quality"][place[said]] |= rows["quality"][said].astype(np.uint64) << np.uint64(4 * channel)
    seconds = gaps_of(made)
    for reading, gap in zip(made, seconds, strict=True):
        start = int(reading["interval_start"])
        reading["link"] = link = _link_at(links, prepared, start, start + int(reading["interval_secs"]))
        reading["device"] = 0 if link == NO_LINK else prepared.tables.links["device"][link]
        if gap:
            method, tables = int(reading["method"]), prepared.tables
            known = link != NO_LINK
            reading["expected_error"] = expected_of(tables, link, method, gap) if known else NOT_KNOWN
    return made


def gaps_of(readings: Array) -> list[int]:
    """Seconds of estimated intervals in a row, among READING (n,) in order of time, that each is one of; 0: none."""
    estimated = (readings["quality"] & np.uint64(15)) == int(Quality.ESTIMATED)
    starts, secs = readings["interval_start"].astype(np.int64), readings["interval_secs"].astype(np.int64)
    begins = np.ones(len(readings), bool)
    begins[1:] = ~(estimated[1:] & estimated[:-1] & (starts[:-1] + secs[:-1] == starts[1:]))
    run = np.cumsum(begins) - 1
    whole = np.bincount(run, weights=secs).astype(np.int64) if len(readings) else secs
    return [int(seconds) for seconds in np.where(estimated, whole[run], 0)]


def _day(point: int, start: int, correction: Array, links: list[int], prepared: Prepared, revision: np.uint64) -> Array:
    """DAY (1,): the settlement as it is now."""
    made = np.zeros(1, DAY)
    made["service_point"], made["start"], made["revision"], made["state"] = point, start, revision, FINAL
    made["link"] = _link_at(links, prepared, start, start + DAY_SECS)
    for name in set(DAY.names or ()) - {"service_point", "start", "revision", "state", "link"}:
        made[name] = correction[name]
    return made


def _correct(batch: ReadingBatch, corrections: Array) -> None:
    """Fill the section correction from DAY_CORRECTION (n,), one a settlement."""
    batch.correction_day = np.arange(len(corrections), dtype=np.uint32)
    for column in ReadingBatch.COLUMNS:
        if column.section == "correction" and column.name != "correction_day":
            name = column.name.removeprefix("correction_")
            values = corrections[name if name == "month" else f"prior_{name}"]
            setattr(batch, column.name, np.ascontiguousarray(values.astype(column.dtype)))
