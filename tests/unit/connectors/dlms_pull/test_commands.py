"""What is done with a command, from what the journal says; and the whole way of one, with a meter in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.dlms_pull.backoff import RetryOptions
from connectors.dlms_pull.client import Refused
from connectors.dlms_pull.commander import Around, Commander, decimal
from connectors.dlms_pull.commands import (
    KINDS,
    OUTCOME_UNKNOWN,
    Answer,
    Command,
    Known,
    Result,
    Run,
    State,
    Value,
    decide,
    forgotten,
    range_of,
    targets,
)
from connectors.dlms_pull.journal import MemoryJournal
from connectors.dlms_pull.layouts import Layouts
from connectors.dlms_pull.meters import Meter
from connectors.dlms_pull.profiles import ProfileReader
from connectors.dlms_pull.transport import failed
from connectors.phases import COMMAND_PHASES
from pipeline import axdr
from pipeline.axdr import Datum
from pipeline.cosem_time import date_time
from pipeline.templates import TEMPLATE_BY_NUMBER

DEVICE = 0x4B56490000000001
NOW = 1_751_400_000


def command(kind: str = "disconnect", number: int = 1, **more: Any) -> Command:
    arguments = {"objects": "1.0.1.8.0.255"} if kind == "read_registers" else {}
    base = Command(f"c{number}", f"{DEVICE:016X}", kind, arguments, NOW - 10, NOW + 100, "tests")
    return replace(base, **more)


def state_of(verdict: Run | Answer) -> tuple[str, str]:
    assert isinstance(verdict, Answer)
    return str(verdict.result.state), verdict.result.code


def test_a_new_command_is_run_and_one_that_has_expired_is_answered() -> None:
    assert isinstance(decide(command(), None, NOW), Run)
    assert state_of(decide(command(), None, NOW + 100)) == ("EXPIRED", "EXPIRED")


@pytest.mark.parametrize("kind", KINDS)
def test_an_intent_without_a_result_is_run_again_only_where_it_does_no_harm(kind: str) -> None:
    mine = command(kind)
    verdict = decide(mine, Known(mine.digest, mine.expires), NOW)
    if KINDS[kind].acts:
        assert state_of(verdict) == ("FAILED", OUTCOME_UNKNOWN)
        assert isinstance(verdict, Answer)
        assert verdict.keep
    elif kind != "read_profile":
        assert isinstance(verdict, Run)


def test_a_copy_is_answered_like_the_first_even_when_it_has_expired() -> None:
    mine = command()
    result = Result(mine.id, mine.device, mine.kind, State.DONE, values=(Value("load_switch", "0"),), at=NOW)
    known = Known.of(Known(mine.digest, mine.expires, result).record())
    verdict = decide(mine, known, NOW + 10**6)
    assert isinstance(verdict, Answer)
    assert verdict.result == result


def test_another_command_under_a_used_id_is_refused() -> None:
    known = Known(command().digest, NOW + 100)
    assert state_of(decide(command("reconnect"), known, NOW)) == ("REFUSED", "ID_REUSED")


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"id": ""}, "ID_FORM"),
        ({"id": "x" * 201}, "ID_FORM"),
        ({"device": "4b56490000000001"}, "DEVICE_FORM"),
        ({"kind": "explode"}, "KIND_UNKNOWN"),
        ({"arguments": {"force": "1"}}, "ARGUMENTS"),
        ({"kind": "read_registers", "arguments": {}}, "ARGUMENTS"),
        ({"kind": "read_registers", "arguments": {"objects": "1.0.1.8.0"}}, "ARGUMENTS"),
        ({"kind": "read_registers", "arguments": {"objects": "1.0.1.8.0.256"}}, "ARGUMENTS"),
        ({"kind": "read_profile", "arguments": {"from": "7"}}, "ARGUMENTS"),
        ({"kind": "read_profile", "arguments": {"from": "7", "to": "6"}}, "ARGUMENTS"),
        ({"kind": "read_profile", "arguments": {"first": "0", "last": "6"}}, "ARGUMENTS"),
        ({"kind": "read_profile", "arguments": {"from": f"{1000 * NOW}", "to": f"{1000 * NOW + 900}"}}, "ARGUMENTS"),
        ({"kind": "read_profile", "arguments": {"from": f"{2**32 - 1}", "to": f"{2**32}"}}, "ARGUMENTS"),
        (
            {"kind": "read_profile", "arguments": {"profile": "1.0.99.1.0.255\n", "from": "1", "to": "2"}},
            "ARGUMENTS",
        ),
        ({"device": f"{DEVICE:016X}\n"}, "DEVICE_FORM"),
        ({"kind": "sync_clock", "arguments": {"most_secs": "soon"}}, "ARGUMENTS"),
        ({"expires": NOW + 10**9}, "EXPIRES_FORM"),
    ],
    ids=str,
)
def test_a_command_that_nobody_can_run_is_refused(wrong: dict[str, Any], code: str) -> None:
    assert state_of(decide(command(**wrong), None, NOW)) == ("REFUSED", code)


def test_objects_and_ranges_are_what_they_say() -> None:
    found = targets("1.0.1.8.0.255, 8:0.0.1.0.0.255:2")
    assert [target.label for target in found] == ["3:1.0.1.8.0.255:2", "8:0.0.1.0.0.255:2"]
    assert range_of({"first": "1", "last": "96"}).by_time is False


def test_the_journal_forgets_a_command_only_when_a_copy_would_be_answered_as_expired() -> None:
    known = Known(command().digest, NOW)
    assert not forgotten(known, NOW - 1, 0)
    assert forgotten(known, NOW, 0)
    assert not forgotten(known, NOW + 59, 60)


@given(st.integers(-(2**40), 2**40), st.integers(-9, 9))
def test_a_whole_number_and_its_scaler_are_written_exactly(number: int, power: int) -> None:
    from decimal import Decimal

    assert Decimal(decimal(number, power)) == Decimal(number).scaleb(power)


class MemoryMeter:
    """A meter in memory, and the door to it. `fails`: what happens at which call of the process so far."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.fails: dict[int, Exception] = {}
        self.sessions = 0
        self.opening: dict[int, Exception] = {}
        self.goodbye: Exception | None = None
        self.before: Callable[[str], None] = lambda _call: None

    @asynccontextmanager
    async def session(self, _meter: Meter) -> AsyncIterator[MemoryMeter]:
        self.sessions += 1
        if self.sessions in self.opening:
            raise self.opening[self.sessions]
        yield self
        if self.goodbye is not None:
            raise self.goodbye

    def _call(self, name: str) -> None:
        self.before(name)
        self.calls.append(name)
        if len(self.calls) in self.fails:
            raise self.fails[len(self.calls)]

    async def get(self, class_id: int, name: str, attribute: int, selection: bytes = b"") -> Datum:
        self._call(f"get {class_id}:{name}:{attribute}")
        if class_id == 8:
            return axdr.octet_string(date_time(NOW + 30, 19_800))
        if attribute == 3:
            return axdr.structure(Datum(axdr.INT8, -1), Datum(axdr.ENUM, 30))
        return Datum(axdr.UINT32, 1234)

    async def set_octets(self, class_id: int, name: str, attribute: int, value: bytes) -> None:
        self._call(f"set {class_id}:{name}:{attribute}")

    async def act(self, class_id: int, name: str, method: int) -> None:
        self._call(f"act {class_id}:{name}:{method}")


