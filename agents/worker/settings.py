"""What can be set of a worker. Descriptions are the reference page."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class WorkerSettings(BaseModel):
    """One worker process."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    bootstrap: str = Field("127.0.0.1:9092", description="Addresses of brokers, host:port, separated by commas.")
    instance: str = Field(
        "1",
        pattern=r"^[a-zA-Z0-9_.-]+$",
        description="Name of this process among the workers of its chain. It keeps its partitions over a restart under "
        "the same name; two processes at a time must not have the same.",
    )
    session_secs: float = Field(
        45.0, gt=0, description="A process that is silent for so long loses its partitions to the others."
    )
    heartbeat_secs: float = Field(3.0, gt=0, description="Sign of life to the group.")
    replay_secs: float = Field(
        3.0, gt=0, description="A checkpoint is made after as much input as takes this long: what a restart repeats."
    )
    checkpoint_secs: float = Field(
        600.0, gt=0, description="A checkpoint is made at the latest after this time, however little there was to do."
    )
    idle_secs: float = Field(
        2.0, gt=0, description="When nothing has come for so long, what is applied is saved: its position shows no lag."
    )
    record_bytes: int = Field(
        1 << 20, ge=1 << 10, description="Largest record of the source topic; with buffer_bytes it bounds the buffers."
    )
    buffer_bytes: int = Field(
        32 << 20, ge=1 << 20, description="Records that wait between Kafka and the steps, at most."
    )
    output_bytes: int = Field(
        64 << 20, ge=1 << 20, description="Outputs that wait for the broker, at most; then work waits."
    )
    linger_ms: int = Field(5, ge=0, description="Outputs are gathered for so long before they are sent.")
    restore_threads: int = Field(2, ge=1, description="Partitions that are restored at the same time.")
    broker_secs: float = Field(
        60.0, gt=0, description="How long a transaction, a commit or a read may take before the process ends."
    )
    watchdog_secs: float = Field(
        300.0, gt=0, description="Without progress for so long, with records waiting, the process ends."
    )
    position_secs: float = Field(
        30.0,
        gt=0,
        description="How often the group's positions are asked of the broker and held against those committed last; "
        "where they differ the process ends.",
    )
    fuse_share: float = Field(
        0.5, gt=0, le=1, description="Share of rejected frames at which the process ends: then the fault is ours."
    )
    fuse_frames: int = Field(5_000, ge=1, description="Frames that the share is taken of, at least.")
    scratch: str | None = Field(
        None,
        description="Folder of a small file that says which record is under way, so that the next start knows at which "
        "one the process died; the next start must find it there. Not set: kvarn-<user id> in the system's temporary "
        "folder. Empty: nothing is noted, and a frame at which the process dies stops its partition.",
    )
    trial_secs: float = Field(
        60.0, gt=0,
        description="How long frames may take in the trial of a record at which the process died twice; frames that "
        "take longer by themselves are rejected.",
    )  # fmt: skip

    @property
    def buffered_records(self) -> int:
        """Records that Faust may hold before it stops fetching."""
        return max(2, self.buffer_bytes // self.record_bytes)
