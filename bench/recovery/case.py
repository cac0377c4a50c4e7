"""The case: load, rates, goals."""

from __future__ import annotations

from pydantic import Field
from ruamel.yaml import YAML

from bench.case import FOLDER, Case, Load, NaiveLoad, Strict


class RecoveryCase(Strict):
    """`bench/cases/recovery/experiment.yaml`."""

    name: str
    question: str
    first_output_goal_s: float
    lag_gone_goal_s: float
    load: Load
    share: float = Field(gt=0, lt=1, description="of the capacity, fed while parts are killed")
    steady_secs: float = Field(gt=0, description="live load before each kill")
    most_secs: float = Field(gt=0, description="how long to wait until the lag is gone")
    tries: int = Field(ge=1, description="kills of each part")
    parts: tuple[str, ...] = Field(description="who is killed; the goals are those of the first")
    environment: dict[str, str] = Field(default_factory=dict, description="settings of the processes")

    def as_case(self) -> Case:
        """For the processes."""
        return Case(
            name=self.name, question=self.question, unit="s", gate=self.first_output_goal_s, goal=self.lag_gone_goal_s,
            load=self.load, naive=NaiveLoad(), environment=self.environment,
        )  # fmt: skip


def read_recovery_case() -> RecoveryCase:
    """The case as it is kept."""
    path = FOLDER / "recovery" / "experiment.yaml"
    return RecoveryCase.model_validate(YAML(typ="safe").load(path.read_text(encoding="utf-8")))
