"""Errors by the reaction they demand.

    KvarnError
    |- ConfigError        do not start: the message says what to change
    |- ContractError      bytes that break a contract of ours: stop, the producer is wrong
    |- Backpressure       offer the same again after `retry_after_secs`
    |- Transient          retry with back-off
    |- Fatal              stop the process: going on would lose or double something

A bad frame is not an exception: it is a row in `rejects` (`pipeline.codes.REJECT_CODES`).
"""

from __future__ import annotations


class KvarnError(Exception):
    """An error with a code, a place, what happened, and what to do next."""

    def __init__(self, code: str, *, where: str, what: str, do: str) -> None:
        super().__init__(f"{code} at {where}: {what}. {do[:1].upper()}{do[1:]}.")
        self.code = code
        self.where = where
        self.what = what
        self.do = do


class ConfigError(KvarnError):
    """Do not start."""


class ContractError(KvarnError):
    """Stop: what was read is not what the schema promises."""


class Transient(KvarnError):
    """Try again, with back-off."""


class Backpressure(Transient):
    """Offer the same again after `retry_after_secs`."""

    def __init__(self, code: str, *, where: str, what: str, do: str, retry_after_secs: float) -> None:
        super().__init__(code, where=where, what=what, do=do)
        self.retry_after_secs = retry_after_secs


class Fatal(KvarnError):
    """Stop the process; the next owner goes on from the last checkpoint."""
