"""The MQTT broker: mosquitto, open to this machine only."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from cli.services.service import LocalService

_ANSWER_TIMEOUT_SECS = 1.0
# Debian puts it where a user's search path does not look.
_SEARCH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin"])

_CONFIGURATION = """\
listener {port} {host}
allow_anonymous true
persistence true
persistence_location {folder}/
autosave_interval 60
log_dest stderr
log_type error
log_type warning

# What waits for a subscriber that is away or slow is bounded in bytes; beyond that mosquitto drops the newest, and
# counts it under $SYS/broker/publish/messages/dropped.
max_queued_messages 0
max_queued_bytes 268435456
max_inflight_messages 1000
max_packet_size 1048576
"""

# MQTT 5.0 section 3.1: CONNECT, protocol "MQTT" level 5, clean start, keep alive 5 s, no properties, empty client id.
_CONNECT = bytes.fromhex("10 0d 00 04 4d 51 54 54 05 02 00 05 00 00 00")
# Section 3.14: DISCONNECT, normal.
_DISCONNECT = bytes.fromhex("e0 00")
# Section 3.2: the first byte of CONNACK; the reason code is its fourth.
_CONNACK = 0x20


class MosquittoService(LocalService):
    """The broker."""

    name = "mosquitto"

    @property
    def address(self) -> str:
        """Its URL."""
        return self.settings.mosquitto_url

    @property
    def port_settings(self) -> Mapping[str, int]:
        """Its MQTT port."""
        return {"mosquitto_port": self.settings.mosquitto_port}

    def missing(self) -> list[str]:
        """The program itself."""
        return [] if _program() else ["no mosquitto on this machine: install `mosquitto` (2.0 or newer)"]

    def prepare(self) -> None:
        """Write the configuration."""
        text = _CONFIGURATION.format(host=self.settings.host, port=self.settings.mosquitto_port, folder=self.folder)
        if os.geteuid() == 0:
            # Started by root it would become a user who may not write into our folder.
            text += f"user {getpass.getuser()}\n"
        self._configuration.write_text(text)

    def command(self) -> list[str | Path]:
        """The broker in the foreground."""
        return [_program() or "mosquitto", "-c", self._configuration]

    def answers(self) -> bool:
        """Whether it accepts an MQTT 5 connection."""
        try:
            with closing(
                socket.create_connection((self.settings.host, self.settings.mosquitto_port), _ANSWER_TIMEOUT_SECS)
            ) as connection:
                connection.sendall(_CONNECT)
                answer = connection.recv(16)
                connection.sendall(_DISCONNECT)
        except OSError:
            return False
        return len(answer) >= 4 and answer[0] == _CONNACK and answer[3] == 0

    @property
    def _configuration(self) -> Path:
        return self.folder / "mosquitto.conf"


def _program() -> str | None:
    return shutil.which("mosquitto", path=_SEARCH)
