"""The case: load, bounds, goals."""

from __future__ import annotations

from pydantic import Field
from ruamel.yaml import YAML

from bench.case import FOLDER, Strict
from connectors.simulator.burst import BurstPlan

LONG_MINUTES = 60.0
"""What the goals are about; a shorter run says less."""


class SoakGoals(Strict):
    """What memory may do."""

    slope_percent_per_hour: float = Field(gt=0, description="growth after the warm-up")
    most: float = Field(gt=1, description="largest value over the one at the base")


class SoakCase(Strict):
    """`bench/cases/soak/experiment.yaml`."""

    name: str
    question: str
    minutes: float = Field(gt=0, description="how long is pushed")
    meters: int = Field(ge=100, description="service points, with a meter each")
    mqtt_meters: int = Field(ge=0, description="of them, those that push over MQTT")
    connections: int = Field(ge=1, le=512, description="TCP connections")
    seed: int = Field(ge=0, description="the same seed gives the same frames")
    round_intervals: int = Field(ge=1, le=24, description="intervals under way at once")
    calibration_share: float = Field(gt=0, lt=1, description="of the run, to find what the parts can take")
    calibration_secs: float = Field(gt=0, description="for that, at most")
    overload: float = Field(gt=0, description="offered, in times of what the parts can take")
    behind_bytes: int = Field(gt=0, description="unread octets at which connectors stop reading")
    retention_bytes: int = Field(gt=0, description="what Kafka keeps of each partition")
    sample_secs: float = Field(gt=0, description="between two looks")
    goals: SoakGoals
    environment: dict[str, str] = Field(default_factory=dict, description="settings of the processes")

    @property
    def seconds(self) -> float:
        """How long is pushed."""
        return 60.0 * self.minutes

    @property
    def calibration(self) -> float:
        """Seconds from the first push until the rate is chosen."""
        return min(self.calibration_secs, self.calibration_share * self.seconds)

    @property
    def base_at(self) -> float:
        """Seconds from the first push: memory is compared with what it was then. Ten minutes of an hour."""
        return min(600.0, self.seconds / 6)

    @property
    def warm_at(self) -> float:
        """Seconds from the first push: growth is measured from then on. Twenty minutes of an hour."""
        return min(1200.0, self.seconds / 3)

    def plan(self) -> BurstPlan:
        """What the generator is told: a partition is a connection. All pushes are good, so that each is a row."""
        return BurstPlan(self.meters, self.connections, seed=self.seed, faults=False)


def read_soak_case() -> SoakCase:
    """The case as it is kept."""
    path = FOLDER / "soak" / "experiment.yaml"
    return SoakCase.model_validate(YAML(typ="safe").load(path.read_text(encoding="utf-8")))
