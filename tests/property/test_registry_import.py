"""Registry import: export and import are inverse, rows have no order, dirty rows are named wherever they stand."""

import random
import tempfile
from itertools import pairwise
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from cli.registry.importing import read_import
from connectors.registry.cell_texts import TextReader
from connectors.registry.cells import parse
from connectors.registry.config import Mapping
from connectors.registry.export import export
from connectors.registry.rules import RULE_BY_CODE
from connectors.registry.tables import TABLES
from pipeline.codes import Level, Role
from pipeline.reference import FOREVER, Registry
from pipeline.reference_codec import registry_to_bytes
from tests.builders_registry import clean, found, read
from tests.planted_registry import PLANTS

EARLIEST, LATEST = 1_600_000_000, 2_000_000_000
NAMES = st.text(st.characters(exclude_categories=("C", "Z")), max_size=10)


@st.composite
def spans(draw, most=3):
    """Validities that follow one another, with gaps or without, the last one open or not."""
    edges = sorted(draw(st.sets(st.integers(EARLIEST, LATEST), min_size=2, max_size=2 * most)))
    rows = [pair for pair in pairwise(edges) if draw(st.booleans())] or [(edges[0], edges[1])]
    return [*rows[:-1], (rows[-1][0], draw(st.sampled_from((rows[-1][1], int(FOREVER)))))]


@st.composite
def registries(draw):
    """Any registry that an import accepts."""
    substations, feeders, dts = (draw(st.integers(1, 3)) for _ in range(3))
    numbers = draw(st.lists(st.integers(1, 2**32 - 1), unique=True, min_size=9, max_size=9))
    top, mid, low = numbers[:substations], numbers[3 : 3 + feeders], numbers[6 : 6 + dts]
    nodes = [(node, Level.SUBSTATION, 0) for node in top]
    nodes += [(node, Level.FEEDER, draw(st.sampled_from([0, *top]))) for node in mid]
    nodes += [(node, Level.DT, draw(st.sampled_from([0, *mid, *top]))) for node in low]
    points = sorted(draw(st.sets(st.integers(1, 2**64 - 1), min_size=1, max_size=4)))
    point_rows, links = [], []
    titles = iter(draw(st.lists(st.integers(1, 2**64 - 1), unique=True, min_size=16, max_size=16)))
    for point in points:
        for begin, end in draw(spans()):
            point_rows.append((point, begin, end, draw(st.integers(1, 2**64 - 1)), draw(st.sampled_from([0, 1])),
                               draw(st.sampled_from(Role)), draw(st.integers(0, 1)), draw(st.integers(0, 2**32 - 1)),
                               draw(st.sampled_from(low)), draw(st.sampled_from(mid))))  # fmt: skip
        device = next(titles)
        for begin, end in draw(spans()):
            device = draw(st.sampled_from([device, next(titles)])) if len(links) < 10 else device
            links.append((device, point, begin, end, *draw(link_columns(end))))
    links.sort(key=lambda row: (row[0], row[2]))
    return registry_of(sorted(nodes), point_rows, links, [draw(NAMES).encode() for _ in nodes])


@st.composite
def link_columns(draw, end):
    known = draw(st.integers(0, 3)) if end != FOREVER else draw(st.integers(0, 1))
    opening = sorted(draw(st.lists(st.integers(0, 10**8), min_size=4, max_size=4)))
    closing = [value + draw(st.integers(0, 10**6)) for value in opening]
    return (
        draw(st.integers(1, 5)), draw(st.integers(1, 2**32 - 1)), draw(st.integers(1, 2**32 - 1)),
        draw(st.sampled_from((900, 1800))), draw(st.integers(1, 10**15)), known,
        opening if known & 1 else [0] * 4, closing if known & 2 else [0] * 4,
    )  # fmt: skip


def registry_of(nodes, points, links, names):
    columns = [*zip(*links, strict=True), *zip(*points, strict=True), *zip(*nodes, strict=True), names]
    sections = ("link", "point", "node")
    order = [column.name for section in sections for column in Registry.COLUMNS if column.section == section]
    dtypes = {column.name: column.dtype for column in Registry.COLUMNS}
    return Registry(**{name: np.array(values, dtypes[name]) for name, values in zip(order, columns, strict=True)})


@settings(max_examples=60, deadline=None)
@given(registries())
def test_files_of_any_version_give_the_version(registry):
    with tempfile.TemporaryDirectory() as folder:
        export(registry, {}, Path(folder) / "out")
        imported = read_import(Mapping(folder=Path(folder) / "out"))
        assert [row for row in imported.checked.findings if row.severity != "warning"] == []
        assert imported.raw == registry_to_bytes(registry)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from([way for ways in PLANTS.values() for way in ways]), max_size=30), st.integers())
def test_dirty_rows_are_named_and_nothing_else_wherever_they_stand(ways, seed):
    files = clean()
    expected = set()
    for number, way in enumerate(ways):
        expected.update(way(files, 1000 + number))
    names = {table: list(range(len(rows))) for table, rows in files.rows.items()}
    for table, places in names.items():
        # What stands twice is named in the later line: the order among these rows is left as it is.
        if not any(row[3] == "ROW_TWICE" for row in expected if row[0] == table):
            random.Random(seed).shuffle(places)
            files.rows[table] = [files.rows[table][place] for place in places]
    moved = {(t, names[t].index(line - 2) + 2, column, code) for t, line, column, code in expected}
    with tempfile.TemporaryDirectory() as folder:
        assert found(read(files.write(Path(folder)))) == moved


CELLS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(["0001-01-01T00:00:00+23:59", "9999-12-31", "1e999", "9" * 400, "١٢", "-0", "1/0", "''", "NaN",
                     "inf", "\ufffd", "\ud800", "2026-W01", "24:00", "\x00", "+5", "0x10", ".", "1/1/1"]),
)  # fmt: skip
COLUMNS = [(table, column) for table in TABLES for column in table.columns]


@settings(max_examples=300)
@given(st.sampled_from(COLUMNS), st.lists(CELLS, min_size=1, max_size=8))
def test_any_text_is_a_value_or_a_fault(place, cells):
    table, column = place
    parsed = parse(cells, TextReader.of(table, column, Mapping()))
    assert len(parsed.values) == len(cells)
    assert {row for row, *_ in parsed.faults} == set(np.flatnonzero(~parsed.fine).tolist())
    assert {code for _, code, *_ in parsed.faults} <= set(RULE_BY_CODE)


@settings(max_examples=60)
@given(
    st.sampled_from([table.name for table in TABLES if table.name != "tariffs"]), st.binary(max_size=80), st.booleans()
)
def test_any_octets_in_a_file_are_read_or_named(table, octets, marked):
    files = clean(2)
    with tempfile.TemporaryDirectory() as folder:
        path = files.write(Path(folder)) / f"{table}.csv"
        path.write_bytes(b"\xff\xfe" + octets if marked else path.read_bytes() + octets)
        imported = read(path.parent)
        assert len(list(imported.checked.findings)) == sum(imported.checked.findings.counts.values())
        assert imported.applicable(leave_out=True) != imported.checked.findings.whole
