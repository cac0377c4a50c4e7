"""What decode must make of a frame of a head-end's readings, in plain Python."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.codes import Flag, Kind
from pipeline.reading_frames import ReadingFrameError, read_reading_frame
from pipeline.reference import Registry


@dataclass(frozen=True)
class Row:
    """A row: values by target number."""

    link: int
    kind: int
    time: int
    flags: int
    values: dict[int, int]


def link_of(registry: Registry, device: int, kind: int, time: int) -> int | None:
    """Row of the link in force: a block belongs to the second before its stamp; a register may be the last one."""
    moment, late = time - (kind == Kind.BLOCK), None
    for row in range(len(registry.device)):
        if int(registry.device[row]) == device:
            if registry.valid_from[row] <= moment < registry.valid_to[row]:
                return row
            late = row if registry.valid_to[row] == time else late
    return late


def judge(frame: bytes, device: int, point: int, registry: Registry) -> tuple[str, list[Row]]:
    """(code of the reject or nothing, rows that are used)."""
    if len(frame) < 2:
        return "FRAME_TRUNCATED", []
    if len(frame) > 65_535:
        return "FRAME_TOO_LONG", []
    if device == 0:
        return "FRAME_UNREADABLE", []
    try:
        said = read_reading_frame(frame)
    except ReadingFrameError as error:
        return error.code, []
    if said.device != device:
        return "FRAME_UNREADABLE", []
    rows, lost, other = [], False, False
    for reading in said.readings:
        link = link_of(registry, device, said.kind, reading.time)
        if link is None or registry.service_point[link] != point:
            lost = True
            continue
        if reading.interval not in (0, registry.interval_secs[link]):
            other = True
            continue
        flags = int(reading.flags | Flag.HEAD_END)
        rows.append(Row(link, int(said.kind), reading.time, flags, dict(reading.values)))
    return ("INTERVAL_OTHER" if other else "NOT_LINKED" if lost else ""), rows