class Case:
    """A commander and what is around it; `log` outlives it."""

    def __init__(self, log: list[tuple[str, bytes | None]] | None = None) -> None:
        self.log = [] if log is None else log
        self.meter = MemoryMeter()
        self.journal = MemoryJournal(self.log)
        self.results: list[Result] = []
        self.waits: list[float] = []
        self.now = float(NOW)
        layouts = Layouts(self.journal, lambda: self.now)
        around = Around(
            self.meter, self.journal, ProfileReader(layouts, 19_800, 4096, lambda: self.now),
            lambda device: Meter(device, "m:1") if device == DEVICE else None, lambda _device: TEMPLATE_BY_NUMBER[2],
            self._deliver, self._answer, lambda: self.now, lambda: 0.5, self._sleep,
        )  # fmt: skip
        self.commander = Commander(around, RetryOptions(attempts=3, first_secs=8, most_secs=100), 19_800)

    async def _deliver(self, _device: int, _frames: tuple[bytes, ...]) -> None: ...

    async def _answer(self, result: Result) -> None:
        self.results.append(result)

    async def _sleep(self, secs: float) -> None:
        self.waits.append(secs)
        self.now += secs

    async def final(self, mine: Command) -> Result:
        await self.commander.handle(mine)
        return self.results[-1]


LOST = failed("CONNECTION_LOST", "m:1", "gone")


