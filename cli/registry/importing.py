"""One import: where it comes from, what was found, and the version that it makes."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from cli.registry.tariffs import tariff_reader
from connectors.registry.build import build_keys, build_registry, build_tariffs
from connectors.registry.check import Checked, check
from connectors.registry.config import Mapping as Columns
from connectors.registry.config import read_mapping
from connectors.registry.csv_source import CsvSource
from connectors.registry.postgresql_source import PostgresqlSource, psycopg_connect
from connectors.registry.source import Source
from pipeline.errors import ConfigError
from pipeline.reference import KeyRing, Registry, version_of
from pipeline.reference_codec import registry_to_bytes


@dataclass(frozen=True)
class Import:
    """An import that was read and checked; what is in error is left out of the version."""

    checked: Checked
    labels: Mapping[str, str]

    @cached_property
    def registry(self) -> Registry:
        """The registry."""
        return build_registry(self.checked.tables)

    @cached_property
    def raw(self) -> bytes:
        """The registry's bytes."""
        return registry_to_bytes(self.registry)

    @cached_property
    def version(self) -> str:
        """The registry's version."""
        return version_of(self.raw)

    @property
    def keys(self) -> KeyRing | None:
        """The keys, or None when the import has none: then those in force stay."""
        rows = self.checked.tables["keys"]
        return build_keys(rows) if rows.there else None

    @property
    def tariffs(self) -> Mapping[str, bytes] | None:
        """Tariff documents, or None when the import has none: then those in force stay."""
        rows = self.checked.tables["tariffs"]
        return build_tariffs(rows) if rows.there else None

    def applicable(self, leave_out: bool) -> bool:
        """Whether a version can be made: without errors, or without the rows in error."""
        return self.checked.whole or (leave_out and not self.checked.findings.whole)


def columns_of(folder: Path | None, config: Path | None) -> Columns:
    """The mapping of a command: of its file, and of the folder where one is given."""
    if folder is None and config is None:
        raise ConfigError("NO_SOURCE", where="registry", what="neither a folder nor a mapping is given",
                          do="name the folder of the CSV files, or a mapping with --config")  # fmt: skip
    columns = read_mapping(config) if config is not None else Columns()
    return columns if folder is None else columns.model_copy(update={"folder": folder})


def read_import(columns: Columns, documents: Mapping[str, bytes] | None = None) -> Import:
    """Read and check. documents: those in force, None when they are not known."""
    with _opened(columns) as source:
        checked = check(source, columns, tariff_reader(documents))
        labels = {name: source.label(rows.table) for name, rows in checked.tables.items()}
    return Import(checked, labels)


@contextmanager
def _opened(columns: Columns) -> Iterator[Source]:
    if columns.source == "csv":
        yield CsvSource(columns)
        return
    dsn = os.environ.get(columns.dsn_variable)
    if not dsn:
        raise ConfigError("DSN_MISSING", where=columns.dsn_variable, what="the variable is not set",
                          do="set it to the DSN of the database")  # fmt: skip
    source = PostgresqlSource(columns, psycopg_connect(dsn))
    try:
        yield source
    finally:
        source.close()
