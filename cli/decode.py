"""`kvarn decode`: what frames say, one at a time."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from agents.decode.describe import Described, describe_frames, no_keys
from agents.decode.generic import KeyFinder
from cli.deployment import master_key
from cli.output import Json, console, emit
from pipeline.errors import ConfigError
from pipeline.gcm_single import KEY_LENGTH
from pipeline.keystore import MASTER_VARIABLE, open_sealed
from pipeline.lookup import find

Frame = Annotated[list[str] | None, typer.Argument(help="Frames in hex; standard input when none are given.")]
File = Annotated[
    Path | None, typer.Option("--file", "-f", help="File with one frame in hex a line.", exists=True, dir_okay=False)
]
Key = Annotated[str | None, typer.Option(help="Encryption key, 32 hexadecimal digits.", envvar="KVARN_DECODE_KEY")]
AuthKey = Annotated[
    str | None,
    typer.Option(help="Authentication key; the encryption key when not given.", envvar="KVARN_DECODE_AUTH_KEY"),
]
KeyStore = Annotated[
    Path | None,
    typer.Option(help=f"Sealed key store in place of --key; {MASTER_VARIABLE} opens it.", exists=True, dir_okay=False),
]


def decode(
    frame: Frame = None,
    file: File = None,
    key: Key = None,
    auth_key: AuthKey = None,
    key_store: KeyStore = None,
    as_json: Json = False,
) -> None:
    """Say what frames contain: framing, device, time, quantities by OBIS code.

    Frames come as arguments, from a file, or from standard input, in hex, one a line; spaces and colons do not matter,
    and lines that begin with # are skipped. WRAPPER, HDLC and bare APDUs are told apart by themselves; blocks of a
    general-block-transfer are joined. What cannot be read is reported with its code, and the rest goes on.
    """
    described = list(describe_frames(_frames(frame, file), _keys(key, auth_key, key_store)))
    if as_json:
        emit([item.as_dict() for item in described])
        return
    for number, item in enumerate(described, 1):
        _show(number, item)


def _frames(given: list[str] | None, file: Path | None) -> Iterator[bytes]:
    if given:
        lines = given
    elif file is not None:
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    else:
        lines = sys.stdin.read().splitlines()
    for number, line in enumerate(lines, 1):
        text = "".join(line.split()).replace(":", "")
        if not text or text.startswith("#"):
            continue
        try:
            yield bytes.fromhex(text)
        except ValueError as error:
            raise ConfigError(
                "NOT_HEX", where=f"frame {number}", what=str(error), do="give pairs of 0-9, A-F"
            ) from error


def _keys(key: str | None, auth_key: str | None, store: Path | None) -> KeyFinder:
    if store is not None:
        return _from_store(store)
    if key is None:
        return no_keys
    pair = (_octets("--key", key), _octets("--auth-key", auth_key if auth_key is not None else key))
    return lambda _title: pair


def _octets(option: str, text: str) -> bytes:
    try:
        octets = bytes.fromhex(text)
    except ValueError:
        octets = b""
    if len(octets) != KEY_LENGTH:
        raise ConfigError("KEY_FORM", where=option, what="not 32 hexadecimal digits", do="give 16 octets in hex")
    return octets


def _from_store(path: Path) -> KeyFinder:
    master = master_key()
    if master is None:
        raise ConfigError(
            "MASTER_KEY_MISSING", where=str(path), what="the store is sealed", do=f"set {MASTER_VARIABLE}"
        )
    ring = open_sealed(path.read_bytes(), master)
    index, keys = ring.by_device

    def finder(title: int) -> tuple[bytes, bytes] | None:
        row = int(find(index, keys, title))
        return None if row < 0 else (ring.encryption[row].tobytes(), ring.authentication[row].tobytes())

    return finder


def _show(number: int, item: Described) -> None:
    out = console()
    parts = [item.framing, item.apdu or "", item.device or "", item.time or ""]
    out.print(f"[bold]{number}[/bold] " + " · ".join(part for part in parts if part), markup=True)
    if item.values:
        table = Table(box=None, pad_edge=True)
        table.add_column("OBIS")
        table.add_column("value", justify="right")
        table.add_column("unit")
        for obis, value in item.values.items():
            table.add_row(obis, _text(value), item.units.get(obis, ""))
        out.print(table)
    if item.error is not None:
        out.print(f"  {item.error['code']}: {item.error['reason']}", style="red", markup=False)


def _text(value: Any) -> str:
    if value is None:
        return "absent"
    return ", ".join(str(part) for part in value) if isinstance(value, list) else str(value)
