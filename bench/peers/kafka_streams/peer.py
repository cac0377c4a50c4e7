"""Kafka Streams: built by Maven, its process, its changelog."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from bench.peers.environment import Report, make_once, need, run
from bench.peers.peer import Peer, Told
from cli.services import java
from cli.services.settings import ServiceSettings

HERE = Path(__file__).parent
POM, SETTINGS = HERE / "pom.xml", HERE / "streams.properties"
STORE = "meters"

JVM = ("-Xms2g", "-Xmx2g", "-XX:+UseSerialGC")
"""A heap that never grows, and the collector that uses the least CPU here: nearly all that frames leave dies young."""


def _make(place: Path, report: Report) -> None:
    def build() -> None:
        need([("mvn", "maven"), ("javac", "a JDK, 17 or newer")])
        report("Building the Kafka Streams peer with Maven (once, a minute)")
        for part in ("lib", "target"):
            shutil.rmtree(place / part, ignore_errors=True)
        run(["mvn", "--batch-mode", "--quiet", "-f", str(POM), f"-Dkvarn.peer={place}", "compile"],
            "kafka-streams: Maven")  # fmt: skip

    make_once(place, [POM, *sorted((HERE / "src").rglob("*.java"))], build)


def _command(place: Path, told: Told) -> list[str]:
    file = told.state.parent / "streams.properties"
    own = {
        "bootstrap.servers": told.bootstrap, "application.id": told.group, "state.dir": told.state,
        "peer.source": told.topics.frames, "peer.readings": told.topics.readings, "peer.rejects": told.topics.rejects,
        "peer.keys": told.keys, "peer.cipher": told.way.cipher,
    }  # fmt: skip
    if told.way.threads:
        own["num.stream.threads"] = told.way.threads
    lines = [f"{name}={value}" for name, value in (settings() | own).items() if name != "jvm"]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    classes = f"{place / 'target' / 'classes'}:{place / 'lib'}/*"
    # The Java of the broker: another one than it was built with, and the same on every machine.
    running = str(java.executable(ServiceSettings.load()))
    return [running, *JVM, "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", classes, "kvarn.peer.Worker",
            str(file)]  # fmt: skip


def settings() -> dict[str, str]:
    """What `streams.properties` says, and how the JVM is started."""
    text = SETTINGS.read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z.]+)=(.*)$", text, re.MULTILINE)) | {"jvm": " ".join(JVM)}


def versions() -> Mapping[str, str]:
    """The pins that matter."""
    found = dict(re.findall(r"<(kafka|gurux)\.version>([^<]+)<", POM.read_text(encoding="utf-8")))
    return {"kafka-streams": found["kafka"], "gurux.dlms": found["gurux"]}


PEER = Peer(
    name="kafka-streams",
    make=_make,
    command=_command,
    changelog=lambda told: f"{told.group}-{STORE}-changelog",
    settings=settings,
    versions=versions,
)
