"""Runs commands, each to its final answer: pure decisions of `commands`, in the order of decision 8.

Everything outside is handed in: the door to meters, the journal, where results go, clock, chance and sleep.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from connectors.dlms_pull import obis
from connectors.dlms_pull.backoff import Chance, RetryOptions, wait_secs
from connectors.dlms_pull.client import Refused
from connectors.dlms_pull.commands import (
    ID_REUSED,
    MOST_REASON,
    MOST_VALUES_OCTETS,
    NEVER_SECS,
    OUTCOME_UNKNOWN,
    Answer,
    Command,
    Known,
    Result,
    State,
    Target,
    Value,
    decide,
    range_of,
    result_of,
    shift_of,
    targets,
    too_long,
)
from connectors.dlms_pull.encode import NoShape, scaler_of
from connectors.dlms_pull.journal import Journal
from connectors.dlms_pull.meters import Meter
from connectors.dlms_pull.profiles import DeviceUnknown, ProfileReader
from connectors.dlms_pull.sessions import Door, Talk
from connectors.dlms_pull.texts import text_of
from connectors.dlms_pull.transport import NoAnswer
from pipeline.cosem_time import date_time, epoch_of
from pipeline.templates import Template

METHODS = {"disconnect": 1, "reconnect": 2}
"""Of class 70, disconnect control (IEC 62056-6-2)."""
CLOSE_ENOUGH_SECS = 1


@dataclass(frozen=True)
class Around:
    """What a commander works with."""

    door: Door
    journal: Journal
    reader: ProfileReader
    meter: Callable[[int], Meter | None]
    template: Callable[[int], Template]
    deliver: Callable[[int, tuple[bytes, ...]], Awaitable[None]]
    """Frames of a device; returns when they are safe."""
    answer: Callable[[Result], Awaitable[None]]
    """Returns when the result is safe."""
    now: Callable[[], float]
    chance: Chance
    sleep: Callable[[float], Awaitable[None]]
    reach: Callable[[str], None] = lambda _moment: None
    """Told the moments of a command's life (connectors.phases)."""


class Stop(Exception):
    """A command has its final result."""

    def __init__(self, state: State, code: str = "", reason: str = "", values: tuple[Value, ...] = ()) -> None:
        super().__init__(code)
        self.state, self.code, self.reason, self.values = state, code, reason, values


