"""Warnings, grace, and commands: what follows from a balance at a time of the log."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from connectors.prepaid.account import Account
from connectors.prepaid.calendar import HOUR_SECS, may_cut_until
from connectors.prepaid.config import PrepaidConfig
from connectors.prepaid.entries import Writing

DeviceOf = Callable[[int, int], str]
"""(service point, time) -> device that stands there, as commands name it; empty: none is known."""

COMMANDS = {"DISCONNECT": "disconnect", "RECONNECT": "reconnect", "CHECK": "read_registers"}
OUTPUT_STATE = "70:0.0.96.3.10.255:2"
"""Disconnect control, output state: whether the load switch is closed (IEC 62056-6-2, class 70, attribute 2)."""
NO_RESULT_SECS = 3600
"""After a command has expired its result is owed; so much later nobody waits for it any more."""
DETAIL_LENGTH = 300


@dataclass
class Switch:
    """The load switch of a service point, as far as the ledger knows. `closed` None: nobody knows."""

    closed: bool | None = True
    device: str = ""
    command: str = ""
    kind: str = ""
    account: int = 0
    expires: int = 0
    retry_at: int = 0

    def apply(self, entry: Mapping[str, Any], config: PrepaidConfig) -> None:
        """Go on by an entry that names this service point."""
        kind = entry["kind"]
        if kind in COMMANDS:
            self.command, self.kind, self.account = entry["reference"], kind, entry["account"]
            self.device, self.expires = entry["device"], entry["expires"]
        elif kind in ("SWITCH_OPEN", "SWITCH_CLOSED"):
            self.closed, self.command, self.retry_at = kind == "SWITCH_CLOSED", "", 0
        elif kind == "COMMAND_FAILED":
            self.command, self.retry_at = "", entry["at"] + config.retry_secs
            if entry["detail"].startswith(UNKNOWN):
                self.closed = None


UNKNOWN = ("OUTCOME_UNKNOWN", "NO_RESULT")
"""Beginnings of the detail of commands that the meter may have done."""


def levels(config: PrepaidConfig, writing: Writing) -> None:
    """Warnings, emergency credit, grace and its end."""
    account = writing.account
    if not account.is_open:
        return
    for level in sorted(config.warn_at, reverse=True):
        if account.balance < level and level not in account.warned:
            writing.write("WARNED", threshold=level)
    below = account.balance < config.disconnect_below
    if config.emergency_credit and below and account.emergency is None:
        writing.write("EMERGENCY", threshold=config.disconnect_below)
    if account.balance < config.floor and account.low_since is None:
        writing.write("LOW", threshold=config.floor)
    elif account.balance >= config.floor and account.low_since is not None:
        writing.write("RESTORED", threshold=config.floor)


def commands(
    config: PrepaidConfig, switches: Mapping[int, Switch], device_of: DeviceOf, writing: Writing, name: str
) -> Iterator[dict[str, Any]]:
    """Records of schema Command that are due now; each has its entry."""
    account, now = writing.account, writing.at
    for point in account.points():
        switch = switches[point]
        device = device_of(point, now)
        if switch.command:
            # It is waited for by the account that gave it.
            if switch.account == account.account and now >= switch.expires + NO_RESULT_SECS:
                writing.write("COMMAND_FAILED", service_point=point, device=switch.device, reference=switch.command,
                              detail="NO_RESULT nobody has answered it")  # fmt: skip
                switch.apply(writing.entries[-1], config)
            continue
        if not account.is_open:
            continue
        if switch.closed is not True and switch.device and device and switch.device != device:
            # A meter that was just installed has its switch closed.
            writing.write("SWITCH_CLOSED", service_point=point, device=device, detail="another meter stands there")
            switch.apply(writing.entries[-1], config)
        wanted = _wanted(config, account, switch, now)
        if wanted is None or not device or now < switch.retry_at:
            continue
        expires = now + config.expires_secs
        if wanted == "DISCONNECT":
            expires = min(expires, may_cut_until(config, now) or now)
        # A service point may be in two accounts' hands in turn, an account's numbers in its own only.
        number = account.number + 1
        command = f"{name}-{account.account}-{number}"
        writing.write(wanted, service_point=point, device=device, reference=command, expires=expires)
        switch.apply(writing.entries[-1], config)
        yield {
            "id": command, "device": device, "kind": COMMANDS[wanted],
            "arguments": {"objects": OUTPUT_STATE} if wanted == "CHECK" else {},
            "issued": now, "expires": expires, "source": name,
        }  # fmt: skip


def _wanted(config: PrepaidConfig, account: Account, switch: Switch, now: int) -> str | None:
    if switch.closed is None:
        return "CHECK"
    if not switch.closed:
        return "RECONNECT" if account.balance >= config.enough else None
    over = account.low_since is not None and now >= account.low_since + config.grace_hours * HOUR_SECS
    return "DISCONNECT" if over and may_cut_until(config, now) is not None else None


def result(record: Mapping[str, Any], switch: Switch, point: int, writing: Writing) -> None:
    """Write what became of the switch's command; `record` of schema CommandResult, a final one."""
    said = {"service_point": point, "device": record["device"], "reference": record["id"]}
    closed = _closed(record) if record["state"] == "DONE" else None
    if closed is not None:
        writing.write("SWITCH_CLOSED" if closed else "SWITCH_OPEN", **said)
        return
    what = "NO_VALUE the result does not say how the switch stands" if record["state"] == "DONE" else (
        f"{record['code'] or record['state']} {record['reason']}".strip()
    )  # fmt: skip
    if record["state"] == "DONE" and switch.kind != "CHECK":
        what = "OUTCOME_UNKNOWN it is done, and the result does not say how the switch stands"
    writing.write("COMMAND_FAILED", **said, detail=what[:DETAIL_LENGTH])


def _closed(record: Mapping[str, Any]) -> bool | None:
    """How the switch stands after a command that was done: 0 open, 1 closed; None where it is not said."""
    for value in record["values"]:
        if value["name"] in ("load_switch", OUTPUT_STATE) and not value["unit"].startswith("error"):
            return {"0": False, "false": False, "1": True, "true": True}.get(value["value"].lower())
    return None
