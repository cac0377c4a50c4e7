"""CSV files as utilities have them: encodings, headers, line breaks, units, words, dates; and tariff documents."""

import codecs
from fractions import Fraction

import pytest

from agents.rating.tariff import FOLDER
from cli.registry.importing import read_import
from connectors.registry.config import Mapping, read_mapping
from pipeline.errors import ConfigError
from pipeline.reference import FOREVER
from tests.builders_registry import DT, FEEDER, FIRST_POINT, clean, found, read, title

SHIPPED = (FOLDER / "msedcl-lt1b-2020.yaml").read_text(encoding="utf-8")


def rewrite(folder, table, change):
    path = folder / f"{table}.csv"
    path.write_bytes(change(path.read_bytes()))


@pytest.mark.parametrize("mark", [codecs.BOM_UTF8, b""])
@pytest.mark.parametrize("ends", [b"\n", b"\r\n", b"\r"])
def test_byte_order_marks_and_line_ends_do_not_matter(mark, ends, tmp_path):
    folder = clean().write(tmp_path)
    version = read(folder).version
    rewrite(folder, "network", lambda raw: mark + raw.replace(b"\n", ends))
    assert (read(folder).version, found(read(folder))) == (version, set())


def test_utf_16_is_told_by_its_mark_and_other_encodings_are_declared(tmp_path):
    files = clean()
    files.add("network", node=7, level="SUBSTATION", name="Süd")
    folder = files.write(tmp_path)
    version = read(folder).version
    rewrite(folder, "network", lambda raw: raw.decode().encode("utf-16"))
    assert read(folder).version == version
    for table in files.rows:
        rewrite(folder, table, lambda raw: raw if raw[:2] == b"\xff\xfe" else raw.decode().encode("cp1252"))
    rewrite(folder, "network", lambda raw: raw.decode("utf-16").encode("cp1252"))
    assert read(folder, encoding="cp1252").version == version
    assert {code for *_, code in found(read(folder))} == {"ENCODING"}


def test_rows_are_counted_in_lines_across_line_breaks_in_quotes_and_empty_lines(tmp_path):
    files = clean()
    folder = files.write(tmp_path)
    rewrite(folder, "network", lambda raw: raw + b'\n,,,\n  \n7,SUBSTATION,,"a\nb"\n8,MOON,,x\n')
    imported = read(folder)
    # Four nodes and the header are lines 1 to 5; then three empty ones, two for the quoted name, and the fault.
    assert found(imported) == {("network", 11, "level", "CHOICE_UNKNOWN")}
    assert b"a b" in imported.registry.node_name.tolist()


@pytest.mark.parametrize("lines", [b'"6000002\n6000003\n', b'"6000002\n6000003",1\n6000004\n'])
def test_a_row_that_runs_on_into_other_lines_makes_the_whole_table_wrong(lines, tmp_path):
    folder = clean().write(tmp_path)
    rewrite(folder, "accounts", lambda raw: raw + b"6000001\n" + lines)
    imported = read(folder)
    (row,) = imported.checked.findings
    assert (row.table, row.row, row.code) == ("accounts", 4, "QUOTE_OPEN")
    assert "to line 5" in row.reason
    assert not imported.applicable(leave_out=True)


def test_a_line_that_is_no_csv_and_one_of_another_width_cost_no_other_row(tmp_path):
    folder = clean().write(tmp_path)
    rewrite(folder, "accounts", lambda raw: raw + b'"60"1\n6000002,7\n6000003\n')
    imported = read(folder)
    assert found(imported) == {("accounts", 3, "", "ROW_UNREADABLE"), ("accounts", 4, "", "ROW_WIDTH")}
    assert len(imported.checked.tables["accounts"]) == 2
    assert imported.applicable(leave_out=True)


def test_spaces_around_cells_and_capitals_of_headers_do_not_matter(tmp_path):
    folder = clean().write(tmp_path)
    version = read(folder).version
    for table in ("meters", "service_points", "network"):
        rewrite(folder, table, lambda raw: raw.replace(b",", b" , ").replace(b"system_title", b"System Title"))
    assert (read(folder).version, found(read(folder))) == (version, set())


