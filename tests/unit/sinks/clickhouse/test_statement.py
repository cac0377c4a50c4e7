"""What a question may say."""

from __future__ import annotations

import pytest

from pipeline.errors import ConfigError
from sinks.clickhouse.statement import has_format, reading


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT 1",
        "  select 1 ;\n",
        "WITH 1 AS x SELECT x",
        "(SELECT 1) UNION ALL (SELECT 2)",
        "FROM readings SELECT count()",
        "SHOW TABLES",
        "DESCRIBE readings",
        "EXPLAIN indexes = 1 SELECT 1",
        "-- a note\n/* and; another */ SELECT 1",
        "SELECT 'a; DROP TABLE b', \"into\", `outfile` -- ; INTO OUTFILE\n",
        "SELECT 'it''s; fine', 'back\\'slash; too'",
        "SELECT file FROM readings",
        "SELECT $tag$ ; INTO OUTFILE $tag$",
    ],
)
def test_what_reads_is_passed_on(statement: str) -> None:
    assert reading(statement) == statement.strip().removesuffix(";").strip()


@pytest.mark.parametrize(
    "statement",
    [
        "",
        "-- nothing",
        "DROP TABLE readings",
        "INSERT INTO readings SELECT * FROM readings",
        "/* SELECT */ ALTER TABLE readings DELETE WHERE 1",
        "KILL QUERY WHERE 1",
        "SYSTEM STOP MERGES",
        "SET readonly = 0",
        "USE other",
        "SELECT 1; DROP TABLE readings",
        "SELECT 1;; SELECT 2",
        "SELECT 1 INTO OUTFILE '/tmp/x'",
        "select 1 into /* hidden */ outfile '/tmp/x'",
        "SELECT file('/etc/hostname')",
        "SELECT File ( '/etc/hostname' )",
    ],
)
def test_what_does_more_than_read_is_refused(statement: str) -> None:
    with pytest.raises(ConfigError, match="SQL_NOT_READING"):
        reading(statement)


def test_a_statement_may_name_the_format_of_its_answer() -> None:
    assert has_format("SELECT 1 FORMAT CSV")
    assert has_format("SELECT 1 format Vertical ; -- so\n")
    assert not has_format("SELECT 'FORMAT CSV'")
    assert not has_format("SELECT format FROM readings LIMIT 1")
