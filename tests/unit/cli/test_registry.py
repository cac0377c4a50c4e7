"""`kvarn registry`: check, diff, apply, export; Kafka stands behind doubles."""

import csv
import json
import shutil

import pytest
from typer.testing import CliRunner

from cli.reference.pages import ROOT
from cli.registry import commands
from cli.registry.in_force import InForce, of_store
from cli.registry.publish import put_in_force, versions_of
from cli.registry.spool import SPOOL, keep, kept
from pipeline.errors import ConfigError
from pipeline.keystore import open_sealed
from pipeline.reference import version_of
from pipeline.reference_codec import documents_from_bytes, documents_to_bytes, registry_to_bytes
from pipeline.runtime.references import DOCUMENTS, KEYS, REGISTRY, KeyFolder
from tests.builders_registry import FIRST_POINT, clean, key, read
from tests.unit.connectors.registry.test_files import SHIPPED

MASTER = bytes(range(32))


class FakeKafka:
    """Topic `registry` and the log: what is published and put in force, in order."""

    def __init__(self):
        self.versions, self.done = {}, []

    def latest(self, kind):
        raw = self.versions.get(kind)
        return None if raw is None else (version_of(raw), raw)

    def publish(self, kind, raw):
        self.versions[kind] = raw
        self.done.append(f"publish {kind}")

    def control(self, control):
        self.done.append(f"control {' '.join(sorted(control.versions))}")


@pytest.fixture
def kafka(monkeypatch, tmp_path):
    fake, keys = FakeKafka(), KeyFolder(tmp_path / "keystore")
    monkeypatch.setattr(commands, "read_plan", lambda file: None)
    monkeypatch.setattr(commands, "prepare", lambda plan: None)
    monkeypatch.setattr(commands, "KafkaLog", lambda plan, contracts: fake)
    monkeypatch.setattr(commands, "key_folder", lambda: keys)
    monkeypatch.setattr(commands, "master_key", lambda: MASTER)
    monkeypatch.setattr(commands, "of_plan", lambda plan: of_store(fake, keys, MASTER))
    fake.keys = keys
    return fake


def run(*arguments, stdin=None):
    return CliRunner().invoke(commands.app, [str(argument) for argument in arguments], input=stdin)


def test_check_of_clean_files_ends_well_and_names_the_version(tmp_path):
    folder = clean().write(tmp_path)
    result = run("check", folder, "--json")
    assert result.exit_code == 0
    said = json.loads(result.stdout)
    assert (said["errors"], said["findings"], said["version"]) == (0, [], read(folder).version)
    assert said["rows"]["meters"] == 3


def test_check_names_a_dirty_row_as_text_as_json_and_as_a_file(tmp_path):
    files = clean()
    files.meter(9, template=99)
    folder = files.write(tmp_path / "in")
    result = run("check", folder, "--report", tmp_path / "report.csv")
    assert result.exit_code == 2
    assert "meters.csv" in result.stdout
    assert "TEMPLATE_UNKNOWN" in result.stdout
    with (tmp_path / "report.csv").open() as file:
        (row,) = csv.DictReader(file)
    (said,) = json.loads(run("check", folder, "--json").stdout)["findings"]
    assert {name: str(value) for name, value in said.items()} == row
    assert (said["file"], said["row"], said["column"], said["code"], said["value"]) == (
        "meters.csv", 5, "template", "TEMPLATE_UNKNOWN", "99"
    )  # fmt: skip


def test_check_saves_a_version_only_when_it_can_be_applied(tmp_path):
    files = clean()
    folder = files.write(tmp_path / "in")
    version = read(folder).version
    files.meter(9, template=99)
    files.write(tmp_path / "in")
    assert run("check", folder, "--save", tmp_path / "v").exit_code == 2
    assert not (tmp_path / "v").exists()
    assert run("check", folder, "--save", tmp_path / "v", "--leave-out").exit_code == 0
    assert version_of((tmp_path / "v").read_bytes()) == version


def test_check_shows_no_more_rows_than_asked_for_and_says_how_many_there_are(tmp_path):
    files = clean()
    for number in range(10, 30):
        files.meter(number, template=99)
    text = run("check", files.write(tmp_path), "--most", 3).stdout
    assert text.count("meters.csv") == 3
    assert "17 more" in text


