"""The JSON schema of a rule-set document, for editors: rendered to schemas/rule-set.schema.json."""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel

from agents.vee.config import Thresholds
from agents.vee.rulesets.model import DocumentKeys, OverrideKeys, Run, SetKeys
from pipeline.rules import RULES, Severity


def json_schema() -> str:
    """JSON Schema 2020-12, as text."""
    document = _part(DocumentKeys)
    document["properties"]["sets"]["items"] = {"$ref": "#/$defs/set"}
    document["properties"]["overrides"]["items"] = {"$ref": "#/$defs/override"}
    whole = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Kvarn rule set",
        "description": "Thresholds and rules of VEE by utility, tariff category, meter model and service point.",
        **document,
        "$defs": {
            "set": {**_part(SetKeys), "anyOf": [{"required": ["tariff_category"]}, {"required": ["meter_model"]}]},
            "override": _part(OverrideKeys),
            "rule": _rule(),
        },
    }
    return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"


def _part(model: type[BaseModel]) -> dict[str, Any]:
    own, thresholds = model.model_json_schema(), Thresholds.model_json_schema()
    properties = {name: _plain(value) for name, value in own["properties"].items()}
    properties["rules"] = {
        "type": "object",
        "description": own["properties"]["rules"]["description"],
        "properties": {rule.code: {"description": f"{rule.name}: {rule.why}", "$ref": "#/$defs/rule"}
                       for rule in RULES},
        "additionalProperties": False,
    }  # fmt: skip
    for name, value in thresholds["properties"].items():
        # A document that leaves a threshold out takes that of the place before it, not the default.
        properties[name] = {key: said for key, said in _plain(value).items() if key != "default"}
    part: dict[str, Any] = {"type": "object", "additionalProperties": False, "properties": properties}
    return part | ({"required": own["required"]} if "required" in own else {})


def _plain(value: dict[str, Any]) -> dict[str, Any]:
    """Without titles and nulls: what may be left out is left out."""
    kept = {key: said for key, said in value.items() if key not in ("title", "anyOf") and said is not None}
    for choice in value.get("anyOf", ()):
        if choice.get("type") != "null":
            kept |= choice
    return kept


def _rule() -> dict[str, Any]:
    runs, severities = [run.value for run in Run], [severity.value for severity in Severity]
    return {
        "oneOf": [
            {"enum": runs},
            {
                "type": "object",
                "additionalProperties": False,
                "properties": {"run": {"enum": runs}, "severity": {"enum": severities}},
            },
        ]
    }
