"""Options that the commands share: who does it and why, and which edits are meant."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from cli.edits.ledger import STATES, Entry
from pipeline.edits import REASON_CODES
from pipeline.errors import ConfigError

Author = Annotated[
    str, typer.Option(envvar="KVARN_AUTHOR", help="Who does this; the edit and its history keep the name.")
]
Reason = Annotated[str, typer.Option(help=f"Why: {', '.join(REASON_CODES)}.")]
Why = Annotated[str, typer.Option(help="Why, in your words.")]
Wait = Annotated[float, typer.Option(min=0, help="Seconds to wait for the connector's answers; 0: do not.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and write nothing.")]
Ids = Annotated[list[str] | None, typer.Argument(help="Ids of edits; - reads them from standard input.")]
IdFile = Annotated[Path | None, typer.Option("--ids", help="File with an id a line.", dir_okay=False)]
States = Annotated[list[str] | None, typer.Option("--state", help=f"State: {', '.join(STATES)}.")]
Points = Annotated[list[int] | None, typer.Option("--service-point", help="Service point; several times for several.")]
Batch = Annotated[str | None, typer.Option(help="Name under which edits were proposed together.")]
By = Annotated[str | None, typer.Option(help="Who proposed them.")]
Reasons = Annotated[list[str] | None, typer.Option("--of-reason", help="Reason of the edit.")]


@dataclass(frozen=True)
class Choice:
    """Which edits are meant; what is empty or None lets all pass."""

    ids: frozenset[str] = frozenset()
    states: frozenset[str] = frozenset()
    points: frozenset[int] = frozenset()
    batch: str | None = None
    by: str | None = None
    reasons: frozenset[str] = frozenset()

    @property
    def anything(self) -> bool:
        """Whether nothing is said."""
        return self == Choice()

    def takes(self, entry: Entry) -> bool:
        """Whether an edit is meant."""
        proposal = entry.proposal
        return (
            (not self.ids or entry.id in self.ids)
            and (not self.states or entry.state in self.states)
            and (not self.points or proposal.service_point in self.points)
            and (self.batch is None or proposal.batch == self.batch)
            and (self.by is None or proposal.author == self.by)
            and (not self.reasons or proposal.reason in self.reasons)
        )


def choice(
    ids: Iterable[str] | None, file: Path | None, states: list[str] | None, points: list[int] | None,
    batch: str | None, by: str | None, reasons: list[str] | None,
) -> Choice:  # fmt: skip
    """The edits that are meant; raises ConfigError for what cannot be."""
    named = list(ids or ())
    if "-" in named:
        named = [one for one in named if one != "-"] + typer.get_text_stream("stdin").read().split()
    if file is not None:
        try:
            named += file.read_text(encoding="utf-8").split()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError("IDS_UNREADABLE", where=str(file), what=str(error), do="name a readable file") from error
        if not named:
            raise ConfigError("IDS_MISSING", where=str(file), what="it has no id", do="write an id a line")
    upper = frozenset(state.upper() for state in states or ())
    if upper - set(STATES):
        raise ConfigError("STATE_UNKNOWN", where=f"--state {min(upper - set(STATES))}", what="there is no such state",
                          do=f"use one of {', '.join(STATES)}")  # fmt: skip
    return Choice(frozenset(named), upper, frozenset(points or ()), batch, by,
                  frozenset(reason_of(one) for one in reasons or ()))  # fmt: skip


def reason_of(text: str) -> str:
    """The reason's code; raises ConfigError."""
    code = text.upper().replace("-", "_")
    if not code:
        raise ConfigError("REASON_MISSING", where="--reason", what="no reason is given",
                          do=f"give --reason with one of {', '.join(REASON_CODES)}")  # fmt: skip
    if code not in REASON_CODES:
        raise ConfigError("REASON_UNKNOWN", where=f"--reason {text}", what="there is no such reason",
                          do=f"use one of {', '.join(REASON_CODES)}")  # fmt: skip
    return code


def author_of(name: str) -> str:
    """The author; raises ConfigError when nobody is named: it is never guessed."""
    if not name.strip():
        raise ConfigError("AUTHOR_MISSING", where="--author", what="nobody is named",
                          do="give --author, or set KVARN_AUTHOR")  # fmt: skip
    return " ".join(name.split())
