"""Kafka's and the schema registry's jars: fetched once by Maven, as `deploy/pom.xml` pins them.

`python -m cli.services.jars` fetches them ahead of time; it ends with 0 when they are there, 3 when Maven is
missing, 1 when Maven failed.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from cli.output import exit_code
from cli.services.exits import MissingRequirement
from cli.services.settings import PROJECT_ROOT, ServiceSettings
from pipeline.errors import KvarnError, Transient

POM = PROJECT_ROOT / "deploy" / "pom.xml"
# Written last, with the hash of the pom: an interrupted fetch and a changed pin are both seen as "not there".
_COMPLETE = "complete"
_FETCH_TIMEOUT_SECS = 900


def kafka_classpath(jars: Path) -> str:
    """Class path of the broker and its tools."""
    return str(jars / "kafka" / "*")


def registry_jar(jars: Path) -> Path:
    """What `java -jar` starts as the schema registry."""
    return jars / "registry" / "quarkus-run.jar"


def are_complete(jars: Path) -> bool:
    """Whether the folder holds what the pom asks for now."""
    try:
        return (jars / _COMPLETE).read_text().strip() == _pom_hash()
    except OSError:
        return False


def missing(jars: Path) -> list[str]:
    """What keeps the jars from being there: empty when they are there or can be fetched."""
    if are_complete(jars) or shutil.which("mvn"):
        return []
    return [
        f"Kafka and the schema registry are not in {jars}, and Maven to fetch them is not installed: install `maven`"
    ]


def fetch(jars: Path, report: Callable[[str], None]) -> None:
    """Fetch the jars if they are not there; `report` gets one line before the long wait.

    One process fetches, others that come meanwhile wait for it. Raises MissingRequirement without Maven and Transient
    when Maven fails.
    """
    if are_complete(jars):
        return
    if lacking := missing(jars):
        raise MissingRequirement(lacking)
    jars.mkdir(parents=True, exist_ok=True)
    with (jars / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if are_complete(jars):
            return
        report("Fetching Kafka and the schema registry with Maven (once, about 200 MB on disk)")
        _run_maven(jars)
        (jars / _COMPLETE).write_text(_pom_hash() + "\n")


def _run_maven(jars: Path) -> None:
    for part in ("kafka", "registry", "registry-markers"):
        # Jars of another version left beside these would be on the class path too.
        shutil.rmtree(jars / part, ignore_errors=True)
    command = ["mvn", "--batch-mode", "--quiet", "-f", str(POM), f"-Dkvarn.jars={jars}", "generate-resources"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_FETCH_TIMEOUT_SECS)
    except subprocess.TimeoutExpired as error:
        raise _maven_failed(f"no end after {_FETCH_TIMEOUT_SECS} s") from error
    if done.returncode != 0:
        output = (done.stdout + done.stderr).strip().splitlines()
        raise _maven_failed("\n".join(output[-8:]) or f"exit code {done.returncode}")


def _maven_failed(what: str) -> Transient:
    return Transient(
        "MAVEN_FAILED", where=str(POM), what=what, do="check that Maven reaches its repository, and try again"
    )


def _pom_hash() -> str:
    return hashlib.sha256(POM.read_bytes()).hexdigest()


def main() -> int:
    """Fetch into the configured folder; the exit code says how it went."""
    try:
        fetch(ServiceSettings.load().jars, lambda line: print(line, file=sys.stderr, flush=True))  # noqa: T201
    except KvarnError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return exit_code(error)
    return 0


if __name__ == "__main__":
    sys.exit(main())
