"""Version 1 of the tariff file as version 2: the same lines, to the paisa."""

from __future__ import annotations

from agents.rating import tariff as version1
from agents.rating.engine.format.tariff import Tariff


def upgraded(old: version1.Tariff) -> Tariff:
    """The same tariff in version 2."""
    data = old.model_dump(exclude={"version", "zones"})
    data["version"] = 2
    data["calendar"] = {"zones": [zone.model_dump() for zone in old.zones]}
    for charge in data["charges"]:
        if charge["kind"] == "fixed":
            charge["per"] = "connection"
    return Tariff.model_validate(data)
