"""How far each partition of a topic has been handed on: what may be committed."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class _Message:
    offset: int
    open: int = 1
    left: bool = False


@dataclass
class Progress:
    """Messages under way, by partition and in order. A message is done when Kafka has all that was made of it."""

    _under_way: dict[int, deque[_Message]] = field(default_factory=dict)
    _done: dict[int, int] = field(default_factory=dict)

    def begin(self, partition: int, offset: int) -> Begun:
        """A message is read."""
        message = _Message(offset)
        self._under_way.setdefault(partition, deque()).append(message)
        return Begun(message)

    def take(self) -> dict[int, int]:
        """Partition -> offset behind the last message before which all are done; what was told before is left out."""
        self._settle()
        done, self._done = self._done, {}
        return done

    def _settle(self) -> None:
        for partition, messages in self._under_way.items():
            while messages and messages[0].open == 0:
                self._done[partition] = messages.popleft().offset + 1

    def restore(self, done: dict[int, int]) -> None:
        """What was taken could not be committed."""
        self._done = done | self._done

    @property
    def under_way(self) -> bool:
        """There is, or will be, something to commit. Behind a message that was left there will not."""
        self._settle()
        return bool(self._done) or any(messages and not messages[0].left for messages in self._under_way.values())

    def forget(self, partitions: list[int]) -> None:
        """Another process has them now: it reads on from what was committed."""
        for partition in partitions:
            self._under_way.pop(partition, None)
            self._done.pop(partition, None)


@dataclass
class Begun:
    """A message under way; it is open until `end`, and while something that was made of it is."""

    _message: _Message

    def part(self) -> Callable[[], None]:
        """Something was made of it; call what is returned when that is safe."""
        self._message.open += 1
        return self.end

    def leave(self) -> None:
        """It was not read to its end, and is read again by whoever comes next."""
        self._message.left = True

    def end(self) -> None:
        """Nothing more is made of it; or a part is safe."""
        self._message.open -= 1
