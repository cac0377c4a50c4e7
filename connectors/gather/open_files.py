"""Open files: each connection is one, and many systems let a process begin with far fewer than it may have."""

from __future__ import annotations

import resource

import structlog

from pipeline.errors import ConfigError

SPARE = 256
"""Files beside the connections: Kafka, logs, the status page, connections that are just being refused."""

log = structlog.get_logger()


def let_open(connections: int) -> None:
    """Raise the soft limit of this process where it does not do; raises ConfigError when the hard one does not."""
    needed = connections + SPARE
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise _too_few(connections, needed, f"the hard limit is {hard}")
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
    except (OSError, ValueError) as error:
        raise _too_few(connections, needed, f"{soft} may be open, and the limit cannot be raised: {error}") from error
    log.info("limit of open files raised", before=soft, now=needed)


def _too_few(connections: int, needed: int, what: str) -> ConfigError:
    return ConfigError(
        "FILES_TOO_FEW", where="connections", what=f"{connections} connections need {needed} open files, and {what}",
        do=f"raise the limit to {needed} (ulimit -n, LimitNOFILE= of the service), or set fewer `connections`",
    )  # fmt: skip
