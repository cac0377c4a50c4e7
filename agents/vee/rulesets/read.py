"""A rule-set document with places -> what it says, as statements; what is wrong with it by itself -> findings.

A statement is the document's own part, one of its sets, or one of its overrides. Days are counted from 1970-01-01.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from difflib import get_close_matches
from enum import IntEnum
from pathlib import PurePosixPath
from typing import Any

from pydantic import BaseModel, ValidationError

from agents.vee.config import Thresholds
from agents.vee.rulesets.findings import RuleFinding, found
from agents.vee.rulesets.model import DocumentKeys, OverrideKeys, RuleChoice, SetKeys
from pipeline.rules import RULE_BIT
from pipeline.topology.findings import Place
from pipeline.topology.load import Document, Path, parse

EVER, NEVER = -(2**31), 2**31
"""Bounds of a period without begin, without end."""

EPOCH = date(1970, 1, 1)


class Scope(IntEnum):
    """Whom a statement is about; the larger is the more specific and wins."""

    DEFAULT = 0
    UTILITY = 1
    METER_MODEL = 2
    TARIFF_CATEGORY = 3
    MODEL_AND_CATEGORY = 4
    SERVICE_POINT = 5

    @property
    def words(self) -> str:
        """For people."""
        return self.name.lower().replace("_", " ")


@dataclass(frozen=True)
class Statement:
    """One part of a document: whom it is about, from day `start` and before day `end`, and what it says of them.

    `rules` has the rules of the table alone, `thresholds` valid fields of Thresholds alone.
    """

    place: Place
    scope: Scope
    start: int = EVER
    end: int = NEVER
    utility: str | None = None
    tariff_category: str | None = None
    meter_model: str | None = None
    service_point: int | None = None
    thresholds: Mapping[str, Any] = field(default_factory=dict)
    rules: Mapping[str, RuleChoice] = field(default_factory=dict)
    places: Mapping[str, Place] = field(default_factory=dict)
    reason: str = ""
    author: str = ""

    def place_of(self, name: str) -> Place:
        """Where it says something of a threshold or rule."""
        return self.places.get(name, self.place)


@dataclass(frozen=True)
class RuleSet:
    """One version of a rule set. `digest`: SHA-256 of its text, the first 12 hex digits."""

    name: str
    version: str
    digest: str
    place: Place
    start: int
    end: int
    utility: str | None
    statements: tuple[Statement, ...]

    @property
    def label(self) -> str:
        """Name and version, for a record."""
        return f"{self.name} {self.version}"


def read(text: str, file: str) -> tuple[RuleSet | None, list[RuleFinding]]:
    """The rule set in `text`, None when nothing can be made of it, and every fault that it has by itself."""
    document = parse(text.replace("$", "$$"), file=file, variables={})
    findings = [found(one.code, one.place, one.message, one.hint) for one in document.findings]
    if not isinstance(document.data, dict):
        if not findings:
            findings.append(found("RULE_SET_EMPTY", Place(file, 1, 1), "there are no fields"))
        return None, findings
    reader = _Reader(document, findings)
    return reader.rule_set(hashlib.sha256(text.encode()).hexdigest()[:12]), findings


def day_number(day: date | None, otherwise: int) -> int:
    """Days since 1970-01-01."""
    return otherwise if day is None else (day - EPOCH).days


@dataclass
class _Reader:
    document: Document
    findings: list[RuleFinding]

    def rule_set(self, digest: str) -> RuleSet | None:
        keys, own = self._part((), self.document.data, DocumentKeys)
        utility = getattr(keys, "utility", None)
        statements = [Statement(scope=Scope.DEFAULT if utility is None else Scope.UTILITY, utility=utility, **own)]
        data = self.document.data
        for index, item in enumerate(_items(data, "sets")):
            statements += self._set(("sets", index), item, utility)
        for index, item in enumerate(_items(data, "overrides")):
            statements += self._override(("overrides", index), item, utility)
        if not isinstance(keys, DocumentKeys):
            return None
        start, end = self._period((), keys.valid_from, keys.valid_to, "valid_to")
        name = keys.name or PurePosixPath(self.document.file).name.removesuffix(".yaml").removesuffix(".yml")
        version = keys.version or digest
        place = self.document.place(())
        return RuleSet(name, version, digest, place, start, end, utility, tuple(statements))

    def _set(self, path: Path, item: Any, utility: str | None) -> list[Statement]:
        keys, own = self._part(path, item, SetKeys)
        if not isinstance(keys, SetKeys):
            return []
        scope = {
            (True, True): Scope.MODEL_AND_CATEGORY, (True, False): Scope.METER_MODEL,
            (False, True): Scope.TARIFF_CATEGORY,
        }.get((keys.meter_model is not None, keys.tariff_category is not None))  # fmt: skip
        if scope is None:
            self._say("FIELD_MISSING", path, "a set without tariff_category and meter_model",
                      "name one of them, or both; what is for all stands in the document itself")  # fmt: skip
            return []
        start, end = self._period(path, keys.valid_from, keys.valid_to, "valid_to")
        self._says_something(path, item, type(keys))
        return [Statement(scope=scope, start=start, end=end, utility=utility, tariff_category=keys.tariff_category,
                          meter_model=keys.meter_model, **own)]  # fmt: skip

    def _override(self, path: Path, item: Any, utility: str | None) -> list[Statement]:
        keys, own = self._part(path, item, OverrideKeys)
        if not isinstance(keys, OverrideKeys):
            return []
        start, end = self._period(path, keys.start, keys.end, "end")
        self._says_something(path, item, type(keys))
        return [Statement(scope=Scope.SERVICE_POINT, start=start, end=end, utility=utility,
                          service_point=keys.service_point, reason=keys.reason, author=keys.author, **own)]  # fmt: skip

    # ------------------------------------------------------------------------------------------------ one part

    def _part(self, path: Path, item: Any, model: type[BaseModel]) -> tuple[BaseModel | None, dict[str, Any]]:
        """(its keys, None when they cannot be read; place, thresholds, rules and their places)."""
        place = self.document.place(path)
        if not isinstance(item, dict):
            self._say("VALUE_INVALID", path, "this is no mapping", "write `field: value` lines")
            return None, {"place": place}
        mine = {name: value for name, value in item.items() if name in model.model_fields}
        others = {name: value for name, value in item.items() if name not in model.model_fields}
        rules, rule_places = self._rules(path, mine.pop("rules", None))
        thresholds = self._thresholds(path, others, model)
        places = {name: self.document.key_place((*path, name)) for name in thresholds} | rule_places
        own = {"place": place, "thresholds": thresholds, "rules": rules, "places": places}
        return self._keys(path, mine, model), own

    def _keys(self, path: Path, mine: dict[str, Any], model: type[BaseModel]) -> BaseModel | None:
        try:
            return model.model_validate(mine)
        except ValidationError as error:
            for fault in error.errors():
                self._key_fault(path, str(fault["loc"][0]), fault, model)
        return None

    def _key_fault(self, path: Path, name: str, fault: Any, model: type[BaseModel]) -> None:
        if model is OverrideKeys and name in ("reason", "author"):
            self._say(f"OVERRIDE_{name.upper()}", (*path, name), f"an override without {name}")
        elif fault["type"] == "missing":
            self._say("FIELD_MISSING", path, f"`{name}` is not there", model.model_fields[name].description)
        else:
            self._say("VALUE_INVALID", (*path, name), f"`{name}`: {fault['msg']}", model.model_fields[name].description)

    def _thresholds(self, path: Path, given: dict[str, Any], model: type[BaseModel]) -> dict[str, Any]:
        known = {}
        for name, value in given.items():
            if name in Thresholds.model_fields:
                known[name] = value
                continue
            near = get_close_matches(name, [*Thresholds.model_fields, *model.model_fields], 1)
            hint = f"did you mean `{near[0]}`?" if near else None
            self._say("FIELD_UNKNOWN", (*path, name), f"`{name}` is no field here", hint, at_key=True)
        try:
            valid = Thresholds.model_validate(known)
        except ValidationError as error:
            for fault in error.errors():
                name = str(fault["loc"][0]) if fault["loc"] else ""
                hint = Thresholds.model_fields[name].description if name in Thresholds.model_fields else None
                self._say(
                    "VALUE_INVALID", (*path, name) if name else path, f"{name or 'thresholds'}: {fault['msg']}", hint
                )
                known.pop(name, None)
            return known
        return {name: getattr(valid, name) for name in known}

    def _rules(self, path: Path, given: Any) -> tuple[dict[str, RuleChoice], dict[str, Place]]:
        if given is None:
            return {}, {}
        if not isinstance(given, dict):
            self._say("VALUE_INVALID", (*path, "rules"), "`rules` is no mapping", "write `V14: off`")
            return {}, {}
        rules, places = {}, {}
        for code, value in given.items():
            where = (*path, "rules", code)
            if code not in RULE_BIT:
                near = get_close_matches(code.upper(), list(RULE_BIT), 1)
                hint = f"did you mean {near[0]}?" if near else None
                self._say("RULE_UNKNOWN", where, f"`{code}` is no rule", hint, at_key=True)
                continue
            try:
                rules[code] = RuleChoice.model_validate(value)
                places[code] = self.document.key_place(where)
            except ValidationError as error:
                for fault in error.errors():
                    self._say("VALUE_INVALID", (*where, *fault["loc"]), f"`{code}`: {fault['msg']}",
                              "write on, off, shadow, or {run: shadow, severity: warning}")  # fmt: skip
        return rules, places

    def _period(self, path: Path, first: date | None, end: date | None, name: str) -> tuple[int, int]:
        period = day_number(first, EVER), day_number(end, NEVER)
        if period[0] >= period[1]:
            self._say("END_BEFORE_START", (*path, name), f"it ends on {end} and begins on {first}")
        return period

    def _says_something(self, path: Path, item: Mapping[str, Any], model: type[BaseModel]) -> None:
        if not item.get("rules") and not item.keys() - model.model_fields.keys():
            self._say("SAYS_NOTHING", path, "no threshold and no rule stands here")

    def _say(self, code: str, path: Path, message: str, hint: str | None = None, *, at_key: bool = False) -> None:
        place = self.document.key_place(path) if at_key else self.document.place(path)
        self.findings.append(found(code, place, message, hint))


def _items(data: Mapping[str, Any], name: str) -> list[Any]:
    items = data.get(name)
    return items if isinstance(items, list) else []