def test_diff_against_a_saved_version_tells_old_and_new_values(tmp_path):
    files = clean()
    (tmp_path / "old").write_bytes(read(files.write(tmp_path / "in")).raw)
    files.rows["service_points"][0]["sanctioned_w"] = "4000"
    files.write(tmp_path / "in")
    text = run("diff", tmp_path / "in", "--against", tmp_path / "old", "--report", tmp_path / "r.csv").stdout
    assert "sanctioned_w: 3000 -> 4000" in text
    with (tmp_path / "r.csv").open() as file:
        assert [row["new"] for row in csv.DictReader(file)] == ["4000"]
    said = json.loads(run("diff", tmp_path / "in", "--against", tmp_path / "old", "--json").stdout)
    assert said["tables"]["service_points"]["counts"] == {"added": 0, "removed": 0, "changed": 1}
    # Of a saved version the keys are not known: they are neither added nor changed.
    assert "keys" not in said["tables"]
    assert said["not_compared"] == ["keys"]
    assert "keys: those in force are not known here" in text


def test_apply_names_the_versions_before_it_publishes_them(tmp_path, kafka):
    folder = clean().write(tmp_path / "in")
    (folder / "tariffs").mkdir()
    (folder / "tariffs" / "own.yaml").write_text(SHIPPED)
    kafka.versions[DOCUMENTS] = documents_to_bytes({"vee/rules.yaml": b"x", "tariffs/old.yaml": SHIPPED.encode()})
    result = run("apply", folder, "--yes", "--json")
    assert result.exit_code == 0, result.output
    said = json.loads(result.stdout)
    assert said["applied"] == ["documents", "keys", "registry"]
    assert kafka.done == ["control documents keys registry", "publish documents", "publish registry"]
    assert said["versions"][REGISTRY] == version_of(kafka.versions[REGISTRY]) == read(folder).version
    assert set(documents_from_bytes(kafka.versions[DOCUMENTS])) == {"vee/rules.yaml", "tariffs/own.yaml"}
    ring = open_sealed(kafka.keys.get(KEYS, said["versions"][KEYS]), MASTER)
    assert [row.tobytes().hex() for row in ring.encryption] == [key(2 * n + 1) for n in (1, 2, 3)]
    assert key(3) not in result.output


def test_applying_the_same_again_does_nothing(tmp_path, kafka):
    folder = clean().write(tmp_path / "in")
    assert run("apply", folder, "--yes").exit_code == 0
    kafka.done.clear()
    result = run("apply", folder)
    assert result.exit_code == 0
    assert "in force already" in result.stdout
    assert kafka.done == []


def test_apply_asks_and_does_nothing_without_a_yes(tmp_path, kafka):
    folder = clean().write(tmp_path / "in")
    assert run("apply", folder, stdin="n\n").exit_code == 1
    assert (kafka.done, kafka.versions) == ([], {})
    result = run("apply", folder, stdin="y\n")
    assert result.exit_code == 0
    assert f"+ service_points {FIRST_POINT + 1}" in result.stdout
    assert REGISTRY in kafka.versions


def test_nothing_is_applied_while_a_row_is_in_error_unless_it_is_left_out(tmp_path, kafka):
    files = clean()
    version = read(files.write(tmp_path / "in")).version
    files.meter(9, template=99)
    folder = files.write(tmp_path / "in")
    result = run("apply", folder, "--yes")
    assert result.exit_code == 2
    assert "TEMPLATE_UNKNOWN" in result.stdout
    assert (kafka.done, list(kafka.keys.folder.glob("*"))) == ([], [])
    assert run("apply", folder, "--yes", "--leave-out").exit_code == 0
    assert version_of(kafka.versions[REGISTRY]) == version


def test_what_is_left_out_is_counted_and_shown_also_where_a_line_could_not_be_read(tmp_path, kafka):
    folder = clean().write(tmp_path / "in")
    with (folder / "accounts.csv").open("a", encoding="utf-8") as file:
        file.write('"60"1\n6000002,7\n')
    result = run("apply", folder, "--yes", "--leave-out")
    assert result.exit_code == 0, result.output
    assert "2 rows are left out: 2 accounts" in result.stdout
    assert "ROW_UNREADABLE" in result.stdout
    assert "ROW_WIDTH" in result.stdout
    said = json.loads(run("apply", folder, "--yes", "--leave-out", "--json").stdout)
    assert (said["rows"]["accounts"], said["left_out"]["accounts"]) == (3, 2)
    assert [row["code"] for row in said["findings"]] == ["ROW_UNREADABLE", "ROW_WIDTH"]
    said = json.loads(run("diff", folder, "--leave-out", "--json").stdout)
    assert (said["left_out"]["accounts"], len(said["findings"])) == (2, 2)


