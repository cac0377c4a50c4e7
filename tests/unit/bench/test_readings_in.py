"""The load of readings of head-ends: every format has all of it."""

import pytest

from bench.readings_in import SLOTS, WAYS, Load, main, measured


@pytest.mark.parametrize("form", list(WAYS))
def test_every_format_is_read_whole(form: str) -> None:
    load = Load(2, 2)
    assert len(load) == 2 * 2 * SLOTS
    octets, secs = measured(form, load)
    assert octets > 0
    assert secs > 0


def test_a_line_is_printed_for_each_format(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.argv", ["readings_in", "--meters", "1", "--days", "1"])
    main()
    assert [line.split("|")[1].strip() for line in capsys.readouterr().out.splitlines()[2:]] == list(WAYS)