class Commander:
    """Commands of a meter run one after the other, in the order of their coming; those of different meters together."""

    def __init__(self, around: Around, retry: RetryOptions, offset_secs: int) -> None:
        self._around, self._retry, self._offset_secs = around, retry, offset_secs
        self._turns: dict[str, list[asyncio.Future[None]]] = {}
        self._ids: dict[str, list[str]] = {}
        """Digests of what is being handled under an id; the journal may not know it yet."""
        self.acting: set[str] = set()
        """Ids of commands whose intent is being recorded, or is, and whose result is not."""

    async def handle(self, command: Command) -> None:
        """Run or answer a command; when this returns, its result is safe. Raises what ends the process."""
        digests = self._ids.setdefault(command.id, [])
        if digests and digests[0] != command.digest:
            await self._around.answer(self._result(command, State.REFUSED, *ID_REUSED))
            return
        digests.append(command.digest)
        try:
            await self._in_turn(command)
        finally:
            digests.pop()
            if not digests:
                del self._ids[command.id]

    async def _in_turn(self, command: Command) -> None:
        turns = self._turns.setdefault(command.device, [])
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        before = turns[-1] if turns else None
        turns.append(mine)
        try:
            if before is not None:
                await asyncio.shield(before)
            await self._handle(command)
        finally:
            mine.set_result(None)
            turns.remove(mine)
            if not turns:
                self._turns.pop(command.device, None)

    async def _handle(self, command: Command) -> None:
        around = self._around
        entry = around.journal.get(f"command/{command.id}")
        verdict = decide(command, Known.of(entry) if entry is not None else None, int(around.now()))
        if isinstance(verdict, Answer):
            if verdict.keep:
                await self._keep(command, verdict.result)
            await around.answer(verdict.result)
            around.reach("command-answered")
            return
        try:
            meter = self._meter(command)
            await self._say(command, State.ACCEPTED)
            await self._attempts(command, meter)
        except Stop as stop:
            result = self._ended(command, stop)
            around.reach("command-ended")
            # An expired command stays expired; everything else might come out otherwise if it were asked again.
            if stop.state is not State.EXPIRED:
                await self._keep(command, result)
                around.reach("command-recorded")
            self.acting.discard(command.id)
            await around.answer(result)
            around.reach("command-answered")

    def _meter(self, command: Command) -> Meter:
        meter = self._around.meter(int(command.device, 16))
        if meter is None:
            raise Stop(State.REFUSED, "METER_UNKNOWN", "the list of meters does not say how it is reached")
        return meter

    async def _attempts(self, command: Command, meter: Meter) -> None:
        """Raises Stop, always."""
        said = False
        for attempt in range(1, self._retry.attempts + 1):
            self._check_expiry(command)
            outcome: Stop | None = None
            try:
                async with self._around.door.session(meter) as talk:
                    if not said:
                        await self._say(command, State.RUNNING)
                        said = True
                    try:
                        await self._run(command, meter, talk)
                    except Stop as stop:
                        # Kept apart: what goes wrong at the goodbye does not change what was done.
                        outcome = stop
            except (Refused, NoShape, DeviceUnknown) as error:
                outcome = outcome or Stop(State.FAILED, _code(error), str(error))
            except NoAnswer as error:
                if command.id in self.acting:
                    outcome = outcome or Stop(State.FAILED, OUTCOME_UNKNOWN, f"sent, and then: {error.what}")
                elif attempt == self._retry.attempts:
                    outcome = outcome or Stop(State.FAILED, error.code, f"{error.what}, after {attempt} attempts")
            except (ValueError, ArithmeticError, OSError) as error:
                # One meter's answer ends its command, not the commands of all.
                code = OUTCOME_UNKNOWN if command.id in self.acting else _code(error)
                outcome = outcome or Stop(State.FAILED, code, f"{type(error).__name__}: {error}")
            if outcome is not None:
                raise outcome
            await self._around.sleep(
                wait_secs(attempt, self._retry.first_secs, self._retry.most_secs, self._around.chance)
            )

    async def _run(self, command: Command, meter: Meter, talk: Talk) -> None:
        """One attempt in an open association; raises Stop when it is done."""
        if command.kind == "read_registers":
            raise Stop(State.DONE, values=await self._registers(command, talk))
        if command.kind == "read_profile":
            raise Stop(State.DONE, values=await self._profile(command, meter, talk))
        if command.kind == "sync_clock":
            await self._sync(command, talk)
        if command.kind in METHODS:
            await self._switch(command, talk)
        raise Stop(State.DONE, values=(await self._drift(talk),))

    # ------------------------------------------------------------------------------------------------ reads

    async def _registers(self, command: Command, talk: Talk) -> tuple[Value, ...]:
        found = [await self._value(target, talk) for target in targets(command.arguments["objects"])]
        return tuple(found)

    async def _value(self, target: Target, talk: Talk) -> Value:
        try:
            datum = await talk.get(target.class_id, target.name, target.attribute)
            scaled = obis.SCALER_ATTRIBUTE.get(target.class_id) if target.attribute == 2 else None
            scaler = scaler_of(await talk.get(target.class_id, target.name, scaled)) if scaled else None
        except Refused as error:
            return Value(target.label, "", f"error {error.code}")
        if scaler is None or datum.number is None:
            return Value(target.label, text_of(datum))
        return Value(target.label, decimal(datum.number, scaler[0]), obis.UNITS.get(scaler[1], ""))

    async def _profile(self, command: Command, meter: Meter, talk: Talk) -> tuple[Value, ...]:
        asked = range_of(command.arguments)
        template = self._around.template(meter.device)
        pulled = await self._around.reader.read(talk, meter, template, asked)
        await self._around.deliver(meter.device, pulled.frames)
        stamps = [Value(name, str(at), "s") for name, at in (("first", pulled.first), ("last", pulled.last))
                  if at is not None]  # fmt: skip
        return (Value("rows", str(pulled.rows)), Value("frames", str(len(pulled.frames))), *stamps)

    async def _drift(self, talk: Talk) -> Value:
        """How far the meter's clock is ahead."""
        datum = await talk.get(obis.CLOCK, obis.CLOCK_NAME, 2)
        at = epoch_of(datum.body, self._offset_secs)
        if at is None:
            return Value("clock_ahead", "", "error clock unusable")
        return Value("clock_ahead", str(at - int(self._around.now())), "s")

    # ------------------------------------------------------------------------------------------- commands that act

    async def _intend(self, command: Command) -> None:
        """From here on the command is never sent again; called before the request that acts is made."""
        self._check_expiry(command)
        # Before it is written: whoever stops the process leaves this command its end.
        self.acting.add(command.id)
        await self._around.journal.put(f"command/{command.id}", Known(command.digest, command.expires).record())
        self._around.reach("command-intended")
        # Writing may have taken its time.
        if command.expires <= self._around.now():
            raise Stop(State.FAILED, "EXPIRED", "it expired while it was recorded, and was not sent")

    async def _sync(self, command: Command, talk: Talk) -> None:
        before = await self._drift(talk)
        ahead = int(before.value) if before.value else None
        if ahead is not None and abs(ahead) <= CLOSE_ENOUGH_SECS:
            raise Stop(State.DONE, values=(before, Value("set", "0")))
        if ahead is not None and abs(ahead) > shift_of(command.arguments):
            raise Stop(State.FAILED, "CLOCK_TOO_FAR", f"the clock is {ahead} s ahead: more than may be set",
                       (before,))  # fmt: skip
        await self._intend(command)
        value = date_time(int(self._around.now() + 0.5), self._offset_secs)
        await talk.set_octets(obis.CLOCK, obis.CLOCK_NAME, 2, value)
        raise Stop(State.DONE, values=(replace(before, name="clock_was_ahead"), *await self._seen(self._drift(talk)),
                                       Value("set", "1")))  # fmt: skip

    async def _switch(self, command: Command, talk: Talk) -> None:
        await self._intend(command)
        await talk.act(obis.DISCONNECT, obis.SWITCH_NAME, METHODS[command.kind])
        raise Stop(State.DONE, values=await self._seen(self._output(talk)))

    async def _output(self, talk: Talk) -> Value:
        datum = await talk.get(obis.DISCONNECT, obis.SWITCH_NAME, 2)
        return Value("load_switch", text_of(datum))

    async def _seen(self, reading: Awaitable[Value]) -> tuple[Value, ...]:
        """What the meter says behind an action; the action is done whether it says it or not."""
        try:
            value = await reading
        except (NoAnswer, Refused, ValueError, ArithmeticError, OSError):
            return ()
        return () if too_long((value,)) else (value,)

    # --------------------------------------------------------------------------------------------------- results

    def _check_expiry(self, command: Command) -> None:
        if command.expires <= self._around.now():
            raise Stop(State.EXPIRED, "EXPIRED", f"it was to be run before {command.expires}")

    async def _keep(self, command: Command, result: Result) -> None:
        # Kept for long, not for ever, where the expiry is the mistake: milliseconds, for example.
        known = Known(command.digest, min(command.expires, result.at + NEVER_SECS), result)
        await self._around.journal.put(f"command/{command.id}", known.record())

    async def _say(self, command: Command, state: State) -> None:
        await self._around.answer(self._result(command, state))

    def _ended(self, command: Command, stop: Stop) -> Result:
        """What the journal and the topic take of it."""
        if too_long(stop.values):
            reason = f"the values are more than {MOST_VALUES_OCTETS} octets: ask for less at a time"
            return self._result(command, State.FAILED, "ANSWER_TOO_LONG", reason)
        return self._result(command, stop.state, stop.code, stop.reason[:MOST_REASON], stop.values)

    def _result(
        self, command: Command, state: State, code: str = "", reason: str = "", values: tuple[Value, ...] = ()
    ) -> Result:
        return result_of(command, state, int(self._around.now()), code, reason, values)


def _code(error: Exception) -> str:
    if isinstance(error, Refused):
        return "METER_REFUSED"
    return "DEVICE_UNKNOWN" if isinstance(error, DeviceUnknown) else "ANSWER_UNUSABLE"


def decimal(number: int | float, power: int) -> str:
    """number x 10^power, exactly where the number is whole."""
    if isinstance(number, float):
        return repr(number * 10.0**power)
    if power >= 0:
        return str(number * 10**power)
    digits = f"{abs(number):0{1 - power}d}"
    return f"{'-' if number < 0 else ''}{digits[:power]}.{digits[power:]}"
