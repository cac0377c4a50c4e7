"""The rule sets in force: documents `rules/<name>.yaml` that a control record has put in force.

What they say of all service points and always takes the place of the topology's thresholds; the rest becomes a table of
limits (`agents.vee.limits`). Every result depends on the versions that are in force, never on a file that may change.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from agents.vee.config import VeeConfig
from agents.vee.rulesets.lint import load
from agents.vee.rulesets.read import RuleSet
from agents.vee.rulesets.resolve import rank
from agents.vee.rulesets.stream import holds_always
from pipeline.errors import ConfigError

FOLDER, ENDING = "rules/", ".yaml"


def rule_sets(documents: Mapping[str, bytes]) -> list[RuleSet]:
    """Those among `documents`; raises ConfigError naming every error of all of them."""
    texts: dict[str, bytes | str] = {}
    for name in sorted(documents):
        if name.startswith(FOLDER) and name.endswith(ENDING):
            try:
                texts[name] = documents[name].decode()
            except UnicodeDecodeError as error:
                raise ConfigError("RULES_FAULT", where=name, what=str(error), do="write it as UTF-8 text") from error
    return load(texts) if texts else []


def in_force(config: VeeConfig, sets: Sequence[RuleSet]) -> VeeConfig:
    """`config` with the thresholds that hold for all service points and always; raises ConfigError for impossible ones.

    Those of a rule set of another utility, or one that a later version of its own replaces, do not.
    """
    versions = Counter((one.name, one.utility) for one in sets)
    statements = [
        (rank(statement), one.name, statement)
        for one in sets
        for statement in one.statements
        if holds_always(one, statement)
        and one.utility in (None, config.utility)
        and versions[one.name, one.utility] == 1
    ]
    said: dict[str, Any] = {}
    for _, _, statement in sorted(statements, key=lambda item: item[:2]):
        said |= statement.thresholds
    if not said:
        return config
    try:
        return VeeConfig.model_validate({**config.model_dump(), **said})
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'rules'}: {e['msg']}" for e in error.errors())
        where = ", ".join(one.place.file for one in sets)
        raise ConfigError("RULES_FAULT", where=where, what=faults, do="correct the rule set") from error
