"""Values of a meter as text for people."""

from __future__ import annotations

from pipeline.axdr import CONTAINERS, NOTHING, Datum


def text_of(datum: Datum) -> str:
    """A number, readable text, or hexadecimal digits; containers in brackets."""
    if datum.tag in CONTAINERS:
        return "[" + ", ".join(text_of(item) for item in datum.items) + "]"
    if datum.number is not None:
        return str(datum.number)
    if datum.tag in NOTHING:
        return ""
    shown = datum.body.decode("ascii", "replace")
    return shown if shown.isascii() and shown.isprintable() else datum.body.hex()
