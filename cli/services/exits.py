"""Exit codes of the service commands, and the error behind the one that is theirs alone."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.errors import ConfigError, KvarnError

OK = 0
FAILED = 1
USAGE = 2
MISSING_REQUIREMENT = 3

EXIT_CODES_HELP = (
    "Exit codes: 0 ok, 1 a service failed or is not running, 2 usage or settings, 3 a requirement is missing."
)


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


def exit_code(error: KvarnError) -> int:
    """Exit code that an error ends a command with."""
    if isinstance(error, MissingRequirement):
        return MISSING_REQUIREMENT
    return USAGE if isinstance(error, ConfigError) else FAILED