async def test_a_switch_is_recorded_before_it_is_sent() -> None:
    case = Case()
    seen: list[bool] = []
    case.meter.before = lambda call: seen.append("command/c1" in dict(case.log)) if call.startswith("act") else None
    result = await case.final(command())
    assert result.state is State.DONE
    assert seen == [True]
    assert [call for call in case.meter.calls if call.startswith("act")] == ["act 70:0.0.96.3.10.255:1"]
    assert [str(answer.state) for answer in case.results] == ["ACCEPTED", "RUNNING", "DONE"]


async def test_moments_come_in_the_order_of_a_commands_life() -> None:
    case = Case()
    seen: list[tuple[str, int, int, int]] = []

    def reach(moment: str) -> None:
        sent = sum(call.startswith("act") for call in case.meter.calls)
        seen.append((moment, sent, len(case.log), len(case.results)))

    case.commander = Commander(replace(case.commander._around, reach=reach), RetryOptions(), 19_800)
    await case.final(command())
    # Requests sent, records in the journal, results told: ACCEPTED and RUNNING come before them all.
    assert seen == list(zip(COMMAND_PHASES, (0, 1, 1, 1), (1, 1, 2, 2), (2, 2, 2, 3), strict=True))


@pytest.mark.parametrize("kind", ["disconnect", "reconnect", "sync_clock"])
async def test_wherever_a_process_dies_a_meter_is_told_once_at_most(kind: str) -> None:
    # The journal as it was after each of its writes: a process that begins with it stands where another one died.
    whole = Case()
    await whole.final(command(kind))
    for length in range(len(whole.log) + 1):
        later = Case(list(whole.log[:length]))
        result = await later.final(command(kind))
        sent = sum(not call.startswith("get") for call in later.meter.calls)
        if length == 0:
            assert (result.state, sent) == (State.DONE, 1)
        else:
            assert sent == 0
        expected = State.FAILED if length == 1 else State.DONE
        assert result.state is expected
        # And from then on the answer stays the same.
        again = await Case(later.log).final(command(kind))
        assert again == result


async def test_a_meter_that_is_not_reached_is_tried_again_and_each_wait_is_longer() -> None:
    case = Case()
    case.meter.opening = {1: LOST, 2: LOST}
    assert (await case.final(command())).state is State.DONE
    assert case.waits == [6.0, 12.0]


async def test_an_answer_that_is_lost_behind_the_intent_is_not_asked_for_again() -> None:
    case = Case()
    case.meter.fails = {1: LOST}
    result = await case.final(command())
    assert (result.state, result.code) == (State.FAILED, OUTCOME_UNKNOWN)
    assert len(case.meter.calls) == 1
    assert (await case.final(command())) == result
    assert len(case.meter.calls) == 1


async def test_a_read_whose_answer_is_lost_is_asked_for_again() -> None:
    case = Case()
    case.meter.fails = {1: LOST}
    result = await case.final(command("read_registers"))
    assert result.state is State.DONE
    assert result.values == (Value("3:1.0.1.8.0.255:2", "123.4", "Wh"),)


async def test_what_goes_wrong_at_the_goodbye_changes_nothing() -> None:
    case = Case()
    case.meter.goodbye = LOST
    assert (await case.final(command())).state is State.DONE
    case = Case()
    case.meter.goodbye = LOST
    assert (await case.final(command("read_registers"))).state is State.DONE


@pytest.mark.parametrize("error", [ValueError("x" * 9999), OverflowError("too large"), OSError("no room")])
async def test_what_cannot_be_made_of_an_answer_ends_the_command_and_not_the_process(error: Exception) -> None:
    for kind, code in (("read_registers", "ANSWER_UNUSABLE"), ("disconnect", OUTCOME_UNKNOWN)):
        case = Case()
        case.meter.fails = {1: error}
        result = await case.final(command(kind))
        assert (result.state, result.code) == (State.FAILED, code)
        assert len(result.reason) <= 500
        assert len(case.meter.calls) == 1
    case = Case()
    # Behind the action: it is done.
    case.meter.fails = {2: error}
    assert (await case.final(command())).state is State.DONE


