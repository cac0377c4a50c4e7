"""The case: load, rounds, goals."""

from __future__ import annotations

from pydantic import Field
from ruamel.yaml import YAML

from bench.case import FOLDER, Strict


class VeeGoals(Strict):
    """Interval readings a second a core: one channel of one interval is one."""

    profile: float = Field(gt=0, description="of day profiles")
    single: float = Field(gt=0, description="of frames with one interval")


class VeeCase(Strict):
    """`bench/cases/vee/experiment.yaml`."""

    name: str
    question: str
    unsaid: str
    meters: int = Field(ge=1, description="service points with frames of one interval")
    profile_meters: int = Field(ge=1, description="the same with frames of a day")
    series_meters: int = Field(ge=1, description="whole series that are judged and filled in a round")
    series_days: int = Field(ge=2, description="days of such a series")
    batch_frames: int = Field(ge=1, le=6000, description="frames of a record, as connectors gather under load")
    profile_batch_frames: int = Field(ge=1, le=6000, description="the same for day profiles")
    rounds: int = Field(ge=1, description="how often it is measured, a day of all meters each; the median counts")
    seed: int = Field(ge=0, description="the same seed gives the same readings")
    missing: float = Field(ge=0, le=0.2, description="share of intervals that never come")
    spikes: float = Field(ge=0, le=0.02, description="share of intervals whose reading is a spike")
    plants: int = Field(ge=0, description="one meter in so many exports by day; 0: none, 1: all")
    goals: VeeGoals

    @property
    def load(self) -> dict[str, float]:
        """What a result is of."""
        return self.model_dump(exclude={"name", "question", "unsaid", "rounds", "goals"})


def read_vee_case() -> VeeCase:
    """The case as it is kept."""
    path = FOLDER / "vee" / "experiment.yaml"
    return VeeCase.model_validate(YAML(typ="safe").load(path.read_text(encoding="utf-8")))
