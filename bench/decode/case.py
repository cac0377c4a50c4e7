"""The case: load, rounds, goals."""

from __future__ import annotations

from pydantic import Field
from ruamel.yaml import YAML

from bench.case import FOLDER, Strict


class DecodeGoals(Strict):
    """Of the encrypted block pushes."""

    frames_per_s: float = Field(gt=0, description="a second a core")
    times_gurux: float = Field(gt=0, description="frames a second over those of gurux-dlms with its own cipher")
    share_of_libcrypto: float = Field(gt=0, description="frames a second over those that libcrypto only opens")


class DecodeCase(Strict):
    """`bench/cases/decode/experiment.yaml`."""

    name: str
    question: str
    unsaid: str
    meters: int = Field(ge=1, description="service points, with a meter each: a round is a push of each")
    profile_meters: int = Field(ge=1, description="the same for day profiles")
    batch_frames: int = Field(ge=1, le=6000, description="frames of a record, as connectors gather under load")
    profile_batch_frames: int = Field(ge=1, le=6000, description="the same for day profiles")
    rounds: int = Field(ge=1, description="how often all take turns; the median counts")
    seed: int = Field(ge=0, description="the same seed gives the same frames")
    gurux_secs: float = Field(ge=0, description="CPU seconds that gurux-dlms has in a round, with each cipher")
    least_gurux_frames: int = Field(ge=1, description="frames that it reads even if that takes longer")
    goals: DecodeGoals

    @property
    def load(self) -> dict[str, int]:
        """What a result is of."""
        return self.model_dump(include={"meters", "profile_meters", "batch_frames", "profile_batch_frames", "seed"})


def read_decode_case() -> DecodeCase:
    """The case as it is kept."""
    path = FOLDER / "decode" / "experiment.yaml"
    return DecodeCase.model_validate(YAML(typ="safe").load(path.read_text(encoding="utf-8")))
