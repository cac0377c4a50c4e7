"""Cases: what is measured, with which load, against which gate. Each is a folder in `bench/cases`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer
from ruamel.yaml import YAML

from connectors.simulator.burst import BurstPlan
from pipeline.errors import ConfigError
from pipeline.localtime import DAY_SECS

FOLDER = Path(__file__).parent / "cases"

EVENING_INTERVALS = 8
"""Intervals before the first midnight: from 20:00 on with half hours."""

OPENING = 1
"""Intervals that are sent before the measured ones."""

MOST_MIDNIGHTS = 4
"""The truth knows days that are settled and days that leave VEE's window, not those that leave the window of losses."""


class Strict(BaseModel):
    """Unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Load(Strict):
    """Meters that push every interval, or a whole day of intervals once a day, in an order that is another one each
    time; a hundredth at fault."""

    meters: int = Field(ge=1, description="service points, with a meter each")
    frames: int = Field(ge=1, description="pushes that are measured, at least; each meter sends as many")
    batch_frames: int = Field(4000, ge=1, le=6000, description="frames of a record, as connectors gather under load")
    seed: int = Field(1, ge=0, description="the same seed gives the same bytes")
    faults: bool = Field(True, description="whether a hundredth of the pushes is at fault")
    late_permille: int = Field(0, ge=0, le=1000, description="of a thousand pushes, those sent later than due")
    rows: Literal[1, 48] = Field(1, description="intervals of a frame: 1, or those of a day, which is sent at its end")
    rate: float = Field(0, ge=0, description="frames a second that are offered; 0: as fast as they are taken")

    @model_serializer(mode="wrap")
    def _as_it_was(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without `rows` where a frame has one, so that results from before there were profiles stay comparable."""
        said: dict[str, Any] = serialize(self)
        return said if self.rows > 1 else {name: value for name, value in said.items() if name != "rows"}

    @property
    def sendings(self) -> int:
        """Frames of each meter: one that opens the log, so that every meter has its state, and those measured."""
        return OPENING + -(-self.frames // self.meters)

    @property
    def intervals(self) -> int:
        """Intervals that are sent of each meter."""
        return self.sendings * self.rows

    @property
    def first(self) -> int:
        """Number of the first frame: that of a day, or an interval of the evening, so that a midnight comes soon."""
        if self.rows > 1:
            return 1
        return DAY_SECS // 1800 - min(EVENING_INTERVALS, max(1, self.sendings // 2)) + 1

    @property
    def pushes(self) -> range:
        """Numbers of the frames of each meter."""
        return range(self.first, self.first + self.sendings)

    @property
    def numbers(self) -> range:
        """Numbers of the intervals that are sent; interval 1 begins at the plan's first midnight."""
        return range((self.first - 1) * self.rows + 1, (self.pushes.stop - 1) * self.rows + 1)

    def plan(self, partitions: int) -> BurstPlan:
        """What the generator is told; raises ConfigError when the run is longer than the truth reaches."""
        plan = BurstPlan(
            self.meters, partitions, seed=self.seed, faults=self.faults, late_permille=self.late_permille,
            first=self.first, rows=self.rows,
        )  # fmt: skip
        midnights = (self.numbers[-1] * plan.interval_secs) // DAY_SECS
        if midnights > MOST_MIDNIGHTS:
            raise ConfigError(
                "BENCH_TOO_LONG",
                where=f"{self.frames} frames of {self.meters} meters",
                what=f"{self.intervals} intervals reach over {midnights} midnights, the truth over {MOST_MIDNIGHTS}",
                do="use more meters, or fewer frames",
            )
        return plan


class NaiveLoad(Strict):
    """What the naive way is given; it is measured for `secs`, once with each cipher."""

    meters: int = Field(50_000, ge=1)
    frames: int = Field(150_000, ge=1)
    secs: float = Field(25.0, gt=0)
    ciphers: tuple[Literal["gurux", "cryptography"], ...] = ("gurux", "cryptography")


class PeerWay(Strict):
    """One way to run a peer: what decrypts, and how many threads work (0: as many as its settings say)."""

    cipher: str
    threads: int = Field(0, ge=0)

    @property
    def name(self) -> str:
        """For folders and reports."""
        return f"{self.cipher}-{self.threads}" if self.threads else self.cipher


class PeerLoad(Strict):
    """What a peer (bench.peers) is given: the same kind of frames, so many that it is measured for `least_secs`."""

    meters: int = Field(50_000, ge=1)
    frames: int = Field(200_000, ge=1, description="at least; whole intervals are sent, more when it was too short")
    warm_up: int = Field(50_000, ge=0, description="of them, those that are done before the clock starts")
    least_secs: float = Field(25.0, ge=0)
    most_turns: int = Field(3, ge=1, description="how often it is tried with more frames")
    ways: tuple[PeerWay, ...] = Field(min_length=1, description="each is measured, the best of them counts")


class Case(Strict):
    """One experiment."""

    name: str
    question: str
    unsaid: str = Field("", description="what the numbers do not say: on the page, as Markdown")
    unit: str
    gate: float
    goal: float
    load: Load
    naive: NaiveLoad = Field(default_factory=NaiveLoad)
    peer: PeerLoad | None = Field(None, description="of cases that compare with a peer")
    also: dict[str, float] = Field(
        default_factory=dict, description="figures of a run that may be at most so large, for the goal to be met"
    )
    environment: dict[str, str] = Field(default_factory=dict, description="settings of the processes")
    better: Literal["more", "less"] = Field("more", description="which side of gate and goal is the good one")
    runs: int = Field(5, ge=1, description="how often it is measured; the median counts")
    cpus: int = Field(0, ge=0, description="CPUs that everything is kept on; 0: all")
    memory_gib: float = Field(0, ge=0, description="memory that the machine must have")


def read_case(name: str) -> Case:
    """The case in `bench/cases/<name>/experiment.yaml`."""
    path = FOLDER / name / "experiment.yaml"
    return Case.model_validate(YAML(typ="safe").load(path.read_text(encoding="utf-8")))
