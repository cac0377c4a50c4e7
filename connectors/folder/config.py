"""Options of the folder connector."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from connectors.gather.config import GatherOptions
from connectors.readings_in.config import ReadingsOptions


class FolderConfig(ReadingsOptions):
    """`type: folder` in topologies.yaml; one process a folder."""

    path: Path = Field(Path("in"), description="folder that is watched; folders in it are not")
    pattern: str = Field("*", min_length=1, description="names of files that are taken, for example *.csv")
    done: Path = Field(Path("done"), description="where files go that were read; within `path` when relative")
    failed: Path = Field(
        Path("failed"), description="where files go that could not be read; within `path` when relative"
    )
    quiet_secs: float = Field(
        5.0, ge=0.0, le=3600.0, description="a file that has not changed for so long is complete; names that begin "
        "with a point or end in .tmp or .part are never taken: write under such a name, and rename"
    )  # fmt: skip
    look_secs: float = Field(1.0, gt=0.0, le=3600.0, description="how often the folder is looked at")
    gather: GatherOptions = Field(default_factory=lambda: GatherOptions(), description="batching and its bounds")
