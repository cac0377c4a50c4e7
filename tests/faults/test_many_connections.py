"""Ten thousand meters that stay connected: all their frames arrive, and the next one is refused."""

from __future__ import annotations

import pytest

from bench.connections import measure, possible

CONNECTIONS = 10_000


@pytest.mark.slow
@pytest.mark.skipif(not possible(CONNECTIONS), reason=f"this process may not open {CONNECTIONS} files")
def test_ten_thousand_connections_are_held_and_one_more_is_refused() -> None:
    figures = measure(CONNECTIONS)
    assert (figures.arrived_once, figures.arrived_more_often) == (2 * CONNECTIONS, 0)
    assert figures.refused == 1
    print(figures)
