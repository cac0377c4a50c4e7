"""What containers run is what `kvarn up` runs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from ruamel.yaml import YAML

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"


@pytest.fixture(scope="module")
def containers() -> dict[str, Any]:
    services: dict[str, Any] = YAML(typ="safe").load(DEPLOY / "compose.yaml")["services"]
    return services


@pytest.mark.parametrize(("service", "pin"), [("kafka", "kafka.version"), ("schema-registry", "apicurio.version")])
def test_the_containers_version_is_the_one_that_maven_fetches(
    containers: dict[str, Any], service: str, pin: str
) -> None:
    version = ET.parse(DEPLOY / "pom.xml").findtext(f"properties/{pin}")
    assert containers[service]["image"].split(":")[1] == version


def test_every_container_is_published_on_this_machine_only(containers: dict[str, Any]) -> None:
    ports = [port for service in containers.values() for port in service.get("ports", [])]
    assert len(ports) == len(containers)
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_pins_and_builds_name_no_host_to_fetch_from() -> None:
    root = DEPLOY.parent
    files = [*root.glob("requirements*"), root / "pyproject.toml", root / "Makefile", *DEPLOY.iterdir()]
    host = re.compile(r"https?://|(?<!--no-emit-)index-url|<repositor")
    assert [file.name for file in files if host.search(file.read_text())] == []
