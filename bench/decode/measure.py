"""Rounds on one core: in each, all shapes and all ways take turns on the same frames.

What is timed is CPU time of this thread, without making frames, copying what is overwritten, and comparing.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from agents.decode.state import LAYOUT
from agents.decode.step import decode_batch
from bench.decode import gurux, shapes
from bench.decode.case import DecodeCase
from bench.decode.work import SHAPES, Fleet, Shape, different, fleets, truth_of
from bench.experiments.series import pinned
from bench.throughput.drain import Progress
from connectors.simulator.burst_kernel import TITLE_HEAD
from pipeline import gcm
from pipeline.batch import FrameBatch
from pipeline.codes import REJECT_BY_NUMBER
from pipeline.columns import Array
from pipeline.gcm_libcrypto import load_libcrypto
from pipeline.gcm_single import TAG_LENGTH, unseal_one
from pipeline.state import StateStore

KVARN, GURUX, GURUX_FAST, LIBCRYPTO, OWN = "kvarn", "gurux-dlms", "gurux-dlms, cryptography", "libcrypto", "own cipher"
CIPHERS = {GURUX: "gurux", GURUX_FAST: "cryptography"}
WAYS = {LIBCRYPTO: gcm.Way.LIBCRYPTO, OWN: gcm.Way.INSTRUCTIONS}

OPENING = 1
"""Rounds before the measured ones: every meter gets its state, and kernels are compiled."""
GROUP = 25
"""Batches that are timed together; what was read of them is compared then."""
SAMPLE = 20
"""Frames a round and shape whose plaintext is compared with what `cryptography` opens."""


@dataclass
class Turn:
    """One way over one shape's frames of one round."""

    frames: int = 0
    nanoseconds: int = 0
    readings: int = 0
    different: int = 0

    @property
    def frames_per_s(self) -> float:
        """Frames a CPU second."""
        return 1e9 * self.frames / self.nanoseconds if self.nanoseconds else 0.0


@dataclass
class Result:
    """All turns of a shape by way; verdicts: how many frames were refused by this decoder, by code."""

    shape: Shape
    octets: int = 0
    turns: dict[str, list[Turn]] = field(default_factory=dict)
    verdicts: Counter[str] = field(default_factory=Counter)


class Decoder:
    """This decoder with a state of its own."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet, self._store, self._context = fleet, StateStore(LAYOUT, range(512)), gcm.new_context(encrypt=False)

    def take(self, batches: Sequence[FrameBatch], result: Result, number: int, turn: Turn) -> None:
        """Decode frames `number` of some meters; adds to the turn and to the verdicts."""
        tables, store, context = self._fleet.tables, self._store, self._context
        begin = time.thread_time_ns()
        found = [decode_batch(batch, store, tables, context) for batch in batches]
        turn.nanoseconds += time.thread_time_ns() - begin
        for batch, (decoded, opened, _) in zip(batches, found, strict=True):
            turn.frames += len(batch.length)
            turn.readings += len(decoded.frame)
            turn.different += different(batch, decoded, opened, self._fleet, result.shape, number)
            codes, counts = np.unique(opened.code[opened.code > 0], return_counts=True)
            for code, count in zip(codes.tolist(), counts.tolist(), strict=True):
                result.verdicts[REJECT_BY_NUMBER[code].code] += count

    def close(self) -> None:
        """Give the cipher's context back."""
        gcm.free_context(self._context)


def run(case: DecodeCase, progress: Progress) -> list[Result]:
    """All rounds, on one CPU; a result for each shape."""
    known = fleets(case)
    results = [Result(shape) for shape in SHAPES]
    ways = {name: way for name, way in WAYS.items() if _is_here(way)}
    with pinned(1, 0):
        decoders = [Decoder(known[result.shape.rows]) for result in results]
        try:
            for number in range(1, OPENING + case.rounds + 1):
                for done, (result, decoder) in enumerate(zip(results, decoders, strict=True)):
                    progress("rounds", (number - 1) * len(results) + done, (OPENING + case.rounds) * len(results))
                    _round(case, known[result.shape.rows], result, decoder, ways, number)
        finally:
            for decoder in decoders:
                decoder.close()
    return results


def _is_here(way: gcm.Way) -> bool:
    return gcm.has_instructions() if way is gcm.Way.INSTRUCTIONS else load_libcrypto()


