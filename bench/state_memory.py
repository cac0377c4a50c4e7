"""Where the memory of a worker goes: octets a service point, by table of the state and by table of the registry.

    python -m bench.state_memory --meters 1000000 --intervals 6

Runs the chains of frames in this process, over some intervals with a midnight among them, on stores that were made
again from a checkpoint, as a worker that was started has them. Then every array that is kept is looked at: what it may
take in all, which is what it takes when the window of days is full, and what of it is resident (Linux:
/proc/self/pagemap). `kvarn state inspect` says the same of state alone, of simulated profiles and of a deployment.
The case `state` measures a whole process; the figures of docs/decisions/0005-memory.md come from both.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.case import OPENING, Load
from bench.inside.chains import Inside
from bench.memory.account import Account
from bench.memory.profiles import restart
from pipeline.runtime.chain import Chain

TOPOLOGY = Path(__file__).resolve().parent.parent / "topologies.yaml"

LEAST_BYTES = 0.05
"""A point: what takes less is not named."""

STATE, REGISTRY = "state", "registry"


def measure(chains: list[Chain]) -> dict[str, Account]:
    """All that these chains of one topology keep: state, and what is made of the versions in force."""
    accounts = {STATE: Account(), REGISTRY: Account()}
    for place, stage in enumerate(chains[0].plan.stages):
        for chain in chains:
            accounts[STATE].add_store(stage.name, chain.stores[place])
    for stage, table in zip(chains[0].plan.stages, chains[0]._tables(), strict=True):
        accounts[REGISTRY].walk(stage.name, "", table)
    for account in accounts.values():
        account.close()
    return accounts


def main(
    meters: Annotated[int, typer.Option(help="service points")] = 200_000,
    intervals: Annotated[int, typer.Option(help="intervals of each meter behind the first")] = 6,
) -> None:
    """Measure, and print a line a table."""
    load = Load(meters=meters, frames=intervals * meters, batch_frames=4000, seed=1, faults=True)
    inside = Inside(TOPOLOGY, load)
    inside.open()
    for chain in inside.chains():
        restart(chain)
    for number in load.pushes[OPENING:]:
        inside.interval(number)
    accounts = measure(inside.chains())
    typer.echo(f"{'bytes a service point':40} {'in all':>9} {'resident':>9}")
    for part, account in accounts.items():
        for (stage, name), size in account.allotted.items():
            if size >= LEAST_BYTES * meters:
                resident = account.resident[stage, name] / meters
                typer.echo(f"{f'{stage} {part}: {name}':40} {size / meters:9.1f} {resident:9.1f}")
    for part, account in accounts.items():
        allotted, resident = (sum(sizes.values()) / meters for sizes in (account.allotted, account.resident))
        typer.echo(f"{part:40} {allotted:9.1f} {resident:9.1f}")
    inside.close()


if __name__ == "__main__":
    typer.run(main)
