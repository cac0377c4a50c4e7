"""Ports on the loopback address."""

from __future__ import annotations

import secrets
import socket
from contextlib import closing

from pipeline.errors import Transient

# Below the range from which the system gives ports to outgoing connections, so that none of those takes a port
# between our looking and the service's binding.
_LOWEST, _HIGHEST = 20_000, 32_000
_ATTEMPTS = 500


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a service could listen there now."""
    with closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as probe:
        # As the services do: a port whose last connections are still closing can be taken again.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def is_open(port: int, host: str = "127.0.0.1", timeout_secs: float = 0.5) -> bool:
    """Whether something accepts connections there now."""
    try:
        with closing(socket.create_connection((host, port), timeout=timeout_secs)):
            return True
    except OSError:
        return False


def free_ports(count: int) -> list[int]:
    """Different free ports, chosen at random so that test runs side by side rarely meet."""
    chosen: set[int] = set()
    for _ in range(_ATTEMPTS):
        port = _LOWEST + secrets.randbelow(_HIGHEST - _LOWEST)
        if is_free(port):
            chosen.add(port)
        if len(chosen) == count:
            return sorted(chosen)
    raise Transient(
        "NO_FREE_PORT",
        where=f"ports {_LOWEST}-{_HIGHEST}",
        what=f"{len(chosen)} of {count} found",
        do="free some ports",
    )
