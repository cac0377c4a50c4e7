"""Files as load: a .kvf file, or a folder of them in the order of their names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from connectors.simulator.kvf import Item, Logged, Recorded, Source, read_any
from pipeline.errors import ConfigError

ENDING = ".kvf"


class FileLoad:
    """What `kvarn bench record` has recorded (`recorded`), or what `kvarn simulate --to file:` has sent."""

    unit = "octets"

    def __init__(self, path: Path) -> None:
        """Raises ConfigError when there is nothing to play, or files do not belong together."""
        self.name = str(path)
        self._paths = _paths(path)
        self.total = sum(file.stat().st_size for file in self._paths)
        first = {file: next((item for _, item in read_any(file)), None) for file in self._paths}
        sources = {file: item.partitions for file, item in first.items() if isinstance(item, Source)}
        if not any(item is not None for item in first.values()):
            raise _nothing(path, "nothing is in it")
        if len(set(sources.values())) > 1 or len(sources) not in (0, len(first)):
            said = ", ".join(f"{file.name}: {sources.get(file, 'no')} partitions" for file in first)
            raise ConfigError("FILES_DIFFER", where=self.name, what=f"its files are of different topics ({said})",
                              do="play them one by one")  # fmt: skip
        self.recorded = bool(sources)
        self.partitions = next(iter(sources.values()), 0)

    def records(self) -> Iterator[tuple[int, Logged]]:
        """(octets so far, record) of recorded files; a time is never before the one in front of it.

        Raises ContractError where a file is damaged.
        """
        latest_ms = 0
        for done, item in self._all():
            if isinstance(item, Logged):
                latest_ms = max(latest_ms, item.time_ms)
                yield done, Logged(item.partition, latest_ms, item.frames, item.key, item.value)

    def items(self) -> Iterator[tuple[int, Item]]:
        """(octets so far, item) of files that a fleet has sent."""
        for done, item in self._all():
            if not isinstance(item, Source | Logged):
                yield done, item

    def _all(self) -> Iterator[tuple[int, Item | Recorded]]:
        before = 0
        for path in self._paths:
            for place, item in read_any(path):
                yield before + place, item
            before += path.stat().st_size


def _paths(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    found = sorted(path.glob(f"*{ENDING}")) if path.is_dir() else []
    if not found:
        raise _nothing(path, f"no {ENDING} file is in it" if path.is_dir() else "it is not there")
    return found


def _nothing(path: Path, what: str) -> ConfigError:
    return ConfigError("NOTHING_TO_PLAY", where=str(path), what=what,
                       do="name a .kvf file, a folder of them, or kafka://host:port/topic")  # fmt: skip
