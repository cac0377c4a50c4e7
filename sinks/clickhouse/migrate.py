"""Numbered migrations: applied once, in order, recorded with a checksum.

A file `NNNN_name.sql` holds statements that end with `;` at the end of a line; each can be repeated (IF NOT EXISTS, OR
REPLACE), because a crash may come between a statement and the record. `{timezone}` stands for the configured zone. What
has been applied is never changed: a file whose checksum differs is refused, and a new number is added instead.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import ConfigError
from sinks.clickhouse.client import errors_as_ours

FOLDER = Path(__file__).parent / "migrations"
NAME = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")

RECORD = (
    "CREATE TABLE IF NOT EXISTS migrations (number UInt16 COMMENT 'place in the order', name String COMMENT 'what it "
    "does', checksum String COMMENT 'SHA-256 of its statements, hex', applied_at DateTime('UTC') DEFAULT now() COMMENT "
    "'when it was applied, UTC') ENGINE = ReplacingMergeTree ORDER BY number SETTINGS fsync_after_insert = 1 "
    "COMMENT 'Migrations that this database has had'"
)


@dataclass(frozen=True)
class Migration:
    """One file."""

    number: int
    name: str
    text: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the statements, hex."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def statements(self) -> list[str]:
        """The statements, without their ends."""
        parts = re.split(r";[ \t]*(?:\n|\Z)", self.text)
        return [part.strip() for part in parts if part.strip()]


def load(timezone: str, folder: Path = FOLDER) -> list[Migration]:
    """The migrations of a folder for a zone, in order; raises ConfigError when their numbers have a hole."""
    found: list[Migration] = []
    for path in sorted(folder.glob("*.sql")):
        match = NAME.fullmatch(path.name)
        if match is None or int(match[1]) != len(found) + 1:
            raise ConfigError(
                "MIGRATION_NUMBER",
                where=path.name,
                what=f"expected a name like {len(found) + 1:04d}_what_it_does.sql",
                do="number migrations from 0001 without a hole",
            )
        text = path.read_text(encoding="utf-8").replace("{timezone}", timezone)
        found.append(Migration(int(match[1]), match[2], text))
    return found


def waiting(migrations: list[Migration], applied: Mapping[int, str]) -> list[Migration]:
    """Those that are still to be applied; `applied` is number -> checksum. Raises ConfigError when they do not fit."""
    for migration in migrations:
        known = applied.get(migration.number)
        if known is not None and known != migration.checksum:
            raise ConfigError(
                "MIGRATION_CHANGED",
                where=f"{migration.number:04d}_{migration.name}.sql",
                what="it differs from what this database was made with (the file, or the configured timezone)",
                do="put it back as it was, and write a new migration for the change",
            )
    newer = sorted(set(applied) - {migration.number for migration in migrations})
    if newer:
        raise ConfigError(
            "MIGRATION_UNKNOWN",
            where=f"migration {newer[-1]:04d}",
            what="this database was made by a newer version",
            do="start that version, or another database",
        )
    return [migration for migration in migrations if migration.number not in applied]


def apply(client: Any, migrations: list[Migration]) -> list[Migration]:
    """Bring the client's database up to date and return what was applied."""
    with errors_as_ours("migrations"):
        client.command(RECORD)
        rows = client.query("SELECT number, checksum FROM migrations FINAL").result_rows
        todo = waiting(migrations, dict(rows))
        for migration in todo:
            for statement in migration.statements:
                client.command(statement)
            row = [migration.number, migration.name, migration.checksum]
            client.insert("migrations", [row], column_names=["number", "name", "checksum"])
    return todo
