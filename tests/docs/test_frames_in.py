"""The examples of docs/frames-in.md are options that their connectors take, and JSON that they read."""

from __future__ import annotations

import re

import pytest
from ruamel.yaml import YAML

from cli.reference.pages import ROOT
from connectors import CONNECTORS
from connectors.dlms.connections import CLOSED, REFUSED
from connectors.payloads.config import Envelope
from connectors.payloads.envelopes import Fields, open_json

PAGE = (ROOT / "docs" / "frames-in.md").read_text(encoding="utf-8")
FENCES = re.findall(r"```(\w+)\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("text", [text for language, text in FENCES if language == "yaml"])
def test_an_example_is_taken_by_its_connector(text: str) -> None:
    options = YAML(typ="safe", pure=True).load(text)
    CONNECTORS[options.pop("type")].model_validate(options)


def test_the_example_of_json_is_a_frame_with_its_meter() -> None:
    (text,) = [text for language, text in FENCES if language == "json"]
    opened = open_json(text.replace("...", "").encode(), Fields(Envelope()))
    assert opened.frames == [(bytes.fromhex("DB084B564E0000000001"), "12")]


def test_every_reason_of_the_status_page_is_explained() -> None:
    for reason in REFUSED:
        assert f"`refused.{reason}`" in PAGE
    for reason in CLOSED:
        assert f"`closed.{reason}`" in PAGE or f"`{reason}`" in PAGE
