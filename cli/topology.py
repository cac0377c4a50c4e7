"""Read a topology file from disk, with the environment's variables: the door of all commands to `pipeline.topology`."""

from __future__ import annotations

import os
from pathlib import Path

from cli.components import components
from pipeline.errors import ConfigError
from pipeline.topology import lint, load
from pipeline.topology.plan import Plan, resolve


def check(file: Path) -> lint.Report:
    """Everything lint says about a file; raises ConfigError when it cannot be read."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            "TOPOLOGY_UNREADABLE",
            where=str(file),
            what=getattr(error, "strerror", None) or "it is no UTF-8 text",
            do="name another file with --file, or run this in the folder of topologies.yaml",
        ) from error
    return lint.check(load.parse(text, file=str(file), variables=os.environ), components())


def read_plan(file: Path) -> Plan:
    """The plan of a file; raises ConfigError naming every fault."""
    return resolve(check(file))
