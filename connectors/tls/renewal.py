"""The context of a listener, made anew when one of its files changes: certificates are renewed every few weeks.

A certificate and its key are two files, and so for a moment do not fit: as long as they cannot be used, the ones before
stay, and a warning says why once. Connections that are open keep what they began with.
"""

from __future__ import annotations

import ssl
from pathlib import Path

import structlog

from connectors.tls.config import ServerTls
from connectors.tls.contexts import server_context
from pipeline.errors import ConfigError

Stamp = tuple[int, int, int] | None
"""Changed when, how long, which file; None: there is none."""

log = structlog.get_logger()


class Renewal:
    """`context` is the one for new connections; None without TLS. Raises ConfigError when the files cannot be used."""

    def __init__(self, tls: ServerTls) -> None:
        self._tls = tls
        self._files = [Path(name) for name in (tls.certificate, tls.key, tls.client_ca) if name]
        self._seen = self._stamps()
        self.context = server_context(tls)
        self.renewed = 0

    def look(self) -> ssl.SSLContext | None:
        """The context as the files are now."""
        stamps = self._stamps()
        if stamps == self._seen:
            return self.context
        self._seen = stamps
        try:
            self.context = server_context(self._tls)
        except ConfigError as error:
            log.warning("changed files of TLS cannot be used, the ones before stay", connector="dlms", error=str(error))
            return self.context
        self.renewed += 1
        log.info("files of TLS were read again", connector="dlms", certificate=self._tls.certificate)
        return self.context

    def _stamps(self) -> list[Stamp]:
        return [_stamp(file) for file in self._files]


def _stamp(file: Path) -> Stamp:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
