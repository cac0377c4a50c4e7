"""What peers must write: the rules over the frames, and that skipped work is noticed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bench.naive.checks import Checks, Meter, Rejected
from bench.naive.decode import Decoder
from bench.peers.check import Came, check, correct
from bench.peers.measure import write_keys
from bench.peers.quix.state import opened, packed, read_keys
from bench.peers.truth import RECORD, STATE, Expected, expected
from tests.unit.bench.peers import INTERVALS, PLAN, fed


@pytest.fixture(name="taken")
def what_the_rules_make_of_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Came:
    """What a peer that does its work has written: each frame decoded and checked, one after the other."""
    write_keys(tmp_path / "keys", PLAN)
    decoder, checks = Decoder(read_keys(tmp_path / "keys"), "cryptography"), Checks()
    came = Came([], {}, {})
    for _, frame, _, _ in fed(monkeypatch, keyed=True)[1]:
        try:
            came.readings.append(checks.take(decoder.decode(frame)))
        except Rejected as error:
            _count(came, str(error).encode())
        except Exception as error:  # noqa: BLE001
            _count(came, type(error).__name__.encode())
    came.states = {title: packed(meter) for title, meter in checks._meters.items()}
    return came


def _count(came: Came, why: bytes) -> None:
    came.rejects[why] = came.rejects.get(why, 0) + 1


@pytest.fixture(name="truth", scope="module")
def what_must_come() -> Expected:
    return expected(PLAN, INTERVALS)


def test_the_truth_is_what_the_rules_make_of_the_frames(taken: Came, truth: Expected) -> None:
    found = correct(check(truth, taken))
    assert found["different"] == 0
    assert found["readings"] == len(truth.readings) == len(taken.readings)
    assert found["registers"] == PLAN.meters
    assert found["rejects"] == truth.doubled + truth.unreadable == sum(taken.rejects.values())
    assert truth.doubled > 5
    assert truth.unreadable > 10
    assert np.unique(truth.readings["rules"]).tolist() == [0, 4, 8]


def _lost_reading(came: Came) -> None:
    del came.readings[7]


def _doubled_reading(came: Came) -> None:
    came.readings.append(came.readings[7])


def _other_energy(came: Came) -> None:
    record = np.frombuffer(came.readings[7], RECORD).copy()
    record["energy"][0, 0] += 1
    came.readings[7] = record.tobytes()


def _other_rules(came: Came) -> None:
    came.readings[7] = came.readings[7][:-1] + b"\x02"


def _empty_record(came: Came) -> None:
    came.readings[7] = b""


def _other_register(came: Came) -> None:
    title = next(iter(came.states))
    state = np.frombuffer(came.states[title], STATE).copy()
    state["zones"][0, 2] += 1
    came.states[title] = state.tobytes()


def _lost_state(came: Came) -> None:
    del came.states[next(iter(came.states))]


def _no_authentication(came: Came) -> None:
    came.rejects = {b"counter": came.rejects[b"counter"]}


def _no_counter_check(came: Came) -> None:
    del came.rejects[b"counter"]


@pytest.mark.parametrize(
    "skip",
    [_lost_reading, _doubled_reading, _other_energy, _other_rules, _empty_record, _other_register, _lost_state,
     _no_authentication, _no_counter_check],
)  # fmt: skip
def test_a_peer_that_skips_work_is_noticed(skip: Callable[[Came], None], taken: Came, truth: Expected) -> None:
    skip(taken)
    assert correct(check(truth, taken))["different"] > 0


def test_a_meter_comes_back_from_its_octets_and_they_are_laid_out_as_all_peers_lay_them_out() -> None:
    meter = Meter(9, (1, 2, 3, 4), 50, [6, 7, 8, 9], 100)
    assert opened(packed(meter)) == meter
    state = np.frombuffer(packed(meter), STATE)[0]
    assert (int(state["counter"]), state["last"].tolist(), int(state["highest"])) == (9, [1, 2, 3, 4], 50)
    assert (state["zones"].tolist(), int(state["demand"])) == ([6, 7, 8, 9], 100)
    assert opened(None) == Meter()
