"""What all dated pages of results share: where they lie, their date, and the machine that they are from."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


def today() -> str:
    """The date of a page, in this machine's zone."""
    return f"{datetime.now().astimezone():%Y-%m-%d}"


def dated(name: str) -> str:
    """Name of a page, without its ending: the minute and `name`."""
    return f"{datetime.now().astimezone():%Y-%m-%d-%H%M}-{name}"


def put(name: str, text: str, folder: Path = RESULTS) -> Path:
    """Write a page named by the minute and `name`; returns where."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{dated(name)}.md"
    path.write_text(text, encoding="utf-8")
    return path


def machine_text(machine: dict[str, Any]) -> str:
    """What bench.throughput.machine has found, in words."""
    versions = ", ".join(f"{name} {number}" for name, number in machine["versions"].items())
    return (
        f"{machine['cpus']} CPUs, {machine['cpu']}; {machine['memory_gib']} GiB; {machine['system']}; load before the "
        f"run {machine['load_before']}.\n\n{versions}."
    )