def _round(
    case: DecodeCase, fleet: Fleet, result: Result, decoder: Decoder, ways: dict[str, gcm.Way], number: int
) -> None:
    """A round of one shape; the turns of the opening one are not kept."""
    shape = result.shape
    turns = {KVARN: Turn()} | {name: Turn() for name in ways if shape.head} | {name: Turn() for name in CIPHERS}
    if not shape.head:
        del turns[GURUX_FAST]  # nothing is opened
    for place, batches in enumerate(_groups(fleet, shape, number)):
        result.octets = len(batches[0].payload) // len(batches[0].length)
        decoder.take(batches, result, number, turns[KVARN])
        for name, way in ways.items():
            if shape.head:
                _open(batches, fleet, shape, way, turns[name], sample=place == 0)
        if place == 0:
            for name, cipher in CIPHERS.items():
                if name in turns:
                    _gurux(case, fleet, shape, batches, number, cipher, turns[name])
    if number == OPENING:
        result.verdicts.clear()
        return
    for name, turn in turns.items():
        result.turns.setdefault(name, []).append(turn)


def _groups(fleet: Fleet, shape: Shape, number: int) -> Iterator[list[FrameBatch]]:
    """Batches of a round in the shape, GROUP at a time."""
    held: list[FrameBatch] = []
    for batch in fleet.batches(number):
        held.append(shape.make(batch, fleet, number))
        if len(held) == GROUP:
            yield held
            held = []
    if held:
        yield held


def _open(batches: Sequence[FrameBatch], fleet: Fleet, shape: Shape, way: gcm.Way, turn: Turn, *, sample: bool) -> None:
    """Only open the frames: each with its own key, one after the other, in a compiled loop."""
    sealed = [shapes.sealed_in(batch, fleet.ring, shape.head, shape.tail) for batch in batches]
    octets = [np.array(batch.payload, np.uint8) for batch in batches]
    good = [np.zeros(len(batch.length), np.uint8) for batch in batches]
    context = gcm.new_context(encrypt=False, way=way)
    try:
        begin = time.thread_time_ns()
        for one, payload, is_good in zip(sealed, octets, good, strict=True):
            gcm.unseal_batch(context, one.keys, one.frames, one.security, payload, payload, is_good)
        turn.nanoseconds += time.thread_time_ns() - begin
    finally:
        gcm.free_context(context)
    turn.frames += sum(len(is_good) for is_good in good)
    turn.different += sum(int((is_good == 0).sum()) for is_good in good)
    if sample:
        turn.different += _sampled(batches[0], sealed[0], octets[0])


def _sampled(batch: FrameBatch, sealed: shapes.Sealed, plain: Array) -> int:
    """Of some frames, those that `cryptography` opens otherwise."""
    wrong, frames = 0, sealed.frames
    for item in range(min(SAMPLE, len(batch.length))):
        first, length = int(frames.start[item]), int(frames.length[item])
        last = first + length
        raw = batch.payload[first : last + TAG_LENGTH].tobytes()
        keys = (sealed.keys.encryption[item].tobytes(), sealed.keys.authentication[item].tobytes())
        wanted = unseal_one(int(sealed.security[item]), keys, int(frames.title[item]), int(frames.counter[item]),
                            raw[:length], raw[length:])  # fmt: skip
        wrong += wanted != plain[first:last].tobytes()
    return wrong


def _gurux(
    case: DecodeCase, fleet: Fleet, shape: Shape, batches: Sequence[FrameBatch], number: int, cipher: str, turn: Turn
) -> None:
    """As many frames as gurux-dlms reads in its time, each compared with the truth behind it."""
    reader, limit = gurux.Reader(shape.framing), 1e9 * case.gurux_secs
    with gurux.cipher(cipher):
        for batch in batches:
            octets, truth = shapes.matrix(batch), truth_of(fleet.plan, batch.device, number)
            meters = (np.asarray(batch.device) - TITLE_HEAD).astype(np.int64).tolist()
            for item, meter in enumerate(meters):
                frame, title = octets[item].tobytes(), int(batch.device[item]).to_bytes(8, "big")
                keys = (fleet.ring.encryption[meter].tobytes(), fleet.ring.authentication[meter].tobytes())
                begin = time.thread_time_ns()
                values = _values(reader, frame, title, *keys)
                turn.nanoseconds += time.thread_time_ns() - begin
                found = [] if values is None else gurux.said(values, fleet.plan.interval_secs)
                turn.frames, turn.readings = turn.frames + 1, turn.readings + len(found)
                turn.different += found != truth[item].tolist()
                if turn.nanoseconds > limit and turn.frames >= case.least_gurux_frames:
                    return


def _values(reader: gurux.Reader, frame: bytes, title: bytes, encryption: bytes, authentication: bytes) -> Any:
    try:
        return reader.read(frame, title, encryption, authentication)
    except Exception:  # noqa: BLE001 - it raises all kinds of them; the frame counts as one that differs
        return None
