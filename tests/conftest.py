"""The real services for the tests that need them: one of each a session, started when the first test asks for it.

A test takes the address by the fixture's name: `kafka` ("127.0.0.1:port"), `schema_registry` (base address for
`confluent_kafka.schema_registry`), `mosquitto` ("mqtt://127.0.0.1:port"). The services are shared: a test makes topics,
subjects and client ids of its own, for which `unique` gives a name.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import pytest
from hypothesis import settings

from cli.services import stack
from pipeline.errors import ConfigError, Transient

# A first example may compile a kernel, and no test here is about time.
settings.register_profile("kvarn", deadline=None)
settings.load_profile("kvarn")


@contextmanager
def _service(name: str) -> Iterator[stack.Stack]:
    reason = stack.why_not((name,))
    if reason is not None:
        _cannot_run(name, reason)
    running = stack.temporary((name,))
    try:
        up = running.__enter__()
    except (ConfigError, Transient) as error:  # Maven without a network: this machine cannot run it either
        _cannot_run(name, str(error))
    try:
        yield up
    finally:
        running.__exit__(None, None, None)


def _cannot_run(name: str, reason: str) -> NoReturn:
    message = f"{name} cannot run here: {reason}"
    # Where everything is meant to be there, a missing service must not look like a passing run.
    if os.environ.get("CI") == "true":
        pytest.fail(message, pytrace=False)
    pytest.skip(message)


@pytest.fixture(scope="session")
def kafka() -> Iterator[str]:
    with _service("kafka") as running:
        yield running.kafka


@pytest.fixture(scope="session")
def schema_registry() -> Iterator[str]:
    with _service("schema-registry") as running:
        yield running.schema_registry


@pytest.fixture(scope="session")
def mosquitto() -> Iterator[str]:
    with _service("mosquitto") as running:
        yield running.mosquitto


@pytest.fixture
def unique(request: pytest.FixtureRequest) -> str:
    """A name that no other test uses: for topics, groups, subjects, client ids."""
    return re.sub(r"[^A-Za-z0-9]+", "-", request.node.name).strip("-").lower()[:80] + f"-{os.urandom(3).hex()}"
