"""The pace of a demo: what compiling took is not the pipeline's."""

from __future__ import annotations

from cli.demo.command import pace


def test_seconds_of_compiling_stand_apart() -> None:
    assert pace(1_000, 110.0, 100.0) == {"frames_per_s": 100, "seconds": 10.0, "compiling_s": 100.0}


def test_without_compiling_it_is_frames_over_seconds() -> None:
    assert pace(1_000, 10.0) == {"frames_per_s": 100, "seconds": 10.0, "compiling_s": 0.0}
