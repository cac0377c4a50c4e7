"""What is said of one APDU, for people and for JSON."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from agents.decode.single.octets import FrameError, Section
from pipeline.axdr import Datum

_HIDDEN = ("sections", "places", "repeats", "measured", "stamps", "clock", "profile", "rows", "word")
"""Fields that are not said as they are."""


@dataclass
class Described:
    """One APDU: what it says, or `error` {code, reason}; both when only a part can be read.

    `template`: by which table its values were read, and whether that was verified; None when the frame names them
    itself. `details`: what else it says. `data`: its whole generic decode where no value could be named.

    Not said, but for those who go on with it: `measured`: numbers whose scale is known, exactly, by the code that they
    have among the values, with their unit ("" for none). `stamps`: date-times among the values, `clock`: that of the
    notification or push, 12 octets each. `profile`: logical name of an Indian push's profile, `rows`: those of its
    buffer. `word`: an event status word.
    """

    framing: str
    apdu: str | None = None
    device: str | None = None
    time: str | None = None
    values: dict[str, Any] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    error: dict[str, str] | None = None
    template: dict[str, Any] | None = None
    details: dict[str, Any] = field(default_factory=dict)
    data: Any = None
    sections: list[Section] = field(default_factory=list, repr=False)
    places: dict[int, str] = field(default_factory=dict, repr=False)
    repeats: dict[str, int] = field(default_factory=dict, repr=False)
    measured: dict[str, tuple[Decimal, str]] = field(default_factory=dict, repr=False)
    stamps: dict[str, bytes] = field(default_factory=dict, repr=False)
    clock: bytes = field(default=b"", repr=False)
    profile: str = field(default="", repr=False)
    rows: list[Described] = field(default_factory=list, repr=False)
    word: int | None = field(default=None, repr=False)

    def place(self, datum: Datum, code: str) -> None:
        """The value of `code` stands there, in the last section."""
        self.places[datum.start] = code

    def fail(self, error: FrameError) -> None:
        """Say why, unless a reason was said before."""
        if self.error is None:
            self.error = {"code": error.code, "reason": error.reason}

    def as_dict(self, *, explain: bool = False) -> dict[str, Any]:
        """For JSON; with `explain` every range of octets too."""
        found = {name: value for name, value in vars(self).items() if name not in _HIDDEN}
        if explain:
            found["explain"] = self.explained()
        return found

    def explained(self) -> list[dict[str, Any]]:
        """Every section with its ranges of octets; `obis` where a range is the value of a code."""
        told = [section.as_dict() for section in self.sections]
        for part in told[-1]["parts"] if told else []:
            code = self.places.get(part["offset"])
            if code is not None:
                part["obis"] = code
        return told
