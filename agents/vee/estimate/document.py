"""The document `estimates.yaml`: in which order the stream tries its methods, and how far off each is expected to be.

Keys of the document, of a class and of a step are models; what is wrong is told with its place in the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from agents.vee.estimate.errors import LENGTH_NAMES, MOST
from agents.vee.kernels_order import STEPS
from agents.vee.rulesets.findings import RuleFinding, found
from agents.vee.rulesets.model import version_text
from pipeline.codes import Method, Role
from pipeline.errors import ConfigError
from pipeline.localtime import DAY_SECS
from pipeline.topology.findings import Level, Place
from pipeline.topology.load import Document as Read
from pipeline.topology.load import Path, parse
from schemas.estimate_score import LoadClass

TRIED = (Method.LINEAR.name, Method.LIKE_DAY.name, Method.CARRIED.name)
"""Methods that the stream has; SCALED and FLAT are what registers make of them."""

MOST_SECS = 8 * DAY_SECS
"""The longest hot window."""

ROLES = tuple(role.name for role in Role)
LOADS = tuple(one.name for one in LoadClass)

ExpectedError = dict[str, Annotated[int, Field(ge=0, le=MOST)]]
"""Length of gap -> thousandths."""


def _one_of(value: str, known: Sequence[str], kind: str) -> str:
    if value not in known:
        near = get_close_matches(value.upper(), known, 1)
        raise ValueError(f"`{value}` is no {kind}; " + (f"did you mean {near[0]}?" if near else ", ".join(known)))
    return value


class StepKeys(BaseModel):
    """One entry of `order`: a method and its conditions."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    method: str = Field(description="LINEAR, LIKE_DAY or CARRIED")
    longest_secs: int | None = Field(
        None, ge=1, le=MOST_SECS, description="for gaps up to this; left out: any, of LINEAR `linear_secs`"
    )
    shortest_secs: int = Field(0, ge=0, le=MOST_SECS, description="for gaps from this on")
    least_days: int = Field(0, ge=0, le=7, description="LIKE_DAY: so many days must be there; left out: one")

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        return {"method": value} if isinstance(value, str) else value

    @field_validator("method")
    @classmethod
    def _known(cls, value: str) -> str:
        return _one_of(value, TRIED, "method that the stream can try")

    @model_validator(mode="after")
    def _possible(self) -> StepKeys:
        if self.longest_secs is not None and self.longest_secs < self.shortest_secs:
            raise ValueError("longest_secs is less than shortest_secs")
        if self.least_days and self.method != Method.LIKE_DAY.name:
            raise ValueError(f"least_days is of LIKE_DAY, not of {self.method}")
        return self


