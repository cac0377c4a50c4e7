"""Whether what the embedded engine took lies on its disk.

Measured with chdb-core 26.9: when a disk becomes full in the midst of an insert or a merge, the engine ignores that a
write failed. The insert is taken for done, the part's files are empty, and the next start of the engine puts the part
aside as broken; the token of the insert is remembered, so that the same block would be dropped. A server of ClickHouse
raises an error instead. So the sizes of new parts are compared with what the engine believes, after every block.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any

from pipeline.errors import Fatal, Transient

ACTIVE = (
    "SELECT table, name, level, rows, path, bytes_on_disk FROM system.parts "
    "WHERE database = currentDatabase() AND active"
)
ASIDE = (
    "SELECT table, name, level, min_block_number, max_block_number, partition_id FROM system.detached_parts "
    "WHERE database = currentDatabase() AND startsWith(ifNull(reason, ''), 'broken')"
)
COVERED = (
    "SELECT count() FROM system.parts WHERE database = currentDatabase() AND active AND table = '{table}' "
    "AND partition_id = '{partition}' AND min_block_number <= {last} AND max_block_number >= {first}"
)

BESIDE = frozenset({
    "checksums.txt", "columns.txt", "columns_substreams.txt", "default_compression_codec.txt", "metadata_version.txt",
})  # fmt: skip
"""Files that every part has and that the engine does not count; none of them is ever empty."""

DO = "give its disk room, and fill a new warehouse: empty folder, and another group for the sink"


@dataclass(frozen=True)
class DiskPart:
    """A part as the engine believes it to be; `level` 0 is what an insert wrote, above it what merges made."""

    table: str
    name: str
    level: int
    rows: int
    path: str
    size: int

    @property
    def whole(self) -> bool:
        """Whether its files are as large as they must be; also when it was merged away meanwhile."""
        try:
            sizes = {entry.name: entry.stat().st_size for entry in os.scandir(self.path)}
        except FileNotFoundError:
            return True
        if any(sizes.get(name, 1) == 0 for name in BESIDE):
            return False
        return sum(size for name, size in sizes.items() if name not in BESIDE) >= self.size


@dataclass
class Wholeness:
    """Looks at every part once."""

    _known: set[tuple[str, str]] = field(default_factory=set)

    def torn(self, client: Any) -> list[DiskPart]:
        """The parts among those not seen before that do not lie on the disk as they should."""
        parts = [DiskPart(*row) for row in client.query(ACTIVE).result_rows]
        torn = [part for part in parts if (part.table, part.name) not in self._known and not part.whole]
        self._known = {(part.table, part.name) for part in parts} - {(part.table, part.name) for part in torn}
        return torn

    def check(self, client: Any, where: str) -> None:
        """Look at what is new; an insert that did not reach the disk is dropped with its token.

        Raises Transient when there was one, so that the block comes again, and Fatal when a merge was cut short: the
        parts that it was made of are there still, and the next start of the engine takes them back.
        """
        torn = self.torn(client)
        for part in torn:
            if part.level == 0:
                client.command(f"ALTER TABLE {part.table} DROP PART '{part.name}'")
        names = ", ".join(f"{part.table} {part.name}" for part in torn)
        if any(part.level for part in torn):
            raise Fatal(
                "WAREHOUSE_TORN", where=where, what=f"the disk was full during a merge: {names}",
                do="give the disk room, and start the sink again within minutes: it goes on where it was",
            )  # fmt: skip
        if torn:
            raise Transient(
                "WAREHOUSE_FULL", where=where, what=f"the disk was full during an insert: {names}",
                do="give it more room, or free some",
            )  # fmt: skip


def check_aside(client: Any, where: str) -> None:
    """Raise Fatal when parts are broken whose rows are nowhere else; forget those that were made of others."""
    lost = []
    for table, name, level, first, last, partition in client.query(ASIDE).result_rows:
        question = COVERED.format(table=table, partition=partition, first=first, last=last)
        if level and client.query(question).first_row[0]:
            client.command(f"ALTER TABLE {table} DROP DETACHED PART '{name}'", settings={"allow_drop_detached": "1"})
        else:
            lost.append(f"{table} {name}")
    if lost:
        raise Fatal("WAREHOUSE_DAMAGED", where=where, what=f"broken parts: {', '.join(lost)}", do=DO)
