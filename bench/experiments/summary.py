"""`bench/results/SUMMARY.md`: a table of the newest result of each case, and prose that is written by hand.

`kvarn bench run CASE --page` writes the table anew; so does `python -m bench.experiments.summary`. Both leave what
stands outside the markers as it is.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from bench.experiments.figures import number
from bench.experiments.page import met
from bench.page import RESULTS
from pipeline.errors import ConfigError

NAME = "SUMMARY.md"

BEGIN = "<!-- table: python -m bench.experiments.summary -->"
END = "<!-- end of table -->"

HEAD = (
    "| case | measured | gate | met | goal | met | page |",
    "| --- | ---: | ---: | --- | ---: | --- | --- |",
)


def write(folder: Path = RESULTS) -> Path:
    """Put the table between the markers of the summary in `folder`; raises ConfigError when they are not there."""
    path = folder / NAME
    text = path.read_text(encoding="utf-8") if path.exists() else f"{BEGIN}\n{END}\n"
    before, _, after = text.partition(BEGIN)
    _, end, behind = after.partition(END)
    if not end:
        raise ConfigError("SUMMARY_MARKERS", where=str(path), what=f"it has no {BEGIN} with {END} behind it",
                          do="put both lines where the table is to stand")  # fmt: skip
    path.write_text(f"{before}{BEGIN}\n\n{table(folder)}\n\n{END}{behind}", encoding="utf-8")
    return path


def table(folder: Path = RESULTS) -> str:
    """The table of the newest results that are kept in `folder`."""
    newest = _newest(folder)
    if not newest:
        return "No case has been measured yet."
    return "\n".join(
        [*HEAD, *(_row(stem, newest[stem]) for stem in sorted(newest, key=lambda stem: str(newest[stem]["case"])))]
    )


def _newest(folder: Path) -> dict[str, dict[str, Any]]:
    """Page name -> its JSON object: of each case the last one with the case's own load."""
    found: dict[str, str] = {}
    results: dict[str, dict[str, Any]] = {}
    for path in sorted(folder.glob("*.json")):
        said = json.loads(path.read_text(encoding="utf-8"))
        if not path.with_suffix(".md").exists() or said.get("gate_met") is None:
            continue
        results[path.stem] = said
        found[said["case"]] = path.stem
    return {stem: results[stem] for stem in found.values()}


def _row(stem: str, said: dict[str, Any]) -> str:
    better = "≥" if said["better"] == "more" else "≤"
    spread, different = said["spread"], said["correct"]["different"]
    measured = f"{number(said['value'])} {said['unit']} ({number(spread['least'])} to {number(spread['most'])})"
    wrong = f"; {different:,} rows differ" if different else ""
    cells = (said["case"], measured + wrong, f"{better} {number(said['gate'])}", met(said["gate_met"]),
             f"{better} {number(said['goal'])}", met(said["goal_met"]), f"[{stem[:10]}]({stem}.md)")  # fmt: skip
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    sys.stdout.write(f"{write()}\n")
