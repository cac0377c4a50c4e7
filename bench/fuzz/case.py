"""The case: how many frames, of which seed, and the bounds."""

from __future__ import annotations

from pydantic import Field
from ruamel.yaml import YAML

from bench.case import FOLDER, Strict


class FuzzCase(Strict):
    """`bench/cases/fuzz/experiment.yaml`."""

    name: str
    question: str
    frames: int = Field(ge=1, description="frames of a whole run")
    batch_frames: int = Field(ge=1, le=6000, description="frames of a batch: batch n has those from n times as many")
    seed: int = Field(ge=0, description="the same seed gives the same frames")
    batch_secs: float = Field(gt=0, description="a batch that takes longer hangs")
    oracle_batches: int = Field(ge=1, description="one batch of so many has a device's frames compared")
    lane_octets: int = Field(ge=0, description="of a batch, that the decoder for single frames may read")
    lane_batches: int = Field(ge=1, description="one batch of so many is bounded as in a topology")
    reach_frames: int = Field(ge=1, description="frames that are decoded without compiled kernels")


def read_fuzz_case() -> FuzzCase:
    """The case as it is kept."""
    path = FOLDER / "fuzz" / "experiment.yaml"
    return FuzzCase.model_validate(YAML(typ="safe").load(path.read_text(encoding="utf-8")))
