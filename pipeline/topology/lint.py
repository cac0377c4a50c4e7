"""Lint: all findings about a topology file, at once and in the order of the file."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.errors import ConfigError
from pipeline.topology.checks import CHECKS
from pipeline.topology.components import Components
from pipeline.topology.findings import Finding, Level
from pipeline.topology.load import Document
from pipeline.topology.shape import Pieces, read_pieces


@dataclass(frozen=True)
class Report:
    """What lint found, and the pieces that are right by themselves."""

    findings: tuple[Finding, ...]
    pieces: Pieces

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings with which nothing may start."""
        return tuple(item for item in self.findings if item.level is Level.ERROR)

    def require(self) -> Pieces:
        """The pieces; raises ConfigError naming every error when there is one."""
        if self.errors:
            raise ConfigError(
                "TOPOLOGY_FAULTS",
                where=str(self.errors[0].place),
                what="; ".join(f"{item.code} line {item.place.line}: {item.message}" for item in self.errors),
                do="correct the file; `kvarn lint` lists each fault with a hint",
            )
        return self.pieces


def check(document: Document, components: Components) -> Report:
    """Everything that can be said about a document; never raises for what the file says."""
    pieces = read_pieces(document, components)
    findings = list(pieces.findings)
    for one in CHECKS:
        findings += one(pieces)
    return Report(tuple(sorted(set(findings), key=lambda item: (item.place, item.code, item.message))), pieces)
