"""Main against check meter, in plain Python: what holds of all that was said, whatever its order."""

from __future__ import annotations

from dataclasses import dataclass, field

QUARTERS = 96


@dataclass(frozen=True)
class Check:
    """What a check meter said: quarters of an hour from `quarter` on; present False: it is taken back."""

    point: int
    day: int
    quarter: int
    quarters: int
    number: int
    wh: int
    present: bool = True


@dataclass(frozen=True)
class Main:
    """A settlement: counts of intervals (actual, estimated, missing, suspect)."""

    point: int
    day: int
    wh: int
    counts: tuple[int, int, int, int] = (48, 0, 0, 0)
    registers: int = 0
    register_wh: int = 0

    @property
    def measured(self) -> bool:
        if sum(self.counts) != 48:
            return False
        return self.counts[0] == 48 or (self.registers & 11 == 3 and self.register_wh == self.wh)


@dataclass(frozen=True)
class Run:
    """Days at which both differ, with the Wh of both on them."""

    open: bool
    last: int
    main: int
    check: int
    differs: int


@dataclass
class Oracle:
    """All that was in time; `late_days` as of the stage."""

    late_days: int
    permille: int
    today: int
    checks: dict[tuple[int, int], dict[int, tuple[int, int, int]]] = field(default_factory=dict)
    mains: dict[tuple[int, int], Main] = field(default_factory=dict)

    def in_time(self, day: int) -> bool:
        return self.today - self.late_days < day <= self.today + 1

    def take_check(self, one: Check) -> None:
        if self.in_time(one.day):
            cells = self.checks.setdefault((one.point, one.day), {})
            said = (one.number, one.quarters, one.wh) if one.present else (one.number, 0, 0)
            cells[one.quarter] = max(said, cells.get(one.quarter, said))

    def take_main(self, one: Main) -> None:
        if self.in_time(one.day):
            self.mains[one.point, one.day] = one

    def check_wh(self, point: int, day: int) -> int | None:
        cells, at, total = self.checks.get((point, day), {}), 0, 0
        while at < QUARTERS:
            _, quarters, wh = cells.get(at, (0, 0, 0))
            if not quarters:
                return None
            at, total = at + quarters, total + wh
        return total

    def runs(self) -> dict[tuple[int, int], Run]:
        """By service point and first day."""
        found: dict[tuple[int, int], Run] = {}
        for point in {point for point, _ in self.mains}:
            first = None
            for day in sorted(day for mine, day in self.mains if mine == point):
                main, check = self.mains[point, day], self.check_wh(point, day)
                if check is None or not main.measured:
                    continue
                if abs(main.wh - check) * 1000 > self.permille * abs(main.wh):
                    first = first if first is not None else day
                    was = found.get((point, first), Run(True, day, 0, 0, 0))
                    found[point, first] = Run(
                        True, day, was.main + main.wh, was.check + check, was.differs + abs(main.wh - check)
                    )
                elif first is not None:
                    was = found[point, first]
                    found[point, first] = Run(False, was.last, was.main, was.check, was.differs)
                    first = None
        return found
