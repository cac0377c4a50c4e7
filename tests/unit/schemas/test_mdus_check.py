"""Messages checked against the shipped schemas, and against a customer's WSDL."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import ConfigError
from schemas.mdus.check import FOLDER, Checker
from schemas.mdus.names import NAMESPACES, RESULTS, SERVICES
from schemas.mdus.xml import bulk, confirmation, parsed, stamp

UUID = "00000000-0000-4000-8000-000000000000"


def answer(namespace: str = NAMESPACES[0], note: str = "b") -> bytes:
    return confirmation(RESULTS, {"CreationDateTime": stamp(0)}, [(UUID, [("A", note)]), (UUID, [])], 0, namespace)


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.root)
def test_every_service_has_a_schema_in_both_namespaces(service: object) -> None:
    for namespace in NAMESPACES:
        checker = Checker(namespace=namespace)
        said = checker.fault(parsed(bulk(service.root, {"CreationDateTime": stamp(0)}, [], namespace)))  # type: ignore[attr-defined]
        assert "Missing child element" in said
        assert service.message in said  # type: ignore[attr-defined]


def test_a_message_of_the_other_namespace_is_not_known() -> None:
    assert Checker().fault(parsed(answer())) == ""
    assert Checker().fault(parsed(answer(NAMESPACES[1])))
    assert Checker(namespace=NAMESPACES[1]).fault(parsed(answer(NAMESPACES[1]))) == ""


def wsdl(folder: Path) -> Path:
    """A WSDL with two schemas: one imports the other by its namespace alone, and both use prefixes of the root."""
    text = (FOLDER / "results.xsd").read_text()
    common = (FOLDER / "common.xsd").read_text()
    inner = text[text.index("?>") + 2 :].replace('<xsd:include schemaLocation="common.xsd"/>', "")
    inner = inner.replace("</xsd:schema>", common[common.index("<xsd:simpleType") :])
    inner = inner.replace("</xsd:schema>", "", inner.count("</xsd:schema>") - 1)
    inner = inner.replace('<xsd:element name="MeterReadingDocumentERPResultBulkCreateRequest">',
                          '<xsd:import namespace="urn:customer"/><xsd:element name="X" type="c:Short"/>'
                          '<xsd:element name="MeterReadingDocumentERPResultBulkCreateRequest">', 1)  # fmt: skip
    inner = inner.replace('xmlns:xsd="http://www.w3.org/2001/XMLSchema" ', "", 1)
    other = (
        '<xsd:schema targetNamespace="urn:customer"><xsd:simpleType name="Short"><xsd:restriction base="xsd:string">'
        '<xsd:maxLength value="3"/></xsd:restriction></xsd:simpleType></xsd:schema>'
    )
    path = folder / "service.wsdl"
    path.write_text(
        '<wsdl:definitions xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/" xmlns:xsd="http://www.w3.org/2001/XMLSchema" '
        f'xmlns:c="urn:customer"><wsdl:types>{other}{inner}</wsdl:types></wsdl:definitions>'
    )
    return path


def test_a_wsdl_of_several_schemas_is_used_in_place_of_ours(tmp_path: Path) -> None:
    checker = Checker(wsdl(tmp_path))
    assert checker.fault(parsed(answer())) == ""
    assert checker.fault(parsed(b'<n:X xmlns:n="http://sap.com/xi/SAPGlobal20/Global">abc</n:X>')) == ""
    assert "maxLength" in checker.fault(parsed(b'<n:X xmlns:n="http://sap.com/xi/SAPGlobal20/Global">abcd</n:X>'))


def test_an_xsd_file_may_include_one_beside_it() -> None:
    assert Checker(FOLDER / "results.xsd").fault(parsed(answer())) == ""
    assert Checker(FOLDER / "results.xsd").fault(parsed(answer(note="x" * 400))) == ""


@pytest.mark.parametrize("text", ["", "<a/>", "no xml", '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]><a/>'])
def test_a_file_that_is_no_schema_does_not_start(text: str, tmp_path: Path) -> None:
    (tmp_path / "bad.wsdl").write_text(text)
    with pytest.raises(ConfigError, match="SAP_SCHEMA_UNREADABLE"):
        Checker(tmp_path / "bad.wsdl")
    with pytest.raises(ConfigError, match="SAP_SCHEMA_UNREADABLE"):
        Checker(tmp_path / "absent.wsdl")
