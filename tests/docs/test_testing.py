"""The page on testing: its example runs, and its tables name what there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cli.testing import FrameDriver

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "testing.md").read_text(encoding="utf-8")


def test_the_example_runs_in_the_projects_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    monkeypatch.chdir(ROOT)
    names: dict[str, object] = {}
    exec(compile(example, "docs/testing.md", "exec"), names)
    assert len(names["days"]) == 5  # type: ignore[arg-type]


def test_every_method_of_the_driver_stands_in_a_table() -> None:
    named = {name for row in re.findall(r"^\| (`.*?) \|", PAGE, re.MULTILINE) for name in re.findall(r"`(\w+)", row)}
    methods = {name for name in dir(FrameDriver) if not name.startswith("_") and callable(getattr(FrameDriver, name))}
    assert methods == named - {"parked", "log"}
