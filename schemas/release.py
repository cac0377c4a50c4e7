"""Keep a copy of every schema under its id: what has once been written must stay readable.

`python -m schemas.release` copies the schemas whose id has no copy yet. A schema that changes after that needs a new id
in `ids.json`; tests hold it to the copies of its earlier ids.
"""

from __future__ import annotations

from schemas.load import RELEASED, schema_text, shipped_ids


def main() -> None:
    """Write the copies that are not there."""
    RELEASED.mkdir(exist_ok=True)
    for name, number in shipped_ids().items():
        path = RELEASED / f"{name}.{number}.avsc"
        if not path.exists():
            path.write_text(schema_text(name), encoding="utf-8")


if __name__ == "__main__":
    main()
