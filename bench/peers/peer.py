"""What a peer must say to be measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.case import PeerWay
from bench.naive.measure import Topics


@dataclass(frozen=True)
class Told:
    """What a peer's process is told.

    keys: file of records of system title u8, encryption key, authentication key. state: folder of its stores.
    """

    bootstrap: str
    group: str
    topics: Topics
    keys: Path
    state: Path
    way: PeerWay


@dataclass(frozen=True)
class Peer:
    """One that is compared with."""

    name: str
    make: Callable[[Path, Callable[[str], None]], None]
    """Makes its environment in the folder; the second is told one line before a long wait."""
    command: Callable[[Path, Told], Sequence[str]]
    """What starts its process, from the environment's folder."""
    changelog: Callable[[Told], str]
    """Topic in which its store of meters is kept: the key begins with the system title, the value is truth.STATE."""
    settings: Callable[[], Mapping[str, Any]]
    """As it is set."""
    versions: Callable[[], Mapping[str, str]]
    """Of what it is made of."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables of the process."""