def test_headers_that_lack_repeat_or_are_not_known(tmp_path):
    folder = clean().write(tmp_path)
    rewrite(folder, "network", lambda raw: raw.replace(b"node,level,parent,name", b"node,node,parent,colour"))
    imported = read(folder)
    assert {row for row in found(imported) if row[0] == "network"} == {
        ("network", 1, "level", "HEADER_MISSING"),
        ("network", 1, "node", "HEADER_TWICE"),
        ("network", 1, "colour", "HEADER_UNKNOWN"),
    }
    assert not imported.applicable(leave_out=True)


def test_a_table_that_must_be_there_is_missed_and_the_others_are_still_checked(tmp_path):
    files = clean()
    files.meter(9, template=99)
    folder = files.write(tmp_path)
    (folder / "service_points.csv").unlink()
    imported = read(folder)
    assert found(imported) == {
        ("service_points", 0, "", "TABLE_MISSING"),
        ("meters", 5, "template", "TEMPLATE_UNKNOWN"),
    }
    assert not imported.applicable(leave_out=True)


@pytest.mark.parametrize("more", [b"", b",colour"])
@pytest.mark.parametrize("table", ["network", "accounts", "meters", "service_points", "installations", "keys"])
def test_a_file_of_a_header_alone_is_not_taken_for_a_utility_without_meters(table, more, tmp_path):
    folder = clean().write(tmp_path)
    rewrite(folder, table, lambda raw: raw.split(b"\n")[0] + more + b"\n")
    imported = read(folder)
    assert (table, 0, "", "TABLE_EMPTY") in found(imported)
    assert not imported.applicable(leave_out=True)


@pytest.mark.parametrize("line", [b"x" * 5 + b",7,7\n", b"7,7,7,7,7\n"])
def test_a_table_without_a_good_row_is_not_left_out_as_a_whole(line, tmp_path):
    folder = clean().write(tmp_path)
    rewrite(folder, "keys", lambda raw: raw.split(b"\n")[0] + b"\n" + line)
    imported = read(folder)
    assert ("keys", 0, "", "NO_GOOD_ROW") in found(imported)
    assert not imported.applicable(leave_out=True)


@pytest.mark.parametrize("text", [b"number: 7", b"\xff"])
def test_tariffs_that_are_all_in_error_do_not_empty_those_in_force(text, tmp_path):
    files = clean()
    files.home(9, tariff=7)
    folder = files.write(tmp_path)
    (folder / "tariffs").mkdir()
    (folder / "tariffs" / "own.yaml").write_bytes(text)
    in_force = {"tariffs/7.yaml": SHIPPED.replace("number: 1", "number: 7").encode()}
    assert found(read_import(Mapping(folder=tmp_path), in_force)) > {("tariffs", 0, "", "NO_GOOD_ROW")}
    imported = read_import(Mapping(folder=tmp_path), in_force)
    assert not imported.applicable(leave_out=True)
    # What is to vanish is not checked against.
    codes = {row.code for row in imported.checked.findings if row.table == "service_points"}
    assert codes <= {"TARIFF_UNKNOWN", "REFERS_TO_ERROR"}
    assert codes


def test_without_accounts_or_keys_neither_is_checked_against(tmp_path):
    files = clean()
    files.home(9, account=4711)
    folder = files.write(tmp_path)
    (folder / "accounts.csv").unlink()
    (folder / "keys.csv").unlink()
    imported = read(folder)
    assert (found(imported), imported.keys, imported.tariffs) == (set(), None, None)


