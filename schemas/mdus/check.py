"""Messages checked against schemas: ours, or those in a WSDL or XSD file of a customer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lxml import etree

from pipeline.errors import ConfigError
from schemas.mdus.names import NAMESPACES, SERVICES
from schemas.mdus.xml import UnreadableError, name_of, parsed

FOLDER = Path(__file__).parent.parent / "xsd" / "mdus"
XSD = "http://www.w3.org/2001/XMLSchema"
WRAPPED = "kvarn:"
MOST_SAID = 300


class Checker:
    """Says what is wrong with a message. `file`: a WSDL or XSD to check against instead of ours."""

    def __init__(self, file: Path | None = None, namespace: str = NAMESPACES[0]) -> None:
        self._by_root: dict[str, Any] = {}
        if file is not None:
            self._all: Any = _of_file(file)
            return
        self._all = None
        for name in sorted({service.schema for service in SERVICES}):
            schema = _shipped(name, namespace)
            for service in SERVICES:
                if service.schema == name:
                    self._by_root |= {root: schema for root in (service.root, service.confirmation) if root}

    def fault(self, message: Any) -> str:
        """What is wrong with a message (its root element); empty: nothing."""
        schema = self._all if self._all is not None else self._by_root.get(name_of(message))
        if schema is None:
            return f"{name_of(message)} is no message that is known here"
        if schema.validate(message):
            return ""
        first = schema.error_log[0]
        return f"line {first.line}: {first.message}"[:MOST_SAID]


def _shipped(name: str, namespace: str) -> Any:
    text = (FOLDER / f"{name}.xsd").read_text(encoding="utf-8").replace(NAMESPACES[0], namespace)
    common = (FOLDER / "common.xsd").read_bytes()
    return _compiled(text.encode(), {"common.xsd": common}, "kvarn:/mdus.xsd")


class _Files(etree.Resolver):
    """Parts of a schema that are at hand; what is not is looked for beside its file, and never in a network."""

    def __init__(self, parts: dict[str, bytes]) -> None:
        self._parts = parts

    def resolve(self, url: str, public: str, context: Any) -> Any:
        """The octets of a part."""
        part = self._parts.get(url) or self._parts.get(url.rpartition("/")[2])
        return None if part is None else self.resolve_string(part, context)


def _parser(parts: dict[str, bytes]) -> Any:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    parser.resolvers.add(_Files(parts))
    return parser


def _compiled(text: bytes, parts: dict[str, bytes], base: str) -> Any:
    return etree.XMLSchema(etree.fromstring(text, _parser(parts), base_url=base))


def _of_file(file: Path) -> Any:
    try:
        root = parsed(file.read_bytes())
        if name_of(root) == "schema":
            return _compiled(file.read_bytes(), {}, str(file.resolve()))
        found = root.findall(f".//{{{XSD}}}schema")
        if not found:
            raise UnreadableError("no schema in it")
        return _of_wsdl(found, file)
    except OSError as error:
        what = error.strerror or str(error)
    except (UnreadableError, etree.XMLSchemaParseError, etree.XMLSyntaxError) as error:
        what = str(error)
    raise ConfigError("SAP_SCHEMA_UNREADABLE", where=str(file), what=what[:MOST_SAID], do="give a WSDL or XSD file")


def _of_wsdl(found: list[Any], file: Path) -> Any:
    """One schema that imports all that stand in a WSDL; imports among them find each other by namespace."""
    places = {each.get("targetNamespace", ""): f"{WRAPPED}/{number}.xsd" for number, each in enumerate(found)}
    parts = {}
    for number, each in enumerate(found):
        for wanted in each.findall(f"{{{XSD}}}import"):
            place = places.get(wanted.get("namespace", ""))
            if place is not None and not wanted.get("schemaLocation"):
                wanted.set("schemaLocation", place)
        parts[f"{WRAPPED}/{number}.xsd"] = etree.tostring(each, with_tail=False)
    wrapper = etree.Element(f"{{{XSD}}}schema", nsmap={"xsd": XSD})
    for namespace, place in places.items():
        if namespace:
            etree.SubElement(wrapper, f"{{{XSD}}}import", namespace=namespace, schemaLocation=place)
        else:
            etree.SubElement(wrapper, f"{{{XSD}}}include", schemaLocation=place)
    return _compiled(etree.tostring(wrapper), parts, str(file.resolve()))
