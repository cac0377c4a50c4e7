"""The tariffs that come with the project, found by code, file name or an unambiguous beginning."""

from __future__ import annotations

import functools
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
    """A shipped tariff by code or file name, or by a beginning that only one of them has; raises ConfigError."""
    tariffs = shipped()
    wanted = name.removesuffix(".yaml").lower()
    exact = [tariff for stem, tariff in tariffs.items() if wanted in (stem.lower(), tariff.code.lower())]
    if exact:
        return exact[0]
    begun = [stem for stem, tariff in tariffs.items() if stem.startswith(wanted) or tariff.code.startswith(wanted)]
    if len(begun) == 1:
        return tariffs[begun[0]]
    what = f"{len(begun)} tariffs begin so" if begun else "no such file, and no shipped tariff is called so"
    raise ConfigError(
        "TARIFF_UNKNOWN", where=name, what=what, do=f"name a file, or one of {', '.join(begun or tariffs)}"
    )


def load(name: str) -> Tariff:
    """The tariff of a file, or a shipped one; raises ConfigError."""
    path = Path(name)
    if path.is_file():
        return parse(path.read_bytes(), name)
    if path.suffix in (".yaml", ".yml") and name.removesuffix(path.suffix) not in shipped():
        raise ConfigError("TARIFF_FILE", where=name, what="there is no such file", do="name a tariff file that exists")
    return find(name)