def test_a_mapping_gives_headers_units_words_constants_and_dates(tmp_path):
    folder = clean().write(tmp_path / "csv")
    (folder / "meters.csv").unlink()
    (folder / "meter_master.txt").write_text(
        "Meter;IP (min);Max kWh\n" + "\n".join(f"{title(n)};30;7,2" for n in (1, 2, 3))
    )
    for path in folder.glob("*.csv"):
        path.write_text(path.read_text().replace(",", ";").replace("CONSUMER", "LT connection").replace(
            "2026-01-01", "01.01.2026"))  # fmt: skip
    (tmp_path / "map.yaml").write_text("""
folder: csv
delimiter: ";"
decimal: ","
dates: DD.MM.YYYY
tables:
  meters:
    file: meter_master.txt
    columns: {system_title: Meter, interval_secs: IP (min), limit_wh: Max kWh}
    units: {interval_secs: min, limit_wh: kWh}
    constants: {template: D1 float}
  service_points:
    values: {role: {LT Connection: CONSUMER}}
""")
    assert not read(folder).applicable(leave_out=True)  # without the mapping nothing of it can be read
    mapped = read_import(read_mapping(tmp_path / "map.yaml"))
    assert found(mapped) == set()
    assert mapped.version == read(clean().write(tmp_path / "plain")).version


@pytest.mark.parametrize(("text", "fault"), [
    ("tables: {meters: {columns: {colour: X}}}", "no column colour"),
    ("tables: {metres: {}}", "metres"),
    ("tables: {meters: {units: {limit_wh: kW}}}", "cannot be in kW"),
    ("zone: Europe/Berlin", "without summer time"),
    ("encoding: utf-17", "no such encoding"),
    ("dates: YY-M-D", "use one of"),
    ("source: postgresql\ntables: {meters: {}}", "needs a query"),
    ("tables: {keys: {constants: {encryption_key: '00'}}}", "neither mapped nor constant"),
    ("colour: red", "Extra inputs"),
])  # fmt: skip
def test_a_wrong_mapping_is_refused_with_what_is_wrong(text, fault, tmp_path):
    (tmp_path / "map.yaml").write_text(text)
    with pytest.raises(ConfigError, match=fault) as raised:
        read_mapping(tmp_path / "map.yaml")
    assert raised.value.code == "MAPPING_FAULT"


@pytest.mark.parametrize(("table", "column", "text"), [
    ("meters", "limit_wh", "12.345"), ("meters", "limit_wh", "1.234,5"), ("installations", "factor", "1.500"),
    ("service_points", "account", "5.000.000"),
])  # fmt: skip
def test_a_point_is_not_taken_for_a_decimal_point_where_a_comma_is_declared(table, column, text, tmp_path):
    files = clean()
    files.home(9)
    files.rows[table][-1][column] = text
    folder = files.write(tmp_path)
    units = {"meters": {"units": {"limit_wh": "kWh"}}}
    line = len(files.rows[table]) + 1
    assert (table, line, column, "DECIMAL_POINT") in found(read(folder, decimal=",", tables=units))
    assert "DECIMAL_POINT" not in {code for *_, code in found(read(folder, tables=units))}


def test_a_constant_that_is_no_value_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="CONSTANT_FAULT"):
        read(clean().write(tmp_path), tables={"installations": {"constants": {"limit_wh": "many"}},
                                              "network": {"constants": {"level": "MOON"}}})  # fmt: skip
    rewrite(tmp_path, "installations", lambda raw: raw.replace(b"limit_wh", b"other"))
    with pytest.raises(ConfigError, match="CONSTANT_FAULT"):
        read(tmp_path, tables={"installations": {"constants": {"limit_wh": "many"}}})


@pytest.mark.parametrize(("text", "epoch"), [
    ("2026-01-01", 1_767_205_800), ("2026-01-01 00:00", 1_767_205_800), ("2026-01-01T00:00:00", 1_767_205_800),
    ("2026-01-01T00:00:00Z", 1_767_225_600), ("2025-12-31T19:30:00+01:00", 1_767_205_800),
])  # fmt: skip
def test_times_are_of_the_declared_zone_unless_they_name_one(text, epoch, tmp_path):
    files = clean(0)
    files.home(9, valid_from=text)
    imported = read(files.write(tmp_path))
    assert imported.registry.point_from.tolist() == [epoch]
    assert imported.registry.point_to.tolist() == [FOREVER]
    assert read(tmp_path, zone="UTC").registry.point_from.tolist() == [
        epoch if "Z" in text or "+" in text else 1_767_225_600
    ]


