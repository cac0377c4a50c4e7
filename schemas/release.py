"""Keep a copy of every schema under its id: what has once been written must stay readable.

`python -m schemas.release` copies the schemas whose id has no copy yet. A schema that changes after that needs a new id
in `ids.json`; tests hold it to the copies of its earlier ids.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from schemas.load import FOLDER, schema_text, shipped_ids

RELEASED = FOLDER / "released"


def released(folder: Path = RELEASED) -> Iterator[tuple[str, int, str]]:
    """(schema name, id, text) of every copy, in order of name and id."""
    for path in sorted(folder.glob("*.avsc")):
        name, number = path.stem.split(".")
        yield name, int(number), path.read_text(encoding="utf-8")


def main() -> None:
    """Write the copies that are not there."""
    RELEASED.mkdir(exist_ok=True)
    for name, number in shipped_ids().items():
        path = RELEASED / f"{name}.{number}.avsc"
        if not path.exists():
            path.write_text(schema_text(name), encoding="utf-8")


if __name__ == "__main__":
    main()
