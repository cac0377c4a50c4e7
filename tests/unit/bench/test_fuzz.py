"""The fuzzer: frames by number, laws that notice, a run that goes on, and what ends the decoder is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from agents.decode import step
from agents.decode.config import DecodeConfig
from agents.decode.kernels_rows import Rows
from bench.fuzz import laws, oracle, run
from bench.fuzz.case import FuzzCase, read_fuzz_case
from bench.fuzz.corpus import corpus
from bench.fuzz.figures import figures
from bench.fuzz.guarded import Guards
from bench.fuzz.kinds import CIPHERS, KINDS, WALK, choices
from bench.fuzz.make import TIMED_TURN, Made, Maker
from bench.fuzz.page import text
from bench.fuzz.world import DEVICES, World, config_of, tables_by_config
from pipeline import gcm
from pipeline.errors import ConfigError
from tests.oracles.decode import Oracle

BATCH = 600
DEFAULT = DecodeConfig()


@pytest.fixture(name="world", scope="module")
def the_world() -> World:
    return World(1)


@pytest.fixture(name="maker", scope="module")
def a_maker(world: World):
    found = Maker(world, 1, BATCH)
    yield found
    found.close()


@pytest.fixture(name="tables", scope="module")
def the_tables(world: World):
    return tables_by_config(world)


@pytest.fixture(name="context", scope="module")
def a_context():
    found = gcm.new_context(encrypt=False)
    yield found
    gcm.free_context(found)


@pytest.fixture(name="case")
def small_case() -> FuzzCase:
    return read_fuzz_case().model_copy(update={"frames": 3 * BATCH, "batch_frames": BATCH, "oracle_batches": 1})


def test_a_frame_is_the_same_however_many_are_made_with_it(maker: Maker) -> None:
    whole = maker.make(2 * BATCH, BATCH)
    for item in (0, 1, 17, 200, BATCH - 1):
        alone = maker.make(2 * BATCH + item, 1)
        assert alone.frame(0) == whole.frame(item)
        assert (alone.kind[0], alone.device[0]) == (whole.kind[item], whole.device[item])
        assert alone.batch.service_point[0] == whole.batch.service_point[item]
    assert Maker(World(2), 2, BATCH).make(2 * BATCH, 50).frame(0) != whole.frame(0)


def test_every_kind_is_made_and_more_than_half_are_changed_under_their_seal(maker: Maker) -> None:
    kinds = np.concatenate([maker.make(first, BATCH).kind for first in range(0, 40 * BATCH, BATCH)])
    counts = np.bincount(kinds, minlength=256)
    assert all(counts[kind.number] for kind in KINDS)
    assert sum(counts[kind.number] for kind in KINDS if kind.layer == WALK) > len(kinds) / 2
    assert len(choices()) == 1000


def test_frames_that_are_not_changed_are_taken(maker: Maker, tables, context) -> None:
    made = maker.make(0, BATCH)
    decoded, _ = laws.decode(made, tables[DEFAULT], context, DEFAULT.single_octets)
    sound = np.flatnonzero(made.kind == 20)
    assert (decoded.opened.code[sound] == 0).mean() > 0.6


def test_the_places_of_data_are_those_of_a_plain_reader() -> None:
    texts = corpus()
    # A telegram is text.
    assert (texts.counts < 1).sum() == 1
    for base in np.flatnonzero(texts.counts).tolist():
        rows = texts.data[texts.first[base] : texts.first[base] + texts.counts[base]]
        assert (np.diff(rows["place"]) >= 0).all()
        assert (rows["end"] >= rows["place"]).all()
        assert rows["end"].max() <= texts.bases.length[base]
        inner = rows[rows["parent"] >= 0]
        assert (rows["place"][inner["parent"]] <= inner["place"]).all()


def test_every_law_holds_of_some_batches_with_all_settings(maker: Maker, tables, context) -> None:
    taken = kept = 0
    for number in range(18):
        made = maker.make(number * BATCH, BATCH)
        config = config_of(number)
        # In one of three batches the second lane reads as much as in a topology, else a part.
        octets = 10_000 if number % 3 else config.single_octets
        decoded, broken = laws.decode(made, tables[config], context, octets)
        again, more = laws.decode(made, tables[config], context, octets)
        taken += int((decoded.opened.code[decoded.lane.read] == 0).sum())
        kept += len(decoded.lane.rows)
        assert broken + more + laws.check(made, decoded, again) == []
    assert taken > 100
    assert kept > 10


def test_plain_python_says_the_same_of_every_frame_that_it_knows(world: World, maker: Maker, tables, context) -> None:
    compared = 0
    for number in (0, 2, 4, 6):
        made = maker.make(number * BATCH, BATCH)
        decoded, _ = laws.decode(made, tables[DEFAULT], context)
        module = type("Tests", (), {"Oracle": Oracle})
        for turn in range(len(DEVICES)):
            # `first` chooses the device that is compared.
            turned = Made(TIMED_TURN * turn * BATCH, made.batch, made.kind, made.device, None)
            count, broken = oracle.compare(module, world, turned, decoded, DEFAULT)
            assert broken == []
            compared += count
    assert compared > 3 * BATCH


def test_frames_under_every_cipher_are_taken_where_their_key_is_known(maker: Maker, tables, context) -> None:
    taken: dict[int, int] = {}
    for number in range(12):
        made = maker.make(number * BATCH, BATCH)
        decoded, _ = laws.decode(made, tables[DEFAULT], context)
        for kind in made.kind[decoded.opened.code == 0].tolist():
            taken[kind] = taken.get(kind, 0) + 1
    ciphers = [kind for kind in KINDS if kind.layer == CIPHERS]
    assert {kind.name for kind in ciphers if not taken.get(kind.number)} == set()


def test_the_second_lane_that_takes_a_frame_of_which_nothing_is_left_breaks_a_law(maker, tables, context) -> None:
    made = maker.make(0, BATCH)
    decoded, _ = laws.decode(made, tables[DEFAULT], context, DEFAULT.single_octets)
    again, _ = laws.decode(made, tables[DEFAULT], context, DEFAULT.single_octets)
    decoded.lane.events.clear()
    decoded.lane.rows.clear()
    assert {one.law for one in laws.check(made, decoded, again)} == {"same", "rows"}


def test_what_is_written_beside_an_array_is_seen() -> None:
    guards = Guards()
    inner = guards.of(np.arange(12, dtype=np.int64).reshape(3, 4))
    assert inner.tolist() == np.arange(12).reshape(3, 4).tolist()
    assert inner.flags.c_contiguous
    assert inner.flags.aligned
    assert guards.of(inner) is inner
    assert guards.broken() == 0
    room = inner.base
    while room.base is not None:
        room = room.base
    room.view(np.uint8)[-200] ^= 1
    assert guards.broken() == 1


def test_a_decoder_that_writes_behind_its_rows_breaks_a_law(maker: Maker, tables, context, monkeypatch) -> None:
    read = step.read_frames

    def careless(*given):
        read(*given)
        room = next(one for one in given if isinstance(one, Rows)).time
        while room.base is not None:
            room = room.base
        room[-1] ^= 1

    monkeypatch.setattr(step, "read_frames", careless)
    _, broken = laws.decode(maker.make(0, 50), tables[DEFAULT], context)
    assert [one.law for one in broken] == ["guards"]


@pytest.mark.parametrize(
    ("change", "law"),
    [
        (lambda decoded: decoded.opened.code.__setitem__(3, 200), "verdict"),
        (lambda decoded: decoded.rows.frame.__setitem__(0, int(np.flatnonzero(decoded.opened.code == 13)[0])), "rows"),
        (lambda decoded: decoded.rows.time.__setitem__(0, 5), "same"),
        (lambda decoded: decoded.rows.present.__setitem__(slice(None), 0), "rows"),
        (lambda decoded: decoded.rows.snapshot_row.__setitem__(slice(None), 10**6), "snapshots"),
        (lambda decoded: decoded.store.areas["prints"].rows.__setitem__((0, 0, 0), 9), "same"),
    ],
)
def test_what_is_wrong_breaks_a_law(maker: Maker, tables, context, change, law) -> None:
    made = maker.make(0, BATCH)
    decoded, _ = laws.decode(made, tables[DEFAULT], context)
    again, _ = laws.decode(made, tables[DEFAULT], context)
    change(decoded)
    assert law in {one.law for one in laws.check(made, decoded, again)}


@pytest.mark.slow
def test_a_run_goes_on_where_it_was_ended_and_comes_to_the_same(case: FuzzCase, tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    short = case.model_copy(update={"frames": BATCH})
    first = run.fuzz(short, file, lambda *_: None)
    assert first.next == BATCH
    resumed = run.fuzz(case, file, lambda *_: None)
    whole = run.fuzz(case, None, lambda *_: None)
    assert resumed.frames == whole.frames == 3 * BATCH
    assert resumed.cells == whole.cells
    assert whole.faults == []
    said = figures(case, whole, None)
    assert said["ok"]
    assert said["share_changed_and_sealed"] > 0.5
    assert said["share_walked"] > 0.5
    assert said["compared_with_plain_python"] > 0
    assert sum(said["verdicts"].values()) == 3 * BATCH
    assert "| walk | tag changed |" in text(said, case)
    with pytest.raises(ConfigError, match="SERIES_OTHER"):
        run.fuzz(case.model_copy(update={"seed": 2}), file, lambda *_: None)


class Scripted:
    """A child that says these lines, then ends or hangs."""

    orders: ClassVar[list] = []
    scripts: ClassVar[list] = []

    def __init__(self, order, *, checked: bool) -> None:
        self.orders.append(order)
        self._lines = iter(self.scripts.pop(0))
        self.process = type("Process", (), {"wait": lambda _self: -11})()

    def line(self, _secs: float):
        said = next(self._lines, None)
        if said == "hang":
            raise TimeoutError
        return said

    def end(self) -> str:
        return "exit code -11"


def batch_line(first: int) -> dict:
    return {"first": first, "frames": BATCH, "octets": 1, "rows": 1, "compared": 0, "lane": [0, 0], "secs": [0.1, 0.1],
            "cells": [[20, 0, BATCH]], "broken": []}  # fmt: skip


@pytest.mark.parametrize("how", [None, "hang"])
def test_the_frame_that_ends_the_decoder_is_named_and_the_run_goes_on(case: FuzzCase, monkeypatch, how) -> None:
    monkeypatch.setattr(run, "Child", Scripted)
    deadly = BATCH + 7
    Scripted.orders = []
    Scripted.scripts = [
        [{"begin": 0}, batch_line(0), {"begin": BATCH}, *([how] if how else [])],
        [*(line for frame in range(BATCH, deadly) for line in ({"begin": frame}, batch_line(frame))),
         {"begin": deadly}, *([how] if how else [])],
        [{"begin": 2 * BATCH}, batch_line(2 * BATCH)],
    ]  # fmt: skip
    state = run.fuzz(case, None, lambda *_: None)
    assert [order.singly for order in Scripted.orders] == [False, True, False]
    (fault,) = state.faults
    assert (fault["law"], fault["frame"]) == ("alive", deadly)
    assert fault["what"].startswith(run.SILENT if how else run.ENDED)
    assert state.frames == 2 * BATCH
    assert not figures(case, state, None)["ok"]


@pytest.mark.slow
def test_one_frame_is_made_again_alone(case: FuzzCase, maker: Maker) -> None:
    said = run.alone(case, BATCH + 5, checked=False)
    assert bytes.fromhex(said["octets"]) == maker.make(BATCH, BATCH).frame(5)
    assert said["broken"] == []


def test_the_state_is_whole_on_disk(case: FuzzCase, tmp_path: Path) -> None:
    state = run.State(1, BATCH, False, next=BATCH, cells=run.Counter({(20, 0): 3}))
    run.write_state(tmp_path / "deep" / "state.json", state)
    found = run.read_state(tmp_path / "deep" / "state.json", case, checked=False)
    assert (found.next, found.cells) == (BATCH, {(20, 0): 3})
    assert json.loads((tmp_path / "deep" / "state.json").read_text())["cells"] == [[20, 0, 3]]


@pytest.mark.slow
def test_branches_are_seen_without_compiled_kernels(case: FuzzCase) -> None:
    said = run.reach(case.model_copy(update={"reach_frames": run.REACH_BATCH}))
    assert sum(said["codes"].values()) == run.REACH_BATCH
    assert said["codes"]["taken"] > 20
    assert said["outcomes"] == 2 * said["conditions"] > 500
    assert said["outcomes"] / 2 < said["reached"] <= said["outcomes"]
    assert sum(found for _, found in said["by_module"].values()) == said["reached"]
    assert all(one["never"] in ("asked", "true", "false") for one in said["missing"])