@pytest.mark.parametrize(("cells", "factor"), [
    ({}, (1, 1)), ({"ct_ratio": "100/5"}, (20, 1)), ({"ct_ratio": "100/5", "pt_ratio": "11000/110"}, (2000, 1)),
    ({"factor": "25/2"}, (25, 2)), ({"factor": "50/4"}, (50, 4)), ({"factor": "12.5"}, (25, 2)),
    ({"ct_ratio": "800:5", "factor": "160"}, (160, 1)),
])  # fmt: skip
def test_the_factor_is_ctr_times_ptr_or_as_it_is_written(cells, factor, tmp_path):
    files = clean()
    files.meter(9)
    files.key(9)
    files.point(9)
    files.installation(9, **cells)
    registry = read(files.write(tmp_path)).registry
    row = registry.service_point.tolist().index(FIRST_POINT + 9)
    assert (registry.factor_numerator[row], registry.factor_denominator[row]) == factor
    assert Fraction(*factor) > 0


def test_registers_at_an_exchange_come_into_the_version_and_what_is_not_given_counts_as_zero(tmp_path):
    files = clean()
    files.meter(9)
    files.key(9)
    files.point(9)
    files.installation(
        9, removed_at="2026-05-01", opening_wh_imp=5, opening_vah_imp=7, closing_wh_imp=500, closing_vah_imp=600
    )
    registry = read(files.write(tmp_path)).registry
    row = registry.service_point.tolist().index(FIRST_POINT + 9)
    assert registry.exchange[row] == 3
    assert registry.opening[row].tolist() == [5, 7, 0, 0]
    assert registry.closing[row].tolist() == [500, 600, 0, 0]


def test_what_an_installation_says_of_the_model_goes_before_what_the_meter_says(tmp_path):
    files = clean()
    files.meter(9)
    files.key(9)
    files.point(9)
    files.installation(9, interval_secs=900, template="D1 integer")
    registry = read(files.write(tmp_path)).registry
    row = registry.service_point.tolist().index(FIRST_POINT + 9)
    assert (registry.interval_secs[row], registry.template[row], registry.limit_wh[row]) == (900, 2, 7200)


def test_tariffs_of_the_folder_are_read_with_their_faults_and_consequences(tmp_path):
    files = clean()
    files.home(9, tariff=7)
    files.home(10, tariff=8)
    folder = files.write(tmp_path)
    (folder / "tariffs").mkdir()
    own = SHIPPED.replace("number: 1", "number: 7").replace("2020-04-01", "2024-04-01")
    (folder / "tariffs" / "a.yaml").write_text(own)
    (folder / "tariffs" / "b.yaml").write_text(own.replace("code: msedcl", "code: other"))
    (folder / "tariffs" / "c.yaml").write_text(
        SHIPPED.replace("number: 1", "number: 8").replace("step_wh: 1000", "step_wh: 3")
    )
    imported = read(folder)
    points, links = len(files.rows["service_points"]) + 1, len(files.rows["installations"]) + 1
    assert found(imported) == {
        ("tariffs", 2, "document", "TARIFF_TWICE"),
        ("tariffs", 3, "document", "TARIFF_FAULT"),
        ("service_points", points, "tariff", "REFERS_TO_ERROR"),
        ("installations", links, "service_point", "REFERS_TO_ERROR"),
    }
    assert imported.tariffs == {"tariffs/a.yaml": own.encode()}


def test_network_meters_need_no_account(tmp_path):
    files = clean()
    for number, role, place in ((9, "DT_METER", {"dt": DT, "feeder": FEEDER}), (10, "FEEDER_METER", {"dt": ""})):
        files.home(number, role=role, account="", tariff="", **place)
    assert found(read(files.write(tmp_path))) == set()


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="FOLDER_MISSING"):
        read(tmp_path / "none")
    assert Mapping().zone == "Asia/Kolkata"
