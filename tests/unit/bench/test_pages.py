"""The page of a case's runs: what it says, its plots, and the summary's table."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from bench.case import read_case
from bench.experiments import plots as drawing
from bench.experiments import summary
from bench.experiments.drain import over_time
from bench.experiments.page import write
from bench.experiments.plots import plots
from bench.page import RESULTS
from bench.throughput.drain import Drained
from bench.throughput.watch import Moment
from pipeline.errors import ConfigError

MACHINE = {
    "cpu": "some", "cpus": 2, "memory_gib": 24.0, "system": "Linux 6", "load_before": 0.1,
    "versions": {"python": "3.11"}, "cpu_used_by_others": 0.02,
}  # fmt: skip
CORRECT = {"rows": 1500, "rejects": 12, "different": 0}


def run(number: int, value: float, **details: Any) -> dict[str, Any]:
    return {"run": number, "value": value, "cpu_used_by_others": 0.02, **details}


def drawn_run(number: int, value: float) -> dict[str, Any]:
    """A run with everything that plots are drawn of."""
    rows = [{"at": 2.0 * at + 1, "frames_per_s": value + at, "cpu": {"worker": 0.9, "sink": 0.5}} for at in range(9)]
    fleets = [{"meters": 10**power, "cpu_us_per_frame": power + value / 1e6} for power in (6, 4, 5)]
    return run(
        number, value, over_time=rows, by_fleet=fleets,
        latency={"p50_s": 0.2, "p90_s": 0.5, "p99_s": 0.9, "p999_s": 1.25, "most_s": 3.0},
        cpu_us_per_frame={"worker": 3.5, "sink": 2.25, "together": 5.75},
    )  # fmt: skip


def said(runs: list[dict[str, Any]], **changed: Any) -> dict[str, Any]:
    """What `figures` would have said of three runs of 200, 300 and 400 thousand."""
    return {
        "case": "throughput", "gate": 250000.0, "goal": 600000.0, "value": 300000.0, "unit": "frames/s",
        "better": "more", "spread": {"least": 200000.0, "most": 400000.0, "share": 0.667}, "gate_met": True,
        "goal_met": False, "also": {}, "correct": {"different": 0, "runs": [CORRECT] * len(runs)},
        "load": {"meters": 1000}, "runs": runs, "machine": MACHINE, **changed,
    }  # fmt: skip


THREE = [drawn_run(1, 400_000), drawn_run(2, 200_000), drawn_run(3, 300_000)]
KEPT = tuple(drawing.PLOTS)


def texts(svg: bytes) -> set[str]:
    """What is written in a plot."""
    return {
        "".join(node.itertext()).strip() for node in ElementTree.fromstring(svg).iter() if node.tag.endswith("}text")
    }


def test_the_same_runs_give_the_same_bytes_whatever_the_user_has_set() -> None:
    import matplotlib

    first = plots(THREE, 2)
    with matplotlib.rc_context({"font.size": 30, "svg.fonttype": "path", "axes.grid": False}):
        assert plots(THREE, 2) == first
    assert tuple(first) == KEPT
    assert b"<dc:date>" not in b"".join(first.values())
    assert max(map(len, first.values())) < 60_000


def test_axes_bear_their_units_and_the_run_of_the_median_its_values() -> None:
    found = {name: texts(svg) for name, svg in plots(THREE, 2).items()}
    assert {"thousand frames/s", "CPUs busy", "s", "worker", "sink"} <= found["over-time"]
    assert {"latency, s", "p50", "p99.9", "most", "200 ms", "1.25 s", "3.00 s"} <= found["latency"]
    assert {"CPU µs a frame", "worker", "3.50", "2.25", "together", "5.75"} <= found["cpu"]
    assert {"meters", "CPU µs a frame", "10,000", "1,000,000", "4.30", "6.30"} <= found["fleet"]


@pytest.mark.parametrize("name", ["over_time", "latency", "cpu_us_per_frame", "by_fleet"])
def test_a_plot_is_drawn_when_its_details_are_there_and_only_then(name: str) -> None:
    some = [{key: value for key, value in drawn.items() if key != name} for drawn in THREE]
    assert set(plots(THREE, 2)) - set(plots(some, 2)) == {
        {"over_time": "over-time", "latency": "latency", "cpu_us_per_frame": "cpu", "by_fleet": "fleet"}[name]
    }
    alone = [run(1, 1.0, **{name: THREE[0][name]})]
    assert len(plots(alone, 0)) == 1


def test_runs_without_details_have_no_plots() -> None:
    assert plots([run(1, 1.0), run(2, 2.0)], 0) == {}


def test_a_percentile_that_was_never_reached_is_left_out() -> None:
    slow = {"p50_s": 0.25, "p90_s": 0.5, "p99_s": float("inf"), "most_s": None}
    assert {"250 ms", "500 ms", "p90"} <= texts(plots([run(1, 1.0, latency=slow)], 0)["latency"])
    assert "p99" not in texts(plots([run(1, 1.0, latency=slow)], 0)["latency"])
    assert plots([run(1, 1.0, latency={"p50_s": float("inf")})], 0) == {}


def test_a_part_has_one_colour_in_all_plots() -> None:
    found = plots(THREE, 2)
    colours = drawing._colours(THREE[2])
    assert len(set(colours.values())) == 2
    for name in ("over-time", "cpu"):
        assert all(colour.encode() in found[name] for colour in colours.values())


def test_without_the_library_it_is_said_before_anything_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    drawing.require()
    monkeypatch.setattr(drawing, "find_spec", lambda _name: None)
    with pytest.raises(ConfigError, match=r"PLOTS_NEED.*env-dev"):
        drawing.require()


def test_a_page_stands_beside_its_plots_and_its_object(tmp_path: Path) -> None:
    page = write(said(THREE), read_case("throughput"), tmp_path)
    assert re.fullmatch(r"\d{4}-\d\d-\d\d-\d{4}-throughput\.md", page.name)
    text = page.read_text()
    links = re.findall(r"!\[[^]]+\]\(([^)]+)\)", text)
    assert [page.with_name(link).read_bytes() for link in links] == list(plots(THREE, 2).values())
    assert len(links) == len(KEPT)
    assert json.loads(page.with_suffix(".json").read_text()) == said(THREE)
    assert {path.suffix for path in tmp_path.iterdir()} == {".md", ".svg", ".json"}


def test_a_page_says_question_runs_gate_goal_rows_machine_and_what_is_missing(tmp_path: Path) -> None:
    case = read_case("throughput").model_copy(update={"unsaid": "Nothing of rain."})
    text = write(said(THREE), case, tmp_path).read_text()
    for line in (
        case.question, "| median | 300,000 | |", "| least | 200,000 | |", "| most | 400,000 | |",
        "| gate | at least 250,000 | yes |", "| goal | at least 600,000 | no |", "66.7% of the median",
        "| 2 | 200,000 | 1,512 | 0 | 2% |", "| readings | 4,500 | 0 |", "| rejects | 36 | 0 |", "2 CPUs, some",
        "Load: meters 1000.", "## What the numbers do not say\n\nNothing of rain.",
    ):  # fmt: skip
        assert str(line) in text


def test_a_page_of_another_load_or_of_rows_that_differ_does_not_look_like_a_result(tmp_path: Path) -> None:
    case = read_case("throughput")
    wrong = {**CORRECT, "different": 7, "wrong": {"readings": {"missing": 4, "unexpected": 0, "other": 3}}}
    changed = said(THREE[:1], gate_met=False, correct={"different": 7, "runs": [wrong]})
    text = write(changed, case, tmp_path).read_text()
    assert "7 rows differ from the truth, so it counts for nothing" in text
    assert "| readings | 1,500 | 7 |" in text
    text = write(said(THREE, gate_met=None, goal_met=None), case, tmp_path).read_text()
    assert text.count("says nothing of this load") == 2


def test_another_figure_that_the_goal_asks_for_is_on_the_page(tmp_path: Path) -> None:
    found = said(THREE, better="less", also={"p50_s": {"value": 0.4, "goal": 0.3}})
    text = write(found, read_case("throughput"), tmp_path).read_text()
    assert "| p50_s, for the goal at most 0.3 | 0.4 | no |" in text
    assert "| gate | at most 250,000 | yes |" in text


def kept(folder: Path, stem: str, **changed: Any) -> None:
    """A result as a page leaves it."""
    (folder / f"{stem}.md").write_text("# page\n")
    (folder / f"{stem}.json").write_text(json.dumps(said(THREE, **changed)))


def test_the_summary_has_the_newest_result_of_each_case(tmp_path: Path) -> None:
    kept(tmp_path, "2026-01-01-1000-throughput", value=1.0)
    kept(tmp_path, "2026-01-02-1000-throughput", value=275_000.0)
    kept(tmp_path, "2026-01-03-1000-throughput", value=3.0, gate_met=None)
    kept(tmp_path, "2026-01-01-0900-latency", case="latency", better="less", unit="s", value=1.5, goal_met=True)
    (tmp_path / "2026-01-09-1000-throughput.json").write_text(json.dumps(said(THREE, value=9.0)))
    assert summary.table(tmp_path).splitlines()[2:] == [
        "| latency | 1.5 s (200,000 to 400,000) | ≤ 250,000 | yes | ≤ 600,000 | yes "
        "| [2026-01-01](2026-01-01-0900-latency.md) |",
        "| throughput | 275,000 frames/s (200,000 to 400,000) | ≥ 250,000 | yes | ≥ 600,000 | no "
        "| [2026-01-02](2026-01-02-1000-throughput.md) |",
    ]


def test_prose_of_the_summary_is_kept(tmp_path: Path) -> None:
    file = tmp_path / summary.NAME
    file.write_text(f"# Ours\n\n{summary.BEGIN}\nold\n{summary.END}\n\nBy hand.\n")
    kept(tmp_path, "2026-01-01-1000-throughput")
    summary.write(tmp_path)
    once = file.read_text()
    assert (once.startswith("# Ours\n\n"), once.endswith("\n\nBy hand.\n"), "old" in once) == (True, True, False)
    assert summary.write(tmp_path).read_text() == once
    file.write_text("# no markers\n")
    with pytest.raises(ConfigError, match="SUMMARY_MARKERS"):
        summary.write(tmp_path)


def test_the_summary_in_the_repository_is_of_the_results_kept_there() -> None:
    text = (RESULTS / summary.NAME).read_text(encoding="utf-8")
    assert f"{summary.BEGIN}\n\n{summary.table(RESULTS)}\n\n{summary.END}" in text


def moment(at: float, done: int, busy: float) -> Moment:
    return Moment(at, {}, 0, {"worker.metering": busy, "broker": 2 * busy}, 0.0, 0, {}, {"worker.metering": done})


def test_frames_over_time_add_up_to_those_that_were_sent() -> None:
    looks = [moment(10 + 0.25 * step, 40 + 3 * step, 0.2 * step) for step in range(42)]
    drained = Drained(1230, looks, "", reader="worker.metering")
    rows = over_time(drained, 2.0)
    seconds = [2.0, 2.0, 2.0, 2.0, 2.25]
    assert sum(row["frames_per_s"] * secs for row, secs in zip(rows, seconds, strict=True)) == pytest.approx(1230)
    assert [row["at"] for row in rows] == [1.0, 3.0, 5.0, 7.0, 9.12]
    assert rows[0] == {"at": 1.0, "frames_per_s": 120, "cpu": {"worker": 0.8, "broker": 1.6}}


def test_a_drain_shorter_than_a_window_is_one_row() -> None:
    drained = Drained(100, [moment(0, 0, 0), moment(0.5, 1, 0.1)], "", reader="worker.metering")
    assert [row["frames_per_s"] for row in over_time(drained)] == [200]
