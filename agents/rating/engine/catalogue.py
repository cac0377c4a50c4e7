"""The tariffs that come with the project, found by code, file name, an unambiguous beginning, or words that fit one."""

from __future__ import annotations

import functools
import re
from pathlib import Path

from agents.rating.engine.documents import parse
from agents.rating.engine.format.tariff import Tariff
from pipeline.errors import ConfigError

FOLDER = Path(__file__).parents[1] / "tariffs"


@functools.cache
def shipped() -> dict[str, Tariff]:
    """Name of the file without `.yaml` -> tariff, by name."""
    return {path.stem: parse(path.read_bytes(), path.name) for path in sorted(FOLDER.glob("*.yaml"))}


def find(name: str) -> Tariff:
    """A shipped tariff by code or file name, a beginning that only one of them has, or words of its code, name, utility
    and category (`kerala`, `tn 2024`); raises ConfigError."""
    tariffs = shipped()
    wanted = name.removesuffix(".yaml").lower()
    exact = [tariff for stem, tariff in tariffs.items() if wanted in (stem.lower(), tariff.code.lower())]
    if exact:
        return exact[0]
    begun = [stem for stem, tariff in tariffs.items() if stem.startswith(wanted) or tariff.code.startswith(wanted)]
    words = set(_split(wanted))
    fitting = begun or [stem for stem, tariff in tariffs.items() if words and words <= _words_of(stem, tariff)]
    if len(fitting) == 1:
        return tariffs[fitting[0]]
    what = f"{len(fitting)} tariffs fit" if fitting else "no such file, and no shipped tariff is called so"
    raise ConfigError(
        "TARIFF_UNKNOWN", where=name, what=what, do=f"name a file, or one of {', '.join(fitting or tariffs)}"
    )


def _split(text: str) -> list[str]:
    return re.findall(r"[a-z]+|[0-9]+", text.lower().replace("non-", "non"))


def _words_of(stem: str, tariff: Tariff) -> set[str]:
    """Words that a tariff may be called by; the initials of a state of two words are one."""
    state = re.match(r"([A-Z])[a-z]+ ([A-Z])[a-z]+ ", tariff.name)
    initials = [(state[1] + state[2]).lower()] if state else []
    return {
        *_split(stem),
        *_split(tariff.code),
        *_split(f"{tariff.name} {tariff.utility} {tariff.category}"),
        *initials,
    }


def load(name: str) -> Tariff:
    """The tariff of a file, or a shipped one; raises ConfigError."""
    path = Path(name)
    if path.is_file():
        return parse(path.read_bytes(), name)
    if path.suffix in (".yaml", ".yml") and name.removesuffix(path.suffix) not in shipped():
        raise ConfigError("TARIFF_FILE", where=name, what="there is no such file", do="name a tariff file that exists")
    return find(name)
