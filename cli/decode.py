"""`kvarn decode`: what frames say, one at a time."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from agents.decode.describe import Options, describe_with
from agents.decode.single.messages import Attribute
from cli.decoding.frames import frames_of
from cli.decoding.keys import keys_for, octets_of, title_of
from cli.decoding.show import show
from cli.output import Json, emit
from pipeline.errors import ConfigError
from pipeline.keystore import MASTER_VARIABLE

Frame = Annotated[
    list[str] | None, typer.Argument(help="Frames in hex, base64 or JSON; standard input when none are given.")
]
File = Annotated[
    Path | None, typer.Option("--file", "-f", help="File with one frame a line.", exists=True, dir_okay=False)
]
Key = Annotated[
    str | None,
    typer.Option(help="Encryption key, 32 hexadecimal digits, 64 for suite 2.", envvar="KVARN_DECODE_KEY"),
]
AuthKey = Annotated[
    str | None,
    typer.Option(help="Authentication key; the encryption key when not given.", envvar="KVARN_DECODE_AUTH_KEY"),
]
KeyStore = Annotated[
    Path | None,
    typer.Option(
        help=f"Sealed key store, or folder of them, in place of --key; {MASTER_VARIABLE} opens it. "
        "Without both, the folder of the workers (KVARN_KEYS).",
        exists=True,
    ),
]
DedicatedKey = Annotated[
    str | None,
    typer.Option(help="Key of ded- and general-ded ciphering.", envvar="KVARN_DECODE_DEDICATED_KEY"),
]
Kek = Annotated[
    str | None,
    typer.Option(help="Key-encrypting key, for keys that frames bring along.", envvar="KVARN_DECODE_KEK"),
]
Title = Annotated[
    str | None, typer.Option(help="System title of the meter, 16 hexadecimal digits, for frames that carry none.")
]
Columns = Annotated[
    str | None,
    typer.Option(help="Columns of profile rows that come without their list: class/OBIS/attribute, with commas."),
]
Period = Annotated[int, typer.Option(help="Capture period of such rows, seconds; 0 when not known.", min=0)]
Explain = Annotated[bool, typer.Option(help="Say of each range of octets what it is.")]

_COLUMN = re.compile(r"(\d{1,5})/((?:\d{1,3}\.){5}\d{1,3})/(-?\d{1,3})")


def decode(
    frame: Frame = None,
    file: File = None,
    key: Key = None,
    auth_key: AuthKey = None,
    key_store: KeyStore = None,
    dedicated_key: DedicatedKey = None,
    kek: Kek = None,
    title: Title = None,
    columns: Columns = None,
    period: Period = 0,
    explain: Explain = False,
    as_json: Json = False,
) -> None:
    """Say what frames contain: framing, device, time, quantities by OBIS code.

    Frames come as arguments, from a file, or from standard input, one a line: in hex (spaces and colons do not matter),
    in base64, or in the JSON of a gateway; lines that begin with # are skipped. WRAPPER, HDLC, M-Bus, LLC and bare
    APDUs are told apart by themselves; blocks are joined, and what a meter says of its own lists serves the frames
    behind. What cannot be read is reported with its code, and the rest goes on.
    """
    keys = replace(
        keys_for(key, auth_key, key_store),
        dedicated=None if dedicated_key is None else octets_of("--dedicated-key", dedicated_key),
        kek=None if kek is None else octets_of("--kek", kek),
        server=title_of(title),
        client=title_of(title),
    )
    options = Options(keys, columns=_columns(columns), period_secs=period, explain=explain)
    described = list(describe_with(frames_of(frame, file), options))
    if as_json:
        emit([item.as_dict(explain=explain) for item in described])
        return
    for number, item in enumerate(described, 1):
        show(number, item, explain=explain)


def _columns(text: str | None) -> list[Attribute]:
    found = []
    for part in (text or "").split(",") if text else []:
        match = _COLUMN.fullmatch(part.strip())
        if match is None:
            raise ConfigError(
                "COLUMNS_FORM", where="--columns", what=f"{part.strip()!r} is no class/OBIS/attribute",
                do="give for example 8/0.0.1.0.0.255/2,3/1.0.1.8.0.255/2",
            )  # fmt: skip
        found.append(Attribute(int(match[1]), match[2], int(match[3])))
    return found
