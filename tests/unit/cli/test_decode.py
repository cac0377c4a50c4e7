"""`kvarn decode`."""

import json

import pytest
from typer import Typer
from typer.testing import CliRunner

from cli.decode import decode
from pipeline.errors import ConfigError
from pipeline.keystore import key_ring, seal
from tests.builders_frames import (
    ALERT_PLAIN,
    AUTHENTICATION,
    BLOCK_BLOCKS,
    BLOCK_SEALED,
    ENCRYPTION,
    references,
)

app = Typer()
app.command()(decode)


def run(*arguments, stdin=None, env=None):
    return CliRunner().invoke(app, list(arguments), input=stdin, env=env or {})


def test_a_ciphered_frame_is_described_as_json_alone():
    result = run(BLOCK_SEALED.hex(), "--key", ENCRYPTION.hex(), "--auth-key", AUTHENTICATION.hex(), "--json")
    assert result.exit_code == 0
    (found,) = json.loads(result.stdout)
    assert set(found) == {"framing", "apdu", "device", "time", "values", "units", "error"}
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


def test_a_frame_without_a_key_says_so_and_shows_the_device():
    (found,) = json.loads(run(BLOCK_SEALED.hex(), "--json").stdout)
    assert found["error"] == {"code": "KEY_UNKNOWN", "reason": "no key for 4142430000012345"}
    assert found["device"] == "4142430000012345"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["zz"], "NOT_HEX"), (["00", "--key", "00"], "KEY_FORM"), (["00", "--key", "x" * 32], "KEY_FORM")],
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
