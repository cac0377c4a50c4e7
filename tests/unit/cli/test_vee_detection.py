"""What is planted in a small simulated fleet is found, and what is sound is left alone."""

from __future__ import annotations

from cli.vee.detection import GOALS, Tally, measured
from cli.vee.limits import Limits
from cli.vee.planted import planted


def test_planted_faults_are_found_and_sound_intervals_left_alone() -> None:
    said = measured(meters=25, days=15, seed=3, real=[])
    rows = {row["what"]: row for row in said["rows"]}
    assert set(rows) == {*GOALS, "false flags, clean simulated"}
    for name in ("missing", "duplicate", "negative", "clock beyond 300 s", "spike", "register mismatch", "stuck"):
        assert rows[name]["planted"] > 0, name
        assert rows[name]["reached"], rows[name]
    assert rows["false flags, clean simulated"]["reached"], said["false_by_rule"]


def test_a_rule_that_finds_nothing_is_told() -> None:
    tally = Tally()
    for one in planted(8, 3, 3, Limits()):
        one.series.channels["wh_imp"].flags[:] = 0
        one.fault[5:8] = 9
        tally.take(one)
    row = tally.row("negative")
    assert row["planted"] >= 3 * 8
    assert not row["reached"], "these intervals are not negative"
