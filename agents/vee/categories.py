"""Tariff numbers of the registry -> the categories that rule sets name."""

from __future__ import annotations

import io
from collections.abc import Mapping

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from agents.vee.config import VeeConfig

FOLDER, ENDING = "tariffs/", ".yaml"


def categories_of(config: VeeConfig, documents: Mapping[str, bytes]) -> dict[int, str]:
    """What the topology says, else the `category` of the tariff document of that number.

    A document that is no tariff is left to the rating stage, which refuses it.
    """
    found: dict[int, str] = {}
    for name in sorted(documents):
        if not (name.startswith(FOLDER) and name.endswith(ENDING)):
            continue
        try:
            data = YAML(typ="base", pure=True).load(io.BytesIO(documents[name]))
        except YAMLError:
            continue
        if isinstance(data, dict) and str(data.get("number", "")).isdigit() and data.get("category"):
            found[int(data["number"])] = str(data["category"])
    return {**found, **config.tariff_categories}
