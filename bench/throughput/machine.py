"""What a measurement ran on: enough to judge and repeat it, nothing that names the machine."""

from __future__ import annotations

import platform
import re
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil

PACKAGES = (
    "kvarn", "faust-streaming", "aiokafka", "confluent-kafka", "numba", "numpy", "chdb", "clickhouse-connect",
    "cryptography", "gurux-dlms",
)  # fmt: skip


def machine(jars: Path) -> dict[str, Any]:
    """CPU, memory, load now, and versions."""
    return {
        "cpu": _cpu_model(),
        "cpus": psutil.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "system": f"{platform.system()} {platform.release()}",
        "load_before": round(psutil.getloadavg()[0], 2),
        "versions": {"python": platform.python_version(), "kafka": _kafka(jars), "java": _java(), **_packages()},
    }


def _cpu_model() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor() or platform.machine()
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return found.group(1) if found else platform.machine()


def _packages() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _kafka(jars: Path) -> str:
    names = sorted(path.name for path in jars.glob("**/kafka_2.13-*.jar"))
    return names[-1].removeprefix("kafka_2.13-").removesuffix(".jar") if names else "unknown"


def _java() -> str:
    from cli.services import java
    from cli.services.settings import ServiceSettings

    command = [str(java.executable(ServiceSettings.load())), "-version"]
    said = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    lines = (said.stderr or said.stdout).splitlines()
    return lines[0] if lines else "unknown"
