"""The little Markdown that reference pages need."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

NOTE = "<!-- Rendered by `python -m cli.reference`; change the code it comes from, not this page. -->"


def page(title: str, *parts: str) -> str:
    """A page of parts with a blank line between them."""
    return "\n\n".join([f"# {title}", NOTE, *(part.strip("\n") for part in parts if part)]) + "\n"


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table; pipes and line breaks in cells are escaped."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines)


def code(value: object) -> str:
    """A value as code; nothing for None."""
    return "" if value is None else f"`{value}`"


def _cell(value: object) -> str:
    return " ".join(str(value).split()).replace("|", "\\|")
