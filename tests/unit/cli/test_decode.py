"""`kvarn decode`."""

import base64
import json
import os

import numpy as np
import pytest
from typer import Typer
from typer.testing import CliRunner

from cli.decode import decode
from pipeline.errors import ConfigError
from pipeline.keystore import key_ring, seal
from pipeline.reference import BEGINNING
from tests.builders_apdus import service
from tests.builders_frames import (
    ALERT_PLAIN,
    AUTHENTICATION,
    BLOCK_BLOCKS,
    BLOCK_SEALED,
    DEVICE,
    ENCRYPTION,
    datum,
    references,
    stamp,
)

app = Typer()
app.command()(decode)


def run(*arguments, stdin=None, env=None):
    return CliRunner().invoke(app, list(arguments), input=stdin, env=env or {})


def test_a_ciphered_frame_is_described_as_json_alone():
    result = run(BLOCK_SEALED.hex(), "--key", ENCRYPTION.hex(), "--auth-key", AUTHENTICATION.hex(), "--json")
    assert result.exit_code == 0
    (found,) = json.loads(result.stdout)
    said = {"framing", "apdu", "device", "time", "values", "units", "error"}
    assert set(found) == said | {"template", "details", "data"}
    assert found["template"] == {"name": "D1 float", "version": 1, "category": "D1", "verified": True}
    assert found["values"]["1.0.1.29.0.255"] == 125
    assert found["units"]["1.0.1.29.0.255"] == "Wh"
    assert found["error"] is None


def test_frames_of_a_file_are_read_line_by_line(tmp_path):
    file = tmp_path / "frames.hex"
    lines = ["# a comment", "", ALERT_PLAIN.hex(":"), *(block.hex(" ") for block in BLOCK_BLOCKS), "0f01"]
    file.write_text("\n".join(lines))
    found = json.loads(run("--file", str(file), "--json").stdout)
    assert [item["error"] and item["error"]["code"] for item in found] == [None, None, "DATA_MALFORMED"]
    assert found[0]["values"] == {"0.0.94.91.18.255": [81, 83, 85]}


def test_lines_may_be_base64_or_the_json_of_a_gateway(tmp_path):
    file = tmp_path / "frames.txt"
    texts = [base64.b64encode(ALERT_PLAIN).decode(), json.dumps({"device": "M1", "payload": ALERT_PLAIN.hex()})]
    file.write_text("\n".join([ALERT_PLAIN.hex(), *texts, '{"payload": 7}']))
    found = json.loads(run("--file", str(file), "--json").stdout)
    assert [item["values"].get("0.0.94.91.18.255") for item in found] == [[81, 83, 85]] * 3 + [None]
    assert found[2]["details"]["envelope"]["device"] == "M1"
    assert found[3]["error"]["code"] == "FRAME_UNREADABLE"


def test_octets_are_explained_when_asked_for():
    result = run(
        BLOCK_SEALED.hex(), "--key", ENCRYPTION.hex(), "--auth-key", AUTHENTICATION.hex(), "--explain", "--json"
    )
    (found,) = json.loads(result.stdout)
    assert [section["of"] for section in found["explain"]] == ["frame", "APDU", "APDU, deciphered"]
    assert found["explain"][1]["parts"][2] == {
        "offset": 2, "length": 8, "octets": "4142430000012345", "what": "system title", "value": "4142430000012345",
    }  # fmt: skip
    shown = run(ALERT_PLAIN.hex(), "--explain")
    assert shown.exit_code == 0
    assert "bit-string" in shown.stdout


def test_a_frame_without_a_title_takes_it_from_the_command_and_rows_their_columns(tmp_path):
    sealed = service(0xCC, bytes.fromhex("c401c1000600001391"))
    arguments = ["--key", ENCRYPTION.hex(), "--auth-key", AUTHENTICATION.hex(), "--title", f"{DEVICE:016X}", "--json"]
    (found,) = json.loads(run(sealed.hex(), *arguments).stdout)
    assert found["details"]["value"] == 5009
    rows = datum(1, [datum(2, [datum(9, stamp()), datum(6, 7)]), datum(2, [datum(0), datum(6, 8)])])
    columns = "8/0.0.1.0.0.255/2, 3/1.0.1.8.0.255/2"
    (found,) = json.loads(run(rows.hex(), "--columns", columns, "--period", "900", "--json").stdout)
    assert [row["1.0.1.8.0.255"] for row in found["values"]["buffer"]] == [7, 8]
    assert found["values"]["buffer"][1]["time"] == "2025-07-01T12:15:00+05:30"