class _Said(BaseModel):
    """What may be said of all and of a class."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    order: tuple[StepKeys, ...] | None = Field(
        None, min_length=1, max_length=STEPS, description="methods, the one to be tried first first"
    )
    expected_error: dict[str, ExpectedError] = Field(
        default_factory=dict, description="method -> length of gap (1 h, 6 h, 1 d, 3 d) -> thousandths of the energy"
    )

    @field_validator("expected_error")
    @classmethod
    def _known(cls, value: dict[str, ExpectedError]) -> dict[str, ExpectedError]:
        for name, lengths in value.items():
            _one_of(name, tuple(Method.__members__), "method")
            for gap in lengths:
                _one_of(gap, LENGTH_NAMES, "length of gap")
        return value


class ClassKeys(_Said):
    """One entry of `classes`; the first that fits a service point is taken."""

    role: str | None = Field(None, description="CONSUMER, DT_METER or FEEDER_METER")
    tariffs: tuple[int, ...] | None = Field(None, min_length=1, description="numbers of tariffs in the registry")
    load_class: str | None = Field(None, description="band of sanctioned load, as the scorecard has them")
    note: str = Field("", description="why, for who reads it later")

    @field_validator("role")
    @classmethod
    def _role(cls, value: str | None) -> str | None:
        return value if value is None else _one_of(value, ROLES, "role")

    @field_validator("load_class")
    @classmethod
    def _load(cls, value: str | None) -> str | None:
        return value if value is None else _one_of(value, LOADS, "band of load")

    def holds(self, other: ClassKeys) -> bool:
        """Whether every service point of `other` is one of it."""
        tariffs = self.tariffs is None or (other.tariffs is not None and set(other.tariffs) <= set(self.tariffs))
        return tariffs and self.role in (None, other.role) and self.load_class in (None, other.load_class)


class Document(_Said):
    """The document itself; without keys: what is shipped holds."""

    version: str | None = Field(None, min_length=1, description="for people; left out: a digest of the document")
    note: str = Field("", description="why, for who reads it later")
    classes: tuple[ClassKeys, ...] = Field((), max_length=1000, description="what differs by class of service points")

    _text = field_validator("version", mode="before")(version_text)


def read(text: str, file: str) -> tuple[Document | None, list[RuleFinding]]:
    """The document in `text`, None when it has an error, and everything that is wrong with it, by line."""
    raw = parse(text.replace("$", "$$"), file=file, variables={})
    findings = [found(one.code, one.place, one.message, one.hint) for one in raw.findings]
    if findings:
        return None, findings
    if not isinstance(raw.data, dict):
        return None, [found("ESTIMATES_EMPTY", Place(file, 1, 1), "there are no fields")]
    try:
        document = Document.model_validate(raw.data)
    except ValidationError as error:
        return None, sorted(_faults(raw, error), key=lambda item: item.place)
    findings = [*_classes(document, raw), *_steps(document, raw)]
    wrong = any(item.level is Level.ERROR for item in findings)
    return None if wrong else document, sorted(findings, key=lambda item: item.place)


def load(text: str, file: str) -> Document:
    """The document in `text`; raises ConfigError naming every error."""
    document, findings = read(text, file)
    errors = [item for item in findings if item.level is Level.ERROR]
    if document is None or errors:
        raise ConfigError(
            "ESTIMATES_FAULT",
            where=str(errors[0].place),
            what="; ".join(f"{item.code} line {item.place.line}: {item.message}" for item in errors),
            do="correct it; `kvarn vee lint --estimates FILE` lists each fault with a hint",
        )
    return document


# ------------------------------------------------------------------------------------------------ findings


def _faults(raw: Read, error: ValidationError) -> Iterator[RuleFinding]:
    faults = error.errors()
    for fault in faults:
        # A list of nothing but faults is also too short.
        inside = any(one["loc"][: len(fault["loc"])] == fault["loc"] != one["loc"] for one in faults)
        if not (fault["type"] == "too_short" and inside):
            yield _fault(raw, fault)


def _fault(raw: Read, fault: Any) -> RuleFinding:
    path: Path = tuple(fault["loc"])
    while path and path not in raw.values and path not in raw.keys:
        path = path[:-1]
    name = ".".join(map(str, fault["loc"])) or "the document"
    if fault["type"] == "extra_forbidden":
        return found("ESTIMATES_KEY", raw.key_place(path), f"`{fault['loc'][-1]}` is no field here")
    if fault["type"] == "missing":
        return found("FIELD_MISSING", raw.place(path), f"`{fault['loc'][-1]}` is not there")
    message = str(fault["msg"]).removeprefix("Value error, ")
    return found("VALUE_INVALID", raw.place(path), f"{name}: {message}")


def _classes(document: Document, raw: Read) -> Iterator[RuleFinding]:
    for number, one in enumerate(document.classes):
        place = raw.place(("classes", number))
        if one.role is None and one.tariffs is None and one.load_class is None:
            yield found("FIELD_MISSING", place, "a class without role, tariffs and load_class",
                        "name one of them; what is for all stands in the document itself")  # fmt: skip
            continue
        if one.order is None and not one.expected_error:
            yield found("SAYS_NOTHING", place, "no order and no expected error stands here")
        if any(before.holds(one) for before in document.classes[:number]):
            yield found("ESTIMATES_NEVER", place, "a class before it has all of its service points")


def _steps(document: Document, raw: Read) -> Iterator[RuleFinding]:
    parts: list[tuple[Path, _Said]] = [((), document)]
    parts += [(("classes", number), one) for number, one in enumerate(document.classes)]
    for path, part in parts:
        steps = part.order or ()
        for number, step in enumerate(steps):
            if any(covers(before, step) for before in steps[:number]):
                place = raw.place((*path, "order", number))
                yield found("ESTIMATES_NEVER", place, f"an earlier step tries {step.method} wherever this one would")
        if steps and not any(_always(step) for step in steps):
            yield found("ESTIMATES_LEFT", raw.place((*path, "order")), "no CARRIED without conditions is among them")


def covers(one: StepKeys, other: StepKeys) -> bool:
    """Whether a step is tried wherever another, of the same method, would be."""
    longer = one.longest_secs == other.longest_secs or (one.longest_secs is None and (one.method != Method.LINEAR.name))
    longer = longer or (
        None not in (one.longest_secs, other.longest_secs) and ((one.longest_secs or 0) >= (other.longest_secs or 0))
    )
    within = one.shortest_secs <= other.shortest_secs and max(1, one.least_days) <= max(1, other.least_days)
    return one.method == other.method and within and longer


def _always(step: StepKeys) -> bool:
    return step.method == Method.CARRIED.name and step.longest_secs is None and not step.shortest_secs
