"""Options of the folder connector."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, model_validator

from connectors.gather.config import GatherOptions
from connectors.readings_in.config import ReadingsOptions

SUFFIXES: dict[str, str] = {
    ".json": "json", ".jsonl": "json", ".ndjson": "json", ".csv": "csv", ".avro": "avro", ".nem12": "nem12",
    ".mscons": "mscons", ".parquet": "parquet",
}  # fmt: skip
"""End of a file's name -> format. XML is not here: CIM and ESPI both are; nor .edi, which has many messages."""


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

    @model_validator(mode="after")
    def _of_files(self) -> FolderConfig:
        if self.format == "suffix" and (self.values or self.stamp == "start"):
            raise ValueError("format: name one when `values` or `stamp` are given, which do not mean the same in all")
        return self

    def of(self, path: Path) -> FolderConfig:
        """What holds of a file. One whose name tells no format keeps `suffix`, of which nothing can be read."""
        if self.format != "suffix":
            return self
        return self.model_copy(update={"format": SUFFIXES.get(path.suffix.lower(), "suffix")})
