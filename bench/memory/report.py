"""What state takes, as a JSON object: by stage and area, in all, resident, and a service point."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np

from agents.vee.state import PLANE, POINT
from bench.memory.account import Account
from pipeline.runtime.chain import Chain
from pipeline.state import StateStore


class StateReport:
    """Gathers the state of partitions, one after the other."""

    def __init__(self) -> None:
        self._account = Account()
        self._keys: Counter[str] = Counter()
        self._slots: Counter[str] = Counter()
        self.points = 0
        self.planes = 0

    def add(self, stage: str, store: StateStore) -> None:
        """A stage's state in one partition."""
        self._account.add_store(stage, store)
        self._keys[stage] += int(store.used.sum())
        self._slots[stage] += len(store.keys)
        if stage == "vee":
            kinds = store.areas["hot"].flat[0]["kind"]
            self.points += int(np.count_nonzero(kinds == POINT))
            self.planes += int(np.count_nonzero(kinds == PLANE))

    def add_chains(self, chains: Iterable[Chain]) -> None:
        """All stages of a topology's partitions in this process."""
        for chain in chains:
            for stage, store in zip(chain.plan.stages, chain.stores, strict=True):
                self.add(stage.name, store)

    def close(self) -> dict[str, Any]:
        """service_points; areas and stages, each {"stage", "area", "octets", "resident", "octets_a_point",
        "resident_a_point"}; stages also {"rows", "slots"}: taken and there are; of VEE {"planes"}; total."""
        self._account.close()
        areas = [
            {"stage": stage, "area": area, **self._sizes([(stage, area)])} for stage, area in self._account.allotted
        ]
        stages = []
        for stage, rows in self._keys.items():
            found = {
                "stage": stage, "rows": rows, "slots": self._slots[stage],
                **self._sizes(key for key in self._account.allotted if key[0] == stage),
            }  # fmt: skip
            stages.append(found | ({"planes": self.planes} if stage == "vee" else {}))
        total = self._sizes(self._account.allotted)
        return {"service_points": self.points, "areas": areas, "stages": stages, "total": total}

    def _sizes(self, keys: Iterable[tuple[str, str]]) -> dict[str, Any]:
        taken = list(keys)
        octets, resident = (
            sum(sizes[key] for key in taken) for sizes in (self._account.allotted, self._account.resident)
        )
        points = self.points
        return {
            "octets": octets,
            "resident": resident,
            "octets_a_point": round(octets / points, 1) if points else None,
            "resident_a_point": round(resident / points, 1) if points else None,
        }