@pytest.mark.parametrize("text", ["A" * 300_000, "\u20ac" * 60_000])
async def test_a_result_that_no_topic_takes_is_not_kept(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    case = Case()

    async def get(_class_id: int, _name: str, _attribute: int, _selection: bytes = b"") -> Datum:
        return Datum(axdr.UTF8, text.encode())

    case.meter.get = get  # type: ignore[method-assign]
    result = await case.final(command("read_registers"))
    assert (result.state, result.code, result.values) == (State.FAILED, "ANSWER_TOO_LONG", ())
    # What was done is done, whatever the meter says behind it.
    off = await case.final(command("disconnect", 2))
    assert (off.state, off.values) == (State.DONE, ())
    assert all(len(value or b"") < 300_000 for _, value in case.log)


async def test_a_meter_that_says_no_is_not_asked_again() -> None:
    case = Case()
    case.meter.fails = {1: Refused(3)}
    result = await case.final(command())
    assert (result.state, result.code, case.waits) == (State.FAILED, "METER_REFUSED", [])


async def test_a_command_that_expires_between_two_attempts_is_not_run() -> None:
    case = Case()
    case.meter.opening = dict.fromkeys(range(1, 9), LOST)
    result = await case.final(command(expires=NOW + 5))
    assert (result.state, result.code) == (State.EXPIRED, "EXPIRED")


async def test_a_command_that_expires_while_its_intent_is_written_is_not_sent() -> None:
    case = Case()
    put = case.journal.put

    async def slow(key: str, record: Any) -> None:
        case.now += 1000
        await put(key, record)

    case.journal.put = slow  # type: ignore[method-assign]
    result = await case.final(command())
    assert (result.state, result.code, case.meter.calls) == (State.FAILED, "EXPIRED", [])


async def test_a_device_that_is_not_in_the_list_is_refused() -> None:
    result = await Case().final(command(device="4B56490000000009"))
    assert (result.state, result.code) == (State.REFUSED, "METER_UNKNOWN")


async def test_commands_of_one_meter_keep_their_order_when_the_first_must_be_tried_again() -> None:
    case = Case()
    case.meter.opening = {1: LOST}
    await asyncio.gather(*(case.commander.handle(command(kind, number))
                           for number, kind in enumerate(("disconnect", "reconnect"), 1)))  # fmt: skip
    assert [call[-1] for call in case.meter.calls if call.startswith("act")] == ["1", "2"]


async def test_a_copy_that_comes_while_the_first_runs_is_answered_and_not_run() -> None:
    case = Case()
    await asyncio.gather(*(case.commander.handle(command()) for _ in range(5)))
    assert sum(call.startswith("act") for call in case.meter.calls) == 1
    assert [answer.state for answer in case.results].count(State.DONE) == 5


async def test_two_commands_that_come_together_under_one_id_are_not_both_run() -> None:
    case = Case()
    await asyncio.gather(case.commander.handle(command()), case.commander.handle(command("reconnect")),
                         case.commander.handle(command(device="4B56490000000009")))  # fmt: skip
    assert [call[-1] for call in case.meter.calls if call.startswith("act")] == ["1"]
    assert [answer.code for answer in case.results].count("ID_REUSED") == 2
    assert (await case.final(command())).state is State.DONE


async def test_a_clock_that_is_right_is_left_alone() -> None:
    case = Case()
    case.now = NOW + 30.0
    result = await case.final(command("sync_clock"))
    assert (result.state, Value("set", "0") in result.values) == (State.DONE, True)
    assert case.log == [case.log[-1]]
    assert not [call for call in case.meter.calls if call.startswith("set")]


async def test_a_refusal_stands_for_the_process_that_would_run_the_command() -> None:
    case = Case()
    mine = command(expires=NOW + 400 * 86_400)
    first = await case.final(mine)
    assert (first.state, first.code) == (State.REFUSED, "EXPIRES_FORM")
    later = Case(list(case.log))
    later.now += 60 * 86_400
    assert await later.final(mine) == first
    assert later.meter.calls == []


async def test_nothing_is_kept_of_an_expiry_in_milliseconds_for_longer_than_of_others() -> None:
    case = Case()
    await case.final(command(expires=1000 * NOW))
    (entry,) = case.journal.under("command/").values()
    assert forgotten(Known.of(entry), NOW + 400 * 86_400, 7 * 86_400)


async def test_an_expired_command_is_answered_with_the_same_words_whenever_it_is_answered() -> None:
    away, later = Case(), Case()
    away.meter.opening = dict.fromkeys(range(1, 9), LOST)
    later.now += 5000
    mine = command(expires=NOW + 5)
    first = await away.final(mine)
    assert (first.state, first.at) == (State.EXPIRED, NOW + 5)
    assert await later.final(mine) == first
