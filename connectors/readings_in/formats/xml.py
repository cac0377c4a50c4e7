"""XML to a tree, names without their namespaces; document types, and with them entities, are refused."""

from __future__ import annotations

from typing import Any
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from connectors.readings_in.formats.parts import UnreadableError

MOST_DEPTH = 50
SEPARATOR = "}"


def parse(octets: bytes) -> Element:
    """The root; raises UnreadableError."""
    builder, depth = TreeBuilder(), 0
    names: dict[str, str] = {}
    parser = expat.ParserCreate(namespace_separator=SEPARATOR)
    parser.buffer_text = True

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > MOST_DEPTH:
            raise UnreadableError(f"elements within more than {MOST_DEPTH} others")
        local = names.setdefault(name, name.rpartition(SEPARATOR)[2])
        builder.start(local, {_local(key): value for key, value in attributes.items()} if attributes else {})

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(names[name])

    def refuse(*_: Any) -> None:
        raise UnreadableError("a document type, which messages of this kind have not")

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(octets, True)
        return builder.close()
    except (expat.ExpatError, AssertionError, ValueError) as error:
        if isinstance(error, UnreadableError):
            raise
        raise UnreadableError(f"no XML: {error}"[:200]) from error


def _local(name: str) -> str:
    return name.rpartition(SEPARATOR)[2]


def text_at(element: Element, path: str) -> str:
    """Text of the element at a path, stripped; empty when there is none."""
    found = element.find(path)
    return (found.text or "").strip() if found is not None else ""


def reference(element: Element, name: str) -> str:
    """What a child says or refers to: its attribute `ref`, else its text, else that of its mRID or of its name."""
    child = element.find(name)
    if child is None:
        return ""
    options = (child.get("ref", ""), child.text or "", text_at(child, "mRID"), text_at(child, "Names/name"))
    return next((text.strip() for text in options if text.strip()), "")
