"""Processes of a topology under fault: those that end as planned are started again, any other end is a finding."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from cli.output import FAILED
from cli.processes.children import Processes
from pipeline.errors import Fatal
from pipeline.runtime.moments import VARIABLE

BY_ITSELF = frozenset({1, 4})
"""Exit codes of a process that ends because going on would lose something, or because nothing answers
(docs/reference/cli.md); a process manager starts it again."""


WORKS = ('"ready"', '"partition taken"')
"""What workers and sinks say when they begin to work."""

MOST_ENDS = 10
"""A part that ends so often in a row, because going on would lose something, before it is ready to work, will not get
any further."""


@dataclass
class Parts:
    """`commands` by part; `plans` are taken one a start, until none is left."""

    processes: Processes
    commands: Mapping[str, Sequence[str]]
    plans: dict[str, list[str]] = field(default_factory=dict)
    under: dict[str, str] = field(default_factory=dict)
    """Part -> the plan that it runs under."""
    environment: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Part -> variables that only it gets."""
    may_end: set[str] = field(default_factory=set)
    """Parts that may end by themselves: they are replaced, or their broker is gone."""
    _ends: Counter[str] = field(default_factory=Counter)
    _begins: dict[str, int] = field(default_factory=dict)

    def start(self, name: str) -> None:
        """Start a part, under its next plan if there is one."""
        plans = self.plans.get(name, [])
        self.under[name] = plans.pop(0) if plans else ""
        log = self.processes.logs / f"{name}.log"
        self._begins[name] = log.stat().st_size if log.exists() else 0
        more = {**self.environment.get(name, {}), VARIABLE: self.under[name]}
        self.processes.start(name, self.commands[name], more)

    def start_all(self, names: Iterable[str]) -> None:
        """Start these parts."""
        for name in names:
            self.start(name)

    def ended(self) -> list[tuple[str, str]]:
        """(part, plan) of those that ended as planned, or by themselves where they may; they are started again.

        Raises Fatal for any other end.
        """
        found = []
        for name, process in list(self.processes.running.items()):
            code = process.poll()
            if code is None:
                continue
            plan = self.under.get(name, "")
            worked = any(self.said(name, word) for word in WORKS)
            self._ends[name] = 0 if code != FAILED or worked else self._ends[name] + 1
            allowed = name in self.may_end and code in BY_ITSELF and self._ends[name] <= MOST_ENDS
            if not (plan and code == -signal.SIGKILL) and not allowed:
                raise Fatal(
                    "PART_ENDED", where=name, what=f"exit code {code}: {self.processes.tail(name)}",
                    do=f"see its log in {self.processes.logs}",
                )  # fmt: skip
            del self.processes.running[name]
            found.append((name, plan))
            self.start(name)
        return found

    def said(self, name: str, word: str) -> bool:
        """Whether a part's log has the word since its last start."""
        with (self.processes.logs / f"{name}.log").open("rb") as log:
            log.seek(self._begins[name])
            return word.encode() in log.read()

    def kill(self, name: str) -> None:
        """SIGKILL, and start it again."""
        self.stop_now(name)
        self.start(name)

    def stop_now(self, name: str) -> None:
        """SIGKILL; it is not started again."""
        process = self.processes.running.pop(name)
        process.kill()
        process.wait()

    def stop(self, name: str) -> None:
        """End a part cleanly; raises Fatal when it does not end so, and may not end otherwise."""
        code = self.processes.stop(name)
        # SIGTERM ends a process that has not come to its first line yet.
        if code not in (0, -signal.SIGTERM) and not (name in self.may_end and code in BY_ITSELF):
            raise self._ended_badly(name, code)

    def stop_all(self) -> bool:
        """End every part cleanly; False when one ended otherwise, as it may: then all run again, for it has work left.

        Raises Fatal for any other end.
        """
        self.plans.clear()
        names = list(self.processes.running)
        for name in reversed(names):
            code = self.processes.stop(name)
            planned = bool(self.under.get(name)) and code == -signal.SIGKILL
            if planned or (name in self.may_end and code in BY_ITSELF):
                self.start_all(name for name in names if name not in self.processes.running)
                return False
            # SIGTERM ends a process that has not come to its first line yet.
            if code not in (0, -signal.SIGTERM):
                raise self._ended_badly(name, code)
        return True

    def _ended_badly(self, name: str, code: int) -> Fatal:
        what = f"exit code {code} at a clean stop: {self.processes.tail(name)}"
        return Fatal("PART_ENDED", where=name, what=what, do=f"see its log in {self.processes.logs}")