def test_an_open_quote_is_not_applied_with_rows_left_out(tmp_path, kafka):
    folder = shutil.copytree(ROOT / "examples" / "registry", tmp_path / "in")
    lines = (folder / "installations.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    lines[2] = '"' + lines[2]
    (folder / "installations.csv").write_text("".join(lines), encoding="utf-8")
    result = run("apply", folder, "--yes", "--leave-out")
    assert result.exit_code == 2
    assert "QUOTE_OPEN" in result.stdout
    assert (kafka.done, kafka.versions) == ([], {})


def test_an_import_without_keys_leaves_those_in_force(tmp_path, kafka):
    files = clean()
    folder = files.write(tmp_path / "in")
    run("apply", folder, "--yes")
    (folder / "keys.csv").unlink()
    files.rows["service_points"][0]["sanctioned_w"] = "4000"
    del files.rows["keys"][:]
    files.write(folder)
    (folder / "keys.csv").unlink()
    kafka.done.clear()
    assert run("apply", folder, "--yes").exit_code == 0
    assert kafka.done == ["control registry", "publish registry"]


def test_keys_are_not_applied_without_a_master_key(tmp_path):
    found = read(clean().write(tmp_path))
    with pytest.raises(ConfigError, match="MASTER_KEY_MISSING"):
        versions_of(found, InForce(), None)


def test_a_tariff_in_force_counts_where_the_import_has_none(tmp_path, kafka):
    files = clean()
    files.rows["service_points"][0]["tariff"] = "7"
    folder = files.write(tmp_path / "in")
    assert run("diff", folder).exit_code == 2
    kafka.versions[DOCUMENTS] = documents_to_bytes(
        {"tariffs/7.yaml": SHIPPED.replace("number: 1", "number: 7").encode()}
    )
    assert run("diff", folder).exit_code == 0


def test_what_apply_takes_is_not_refused_where_tariffs_in_force_are_not_known(tmp_path, kafka):
    files = clean()
    files.rows["service_points"][0]["tariff"] = "7"
    files.point(1, valid_from="2019-01-01", valid_to="2019-06-01")
    folder = files.write(tmp_path / "in")
    (tmp_path / "old").write_bytes(read(clean().write(tmp_path / "before")).raw)
    early = SHIPPED.replace("2020-04-01", "2018-04-01")
    kafka.versions[DOCUMENTS] = documents_to_bytes(
        {"tariffs/7.yaml": SHIPPED.replace("number: 1", "number: 7").encode(), "tariffs/1.yaml": early.encode()}
    )
    assert run("apply", folder, "--yes").exit_code == 0
    said = json.loads(run("check", folder, "--json").stdout)
    assert (said["errors"], said["counts"]["TARIFF_NOT_TOLD"]) == (0, 2)
    reasons = [row["reason"] for row in said["findings"] if row["code"] == "TARIFF_NOT_TOLD"]
    assert all("not known here" in reason for reason in reasons)
    result = run("diff", folder, "--against", tmp_path / "old", "--json")
    assert result.exit_code == 0
    # An import that has tariffs is checked against them, whatever is in force.
    (folder / "tariffs").mkdir()
    (folder / "tariffs" / "own.yaml").write_text(SHIPPED)
    said = json.loads(run("check", folder, "--json").stdout)
    codes = {row["code"] for row in said["findings"] if row["column"] == "tariff"}
    assert codes == {"TARIFF_NOT_IN_FORCE", "TARIFF_UNKNOWN"}


def test_tariffs_are_not_compared_with_a_saved_version_which_has_none(tmp_path):
    folder = clean().write(tmp_path / "in")
    (tmp_path / "old").write_bytes(read(folder).raw)
    (folder / "tariffs").mkdir()
    (folder / "tariffs" / "own.yaml").write_text(SHIPPED)
    said = json.loads(run("diff", folder, "--against", tmp_path / "old", "--json").stdout)
    assert said["not_compared"] == ["keys", "tariffs"]
    assert "tariffs" not in said["tables"]


def test_export_writes_files_that_give_the_version_again(tmp_path, kafka):
    folder = clean().write(tmp_path / "in")
    run("apply", folder, "--yes")
    said = json.loads(run("export", tmp_path / "out", "--json", "--save", tmp_path / "v").stdout)
    assert read(tmp_path / "out").version == said["version"] == read(folder).version
    assert registry_to_bytes(read(folder).registry) == (tmp_path / "v").read_bytes()
    assert run("export", tmp_path / "again", "--from", tmp_path / "v").exit_code == 0
    assert read(tmp_path / "again").version == said["version"]


def test_nothing_in_force_cannot_be_exported(tmp_path, kafka):
    result = run("export", tmp_path / "out")
    assert isinstance(result.exception, ConfigError)
    assert result.exception.code == "NO_VERSION"


def test_without_a_source_nothing_is_checked():
    assert isinstance(run("check").exception, ConfigError)


@pytest.mark.parametrize("step", ["control", "publish documents", "publish registry"])
def test_a_run_that_fails_anywhere_is_made_good_by_another(step, tmp_path, monkeypatch):
    kafka, folder = FakeKafka(), KeyFolder(tmp_path / "keystore")
    files = clean().write(tmp_path / "in")
    (files / "tariffs").mkdir()
    (files / "tariffs" / "own.yaml").write_text(SHIPPED)
    found, named = read(files), {}

    def fails(what):
        if what.startswith(step):
            raise ConnectionError(what)

    class Failing:
        def control(self, control):
            fails("control")
            named.update(control.versions)

        def publish(self, kind, raw):
            fails(f"publish {kind}")
            kafka.publish(kind, raw)

    with pytest.raises(ConnectionError):
        put_in_force(versions_of(found, of_store(kafka, folder, MASTER), MASTER), Failing(), folder)
    monkeypatch.setattr(kafka, "control", lambda control: named.update(control.versions))
    versions = versions_of(found, of_store(kafka, folder, MASTER), MASTER)
    put_in_force(versions, kafka, folder)
    assert named == versions.names
    assert set(kafka.versions) == {REGISTRY, DOCUMENTS}
    assert versions_of(found, of_store(kafka, folder, MASTER), MASTER).new == {}


@pytest.mark.parametrize("step", ["control", "publish documents", "publish registry"])
def test_a_run_of_other_files_publishes_first_what_a_failed_one_has_named(step, tmp_path, kafka, monkeypatch):
    files = clean()
    folder = files.write(tmp_path / "in")
    (folder / "tariffs").mkdir()
    (folder / "tariffs" / "own.yaml").write_text(SHIPPED)
    first = read(folder)
    named, published, broken = [], set(), [step]

    def control(control):
        named.append(dict(control.versions))  # in some partitions, even when it fails
        if "control" in broken:
            raise ConnectionError

    def publish(kind, raw):
        if f"publish {kind}" in broken:
            raise ConnectionError
        kafka.versions[kind] = raw
        published.add(version_of(raw))

    monkeypatch.setattr(kafka, "control", control)
    monkeypatch.setattr(kafka, "publish", publish)
    assert isinstance(run("apply", folder, "--yes").exception, ConnectionError)
    broken.clear()
    files.rows["service_points"][0]["sanctioned_w"] = "4000"
    files.write(folder)
    (folder / "tariffs" / "own.yaml").write_text(SHIPPED + "\n")
    result = run("apply", folder, "--yes", "--json")
    assert result.exit_code == 0, result.output
    said = json.loads(result.stdout)
    assert said["finished"] == named[0] == named[1]
    assert said["finished"][REGISTRY] == first.version
    for versions in named:
        assert {name for kind, name in versions.items() if kind != KEYS} <= published
    assert kafka.keys.get(KEYS, named[0][KEYS]) is not None
    assert version_of(kafka.versions[REGISTRY]) == read(folder).version != first.version
    assert not (kafka.keys.folder / SPOOL).exists()
    assert json.loads(run("apply", folder, "--yes", "--json").stdout)["finished"] == {}


def test_what_a_failed_run_left_is_not_published_when_it_is_damaged(tmp_path):
    folder = KeyFolder(tmp_path)
    keep(folder, {REGISTRY: version_of(b"registry"), KEYS: "of the key folder"}, {REGISTRY: b"registry", KEYS: b"keys"})
    assert kept(folder) == ({REGISTRY: version_of(b"registry"), KEYS: "of the key folder"}, {REGISTRY: b"registry"})
    (tmp_path / SPOOL / REGISTRY).write_bytes(b"other")
    with pytest.raises(ConfigError, match="SPOOL_DAMAGED"):
        kept(folder)
