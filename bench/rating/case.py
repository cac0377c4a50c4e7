"""The case: load, rounds, goals."""

from __future__ import annotations

from pydantic import Field
from ruamel.yaml import YAML

from bench.case import FOLDER, Strict


class RatingGoals(Strict):
    """What is to be reached."""

    readings: float = Field(gt=0, description="intervals rated a second a core")
    close_secs: float = Field(gt=0, description="seconds of a month-end close, everything included")


class RatingCase(Strict):
    """`bench/cases/rating/experiment.yaml`."""

    name: str
    question: str
    unsaid: str
    meters: int = Field(ge=1, description="service points whose days are rated")
    batch_frames: int = Field(ge=1, le=6000, description="frames of a day that VEE took together")
    missing: float = Field(ge=0, le=0.2, description="share of intervals that VEE has estimated")
    consumers: int = Field(ge=50, description="bills of a round")
    sample: int = Field(ge=1, description="bills of a round compared with the reference engine")
    rounds: int = Field(ge=1, description="how often it is measured; the median counts")
    seed: int = Field(ge=0, description="the same seed gives the same consumers")
    net_metered: float = Field(ge=0, le=1, description="share of the consumers with a plant, set off by zone")
    demand: float = Field(ge=0, le=1, description="share billed by time of day and demand")
    changed: float = Field(ge=0, le=1, description="share with another tariff from some day on")
    close_consumers: int = Field(ge=1, description="consumers of the month-end close that is reckoned")
    goals: RatingGoals

    @property
    def load(self) -> dict[str, float]:
        """What a result is of."""
        return self.model_dump(exclude={"name", "question", "unsaid", "rounds", "goals"})


def read_rating_case() -> RatingCase:
    """The case as it is kept."""
    path = FOLDER / "rating" / "experiment.yaml"
    return RatingCase.model_validate(YAML(typ="safe").load(path.read_text(encoding="utf-8")))
