"""The error of a machine that lacks something; its exit code stands with the others in `cli.output`."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.errors import ConfigError


class MissingRequirement(ConfigError):
    """This machine lacks something that a service needs; `lacking` has a line for each, with what to install."""

    def __init__(self, lacking: Sequence[str]) -> None:
        super().__init__(
            "REQUIREMENT_MISSING",
            where="this machine",
            what="; ".join(lacking),
            do="install what is named and try again",
        )
        self.lacking = tuple(lacking)
