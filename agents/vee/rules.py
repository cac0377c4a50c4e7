"""The thresholds in force: those of the topology, or of the rule set that a control record has put in force.

A rule set is a document `rules/<name>.yaml` with fields of `agents.vee.config.Thresholds`; what it leaves out is as the
topology says. Every result depends on the version that is in force, never on a file that may change.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from agents.vee.config import Thresholds, VeeConfig
from pipeline.errors import ConfigError

FOLDER, ENDING = "rules/", ".yaml"


def in_force(config: VeeConfig, documents: Mapping[str, bytes]) -> VeeConfig:
    """`config` with the thresholds of the rule set among `documents`; raises ConfigError for one that is not right."""
    names = sorted(name for name in documents if name.startswith(FOLDER) and name.endswith(ENDING))
    if not names:
        return config
    if len(names) > 1:
        raise ConfigError(
            "RULES_SEVERAL", where=", ".join(names), what="there are several rule sets", do="put one of them in force"
        )
    where = names[0]
    return _with(config, _read(documents[where], where), where)


def _read(text: bytes, where: str) -> dict[str, Any]:
    try:
        data = YAML(typ="safe", pure=True).load(io.BytesIO(text))
    except YAMLError as error:
        raise ConfigError("RULES_YAML", where=where, what=str(error), do="correct the YAML") from error
    if not isinstance(data, dict):
        raise ConfigError("RULES_FAULT", where=where, what="no fields", do="write `field: value` lines")
    return data


def _with(config: VeeConfig, data: dict[str, Any], where: str) -> VeeConfig:
    try:
        Thresholds.model_validate(data)
        return VeeConfig.model_validate({**config.model_dump(), **data})
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'rules'}: {e['msg']}" for e in error.errors())
        raise ConfigError("RULES_FAULT", where=where, what=faults, do="correct the rule set") from error
