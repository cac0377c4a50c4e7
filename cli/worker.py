"""`kvarn worker`: run one chain of a topology under Faust."""

from __future__ import annotations

from typing import Annotated

import typer

from agents.worker.run import run_worker
from agents.worker.settings import WorkerSettings
from cli.deployment import master_key, prepare, references_of
from cli.output import DEFAULT_FILE, TopologyFile, exit_code
from cli.stages import fetch_references, make_steps
from cli.topology import read_plan
from cli.wall_clock import WallClock

DEFAULTS = WorkerSettings()


def worker(
    name: Annotated[str, typer.Argument(help="Name of the topology, or topology.stage where it is cut.")],
    instance: Annotated[
        str, typer.Option(help="Name of this process among the workers of the chain; the same after a restart.")
    ] = DEFAULTS.instance,
    checkpoint_secs: Annotated[
        float, typer.Option(envvar="KVARN_CHECKPOINT_SECS", help="A checkpoint at the latest after this time.")
    ] = DEFAULTS.checkpoint_secs,
    session_secs: Annotated[
        float, typer.Option(envvar="KVARN_SESSION_SECS", help="Silent for so long, it loses its partitions.")
    ] = DEFAULTS.session_secs,
    fuse_share: Annotated[
        float, typer.Option(envvar="KVARN_FUSE_SHARE", help="It ends when more than this share of frames is rejected.")
    ] = DEFAULTS.fuse_share,
    file: TopologyFile = DEFAULT_FILE,
) -> None:
    """Run the stages of a chain until stopped (SIGTERM, Ctrl-C): state and position come from its last checkpoint.

    A clean stop makes a checkpoint, so that the next start repeats nothing. When something is wrong that going on would
    make worse, the process ends with a reason; start it again under a process manager. Keys of meters come from the
    folder KVARN_KEYS, opened with KVARN_MASTER_KEY or KVARN_MASTER_KEY_FILE.
    """
    WallClock().watch()
    plan = read_plan(file)
    chain = plan.chain(name)
    contracts = prepare(plan)
    settings = WorkerSettings(
        bootstrap=plan.kafka.bootstrap,
        instance=instance,
        checkpoint_secs=checkpoint_secs,
        session_secs=session_secs,
        fuse_share=fuse_share,
        heartbeat_secs=min(DEFAULTS.heartbeat_secs, session_secs / 3),
    )
    fetch = fetch_references(references_of(plan), master_key())
    run_worker(chain, make_steps(chain), contracts, fetch, settings, exit_code)
