"""Arrays between guard octets, in place of all that the decoder makes: what is written beside one is seen afterwards.

`Guards.installed` puts them into `agents.decode.step` for as long as it lasts: into what it makes with numpy there, and
into the tuples of arrays that it passes to kernels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from agents.decode import step
from pipeline.columns import Array
from pipeline.state import StateStore

GUARD_OCTETS = 256
PATTERN = np.frombuffer(bytes((37 * octet + 11) & 255 for octet in range(GUARD_OCTETS)), np.uint8)
TUPLES = ("Rows", "Changes", "Scratch")
"""Tuples of arrays that the step makes for kernels; others come from functions `new_...`."""


class _Numpy:
    """Numpy, but that arrays which are made have guards."""

    def __init__(self, guards: Guards) -> None:
        self._guards = guards

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)

    def array(self, *given: Any, **named: Any) -> Array:
        return self._guards.of(np.array(*given, **named))

    def zeros(self, *given: Any, **named: Any) -> Array:
        return self._guards.of(np.zeros(*given, **named))

    def empty(self, *given: Any, **named: Any) -> Array:
        return self._guards.of(np.empty(*given, **named))

    def full(self, *given: Any, **named: Any) -> Array:
        return self._guards.of(np.full(*given, **named))


class Guards:
    """All guarded arrays of one batch."""

    def __init__(self) -> None:
        self._rooms: list[Array] = []
        self._known: dict[int, Array] = {}
        self._kept: list[Any] = []

    def of(self, array: Array) -> Array:
        """A copy of the array between guards; the same one for the same array."""
        if id(array) in self._known:
            return self._known[id(array)]
        room = np.empty(array.nbytes + 2 * GUARD_OCTETS, np.uint8)
        room[:GUARD_OCTETS] = room[GUARD_OCTETS + array.nbytes :] = PATTERN
        made: Array = room[GUARD_OCTETS : GUARD_OCTETS + array.nbytes].view(array.dtype).reshape(array.shape)
        made[...] = array
        self._rooms.append(room)
        self._known[id(array)] = self._known[id(made)] = made
        self._kept += [array, made]
        return made

    def within(self, value: Any) -> Any:
        """The same tuple, its arrays guarded."""
        if isinstance(value, np.ndarray):
            return self.of(value)
        if isinstance(value, tuple):
            inner = [self.within(part) for part in value]
            return type(value)(*inner) if hasattr(value, "_fields") else tuple(inner)
        return value

    def store(self, store: StateStore) -> StateStore:
        """A store, its tables guarded until it grows."""
        for area in store.areas.values():
            area.rows, area.changed, area.dirty = (self.of(part) for part in (area.rows, area.changed, area.dirty))
        return store

    def broken(self) -> int:
        """How many guards were written over."""
        return sum(
            int(not np.array_equal(part, PATTERN))
            for room in self._rooms for part in (room[:GUARD_OCTETS], room[-GUARD_OCTETS:])
        )  # fmt: skip

    @contextmanager
    def installed(self) -> Iterator[None]:
        """What the decoder makes meanwhile is guarded."""
        names = [name for name in vars(step) if name in TUPLES or name.startswith("new_")] + ["np"]
        own = {name: getattr(step, name) for name in names}
        for name in names:
            setattr(step, name, _Numpy(self) if name == "np" else self._making(own[name]))
        try:
            yield
        finally:
            for name, value in own.items():
                setattr(step, name, value)

    def _making(self, make: Callable[..., Any]) -> Callable[..., Any]:
        def made(*given: Any, **named: Any) -> Any:
            return self.within(make(*given, **named))

        return made
