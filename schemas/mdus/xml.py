"""XML in and out: read without entities, document types or network; made from trees of names and texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from lxml import etree

from schemas.mdus.names import NAMESPACES, Service

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
MOST_OCTETS = 32 << 20

Tree = Mapping[str, Any]
"""Elements by name in their order; a list: the element comes so often; a text: its content; `@name`: an attribute;
None: left out."""


class UnreadableError(ValueError):
    """Octets that are no message, with why."""


def parsed(octets: bytes) -> Any:
    """The root element; raises UnreadableError.

    A document type is refused, and with it every entity: neither files nor addresses are opened, nothing is expanded.
    """
    if len(octets) > MOST_OCTETS:
        raise UnreadableError(f"{len(octets)} octets, of at most {MOST_OCTETS}")
    # DTDs are neither loaded nor applied; libxml2 bounds depth and expansion as long as `huge_tree` is off.
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, attribute_defaults=False,
        huge_tree=False, remove_comments=True, remove_pis=True,
    )  # fmt: skip
    try:
        root = etree.fromstring(octets, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise UnreadableError(f"no XML: {error}"[:200]) from error
    info = root.getroottree().docinfo
    if info.doctype or info.internalDTD is not None:
        raise UnreadableError("a document type, which messages of this kind have not")
    return root


def body_of(root: Any) -> Any:
    """The message in a SOAP 1.1 envelope, or the root where there is none; raises UnreadableError."""
    if etree.QName(root).localname != "Envelope":
        return root
    body = next((child for child in root if etree.QName(child).localname == "Body"), None)
    if body is None or len(body) != 1:
        raise UnreadableError("an envelope whose body is not one message")
    return body[0]


def name_of(element: Any) -> str:
    """Its name without its namespace."""
    return str(etree.QName(element).localname)


def text_at(element: Any, path: str) -> str:
    """Text at a path of names without namespace, stripped; empty where there is none."""
    found = element.findtext(path)
    return (found or "").strip()


def element(name: str, tree: Tree) -> bytes:
    """One element without a namespace, as octets."""
    root = etree.Element(name)
    _grow(root, tree)
    octets: bytes = etree.tostring(root)
    return octets


def _grow(parent: Any, tree: Tree) -> None:
    for name, value in tree.items():
        if value is None:
            continue
        if name.startswith("@"):
            parent.set(name[1:], value)
            continue
        if not name:
            parent.text = value
            continue
        for each in value if isinstance(value, list) else [value]:
            child = etree.SubElement(parent, name)
            if isinstance(each, str):
                child.text = each
            else:
                _grow(child, each)


def bulk(root: str, header: Tree, messages: Sequence[bytes], namespace: str = NAMESPACES[0]) -> bytes:
    """A message of many: a root with a namespace, its header, and the messages as they were made."""
    head = element("MessageHeader", header)
    return b'<n0:%s xmlns:n0="%s">%s%s</n0:%s>' % (
        root.encode(), namespace.encode(), head, b"".join(messages), root.encode()
    )  # fmt: skip


def enveloped(message: bytes) -> bytes:
    """The message in a SOAP 1.1 envelope."""
    return (
        b'<?xml version="1.0" encoding="UTF-8"?>\n<soapenv:Envelope xmlns:soapenv="%s"><soapenv:Header/><soapenv:Body>'
        b"%s</soapenv:Body></soapenv:Envelope>" % (SOAP.encode(), message)
    )


def confirmation(service: Service, header: Tree, outcomes: Sequence[tuple[str, Sequence[tuple[str, str]]]],
                 created: int, namespace: str = NAMESPACES[0]) -> bytes:  # fmt: skip
    """The answer to a message of many. outcomes: (UUID of a message, (type, note) of each error; none: accepted)."""
    said = [
        element(
            service.confirmed,
            {
                "MessageHeader": {"ReferenceUUID": uuid or None, "CreationDateTime": stamp(created)},
                "Log": {
                    "BusinessDocumentProcessingResultCode": "5" if faults else "3",
                    "MaximumLogItemSeverityCode": "3" if faults else "1",
                    "Item": [{"TypeID": kind, "SeverityCode": "3", "Note": note[:400]} for kind, note in faults],
                },
            },
        )
        for uuid, faults in outcomes
    ]
    return bulk(service.confirmation, header, said, namespace)


def stamp(time: int) -> str:
    """A dateTime in UTC. time: epoch seconds."""
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
