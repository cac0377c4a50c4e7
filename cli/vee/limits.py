"""Which limits, rules and day types hold: those of documents where some are named, else the defaults."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from agents.vee.config import Thresholds
from agents.vee.rules import in_force
from agents.vee.series.model import Grid
from pipeline.columns import Array
from pipeline.errors import ConfigError
from pipeline.rules import Severity

RULE_SETS = "agents.vee.rulesets"


@dataclass(frozen=True)
class Limits:
    """What holds for one series: thresholds, rules that are off, severities that are not the table's, versions."""

    thresholds: Thresholds = field(default_factory=Thresholds)
    off: frozenset[str] = frozenset()
    severities: Mapping[str, Severity] = field(default_factory=dict)
    version: str = ""


class RuleSets:
    """The documents of `--rules`."""

    def __init__(self, path: Path | None) -> None:
        self._documents: Any = None
        self._plain = Limits()
        if path is None:
            return
        try:
            text = path.read_bytes()
        except OSError as error:
            raise ConfigError(
                "FILE_UNREADABLE", where=str(path), what=error.strerror or str(error), do="name a file that is there"
            ) from error
        library = _library(RULE_SETS)
        if library is None:
            self._plain = Limits(_plain(text, path.name), version=path.name)
        else:
            self._documents = library.load({path.name: text})

    def of(self, id: str, day: int) -> Limits:
        """What holds for a series on a local day (since 1970-01-01), its first."""
        if self._documents is None:
            return self._plain
        library = _library(RULE_SETS)
        facts = library.Facts(service_point=int(id) if id.isdecimal() else 0)
        chosen = library.resolve(self._documents, facts, day)
        said = {code: _severity(str(value)) for code, value in chosen.severities.items()}
        # A rule in shadow flags and is counted, and changes nothing.
        shadow = dict.fromkeys(chosen.shadow, Severity.INFORMATION)
        return Limits(chosen.thresholds, chosen.off, {**said, **shadow}, chosen.version)


def _library(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        return None


def _severity(text: str) -> Severity:
    return Severity(text)


def _plain(text: bytes, name: str) -> Thresholds:
    """A document of thresholds alone."""
    from agents.vee.config import VeeConfig

    found = in_force(VeeConfig.model_validate({}), {f"rules/{Path(name).stem}.yaml": text})
    return Thresholds.model_validate({field: getattr(found, field) for field in Thresholds.model_fields})


def day_types(grid: Grid, state: str | None) -> Array:
    """u1 (days,): Monday 0 to Sunday 6, holidays of an Indian state 6; raises ConfigError."""
    if state is None:
        return grid.day_type
    library = _library(RULE_SETS)
    if library is None:
        raise ConfigError("HOLIDAYS_MISSING", where="--holidays", what="no calendar of holidays is installed",
                          do="leave it out")  # fmt: skip
    return np.asarray(library.day_types(state, int(grid.day[0]), int(grid.day[-1])), np.uint8)