def test_keys_of_the_workers_folder_are_used_and_the_youngest_store_goes_first(tmp_path):
    keys, master = references().keys, bytes(range(32))
    old = seal(key_ring(keys.device, keys.encryption * 0, keys.authentication), master)
    young = seal(key_ring(keys.device, keys.encryption, keys.authentication), master)
    for age, (name, raw) in enumerate([("b", old), ("a", young)]):
        file = tmp_path / f"{name}.keys"
        file.write_bytes(raw)
        os.utime(file, (age, age))
    environment = {"KVARN_MASTER_KEY": master.hex(), "KVARN_KEYS": str(tmp_path)}
    for arguments in ([], ["--key-store", str(tmp_path)]):
        result = run(BLOCK_SEALED.hex(), *arguments, "--json", env=environment)
        assert json.loads(result.stdout)[0]["values"]["1.0.12.27.0.255"] == 231.5


def test_standard_input_is_read_when_nothing_is_given():
    result = run(stdin=ALERT_PLAIN.hex() + "\n")
    assert result.exit_code == 0
    assert "81, 83, 85" in result.stdout


def test_keys_can_come_from_a_sealed_store(tmp_path):
    keys = references().keys
    store, master = tmp_path / "keys.sealed", bytes(range(32))
    store.write_bytes(seal(key_ring(keys.device, keys.encryption, keys.authentication), master))
    result = run(BLOCK_SEALED.hex(), "--key-store", str(store), "--json", env={"KVARN_MASTER_KEY": master.hex()})
    assert json.loads(result.stdout)[0]["values"]["1.0.12.27.0.255"] == 231.5


def test_a_frame_under_a_former_key_of_the_store_is_opened_and_said_to_be(tmp_path):
    keys, store, master = references().keys, tmp_path / "keys.sealed", bytes(range(32))
    twice = [np.concatenate(pair) for pair in ((keys.encryption, keys.encryption ^ 1), [keys.authentication] * 2)]
    ring = key_ring(np.repeat(keys.device, 2), *twice, valid_from=np.array([BEGINNING, 1_000]))
    store.write_bytes(seal(ring, master))
    environment = {"KVARN_MASTER_KEY": master.hex()}
    (found,) = json.loads(run(BLOCK_SEALED.hex(), "--key-store", str(store), "--json", env=environment).stdout)
    assert found["values"]["1.0.12.27.0.255"] == 231.5
    assert found["details"]["security"]["other_key"] is True
    altered = BLOCK_SEALED[:-1] + bytes([BLOCK_SEALED[-1] ^ 1])
    (found,) = json.loads(run(altered.hex(), "--key-store", str(store), "--json", env=environment).stdout)
    assert found["error"]["code"] == "DECRYPT_FAILED"


def test_a_frame_without_a_key_says_so_and_shows_the_device():
    (found,) = json.loads(run(BLOCK_SEALED.hex(), "--json").stdout)
    assert found["error"] == {"code": "KEY_UNKNOWN", "reason": "no key for 4142430000012345"}
    assert found["device"] == "4142430000012345"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["zz"], "NOT_HEX"),
        (["00", "--columns", "1.8.0"], "COLUMNS_FORM"),
        (["00", "--title", "00"], "KEY_FORM"),
        (["00", "--dedicated-key", "00"], "KEY_FORM"),
        (["00", "--key", "00"], "KEY_FORM"),
        (["00", "--key", "x" * 32], "KEY_FORM"),
    ],
)
def test_what_is_no_hex_is_a_usage_error_that_repeats_no_key(arguments, code):
    result = run(*arguments)
    assert isinstance(result.exception, ConfigError)
    assert result.exception.code == code
    assert "x" * 32 not in str(result.exception)


def test_a_sealed_store_without_the_master_key_is_a_usage_error(tmp_path):
    store = tmp_path / "keys.sealed"
    store.write_bytes(b"KVKEY\x01")
    result = run(BLOCK_SEALED.hex(), "--key-store", str(store))
    assert isinstance(result.exception, ConfigError)
    assert result.exception.code == "MASTER_KEY_MISSING"
