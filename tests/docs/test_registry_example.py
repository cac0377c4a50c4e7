"""The example files of a registry import are right, and the page of rules has each."""

from pathlib import Path

from cli.reference.pages import ROOT
from cli.registry.importing import columns_of, read_import
from connectors.registry.config import read_mapping
from connectors.registry.rules import RULES
from connectors.registry.tables import TABLES
from pipeline.codes import Level, Role

FOLDER = ROOT / "examples" / "registry"


def test_the_example_files_have_no_findings_and_show_all_that_a_version_has() -> None:
    imported = read_import(columns_of(FOLDER, None))
    assert [str(row) for row in imported.checked.findings] == []
    registry = imported.registry
    assert set(registry.role.tolist()) == set(Role)
    assert set(registry.node_level.tolist()) == set(Level)
    assert set(registry.exchange.tolist()) == {0, 1, 2}
    assert len(registry.point) > len(set(registry.point.tolist()))
    assert set((registry.factor_numerator // registry.factor_denominator).tolist()) == {1, 20, 40, 8000}
    assert imported.keys is not None
    assert set(registry.device.tolist()) == set(imported.keys.device.tolist())
    assert len(imported.keys.device) == len(set(imported.keys.device.tolist())) + 1


def test_the_header_of_each_example_file_is_the_table_that_is_documented() -> None:
    for table in TABLES:
        path = FOLDER / f"{table.name}.csv"
        if table.name != "tariffs":
            header = path.read_text(encoding="utf-8").split("\n", 1)[0].split(",")
            assert header == [column.name for column in table.columns]


def test_the_example_mapping_of_a_database_is_valid() -> None:
    mapping = read_mapping(FOLDER / "postgresql.yaml")
    assert mapping.source == "postgresql"
    assert {table.name for table in TABLES if table.needed} <= set(mapping.tables)


def test_every_rule_and_column_is_on_the_page() -> None:
    page = Path(ROOT / "docs" / "reference" / "registry.md").read_text(encoding="utf-8")
    assert [page.count(f"| `{rule.code}` |") for rule in RULES] == [1] * len(RULES)
    for table in TABLES:
        assert f"### {table.name}\n" in page
        assert all(f"| `{column.name}` |" in page for column in table.columns)
