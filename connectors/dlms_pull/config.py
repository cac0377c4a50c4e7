"""Options of the DLMS pull connector."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, field_validator

from connectors.dlms_pull.backoff import RetryOptions, window
from connectors.dlms_pull.gaps import GapOptions
from connectors.gather.config import GatherOptions

IST_OFFSET_SECS = 19_800


class DlmsPullConfig(BaseModel):
    """`type: dlms_pull` in topologies.yaml; one process. It needs the extra `pull` (gurux-dlms, GPL-2.0)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    meters: str = Field(description="CSV file of the meters and how each is reached (docs/pull.md), read again when it "
                        "changes")  # fmt: skip
    passwords: str = Field("", description="CSV file `device,password` of LLS passwords, readable by nobody else; "
                           "empty: no meter has one")  # fmt: skip
    commands: str = Field("commands", description="topic of commands to meters")
    results: str = Field("command-results", description="topic of what became of them")
    journal: str = Field("pull-journal", description="compacted topic of one partition, this connector's own: "
                         "counters, intents, results")  # fmt: skip
    client_title: str = Field(
        "4B564E0000000001", description="system title of this client, 16 hexadecimal digits; no other client of these "
        "meters may have it", pattern=r"^[0-9A-Fa-f]{16}$",
    )  # fmt: skip
    counter_jump: int = Field(
        1_000_000, ge=0, description="a meter that says that an invocation counter further ahead of ours was used is "
        "not believed",
    )  # fmt: skip
    connections: int = Field(2000, ge=1, le=20_000, description="associations at once")
    connections_per_gateway: int = Field(4, ge=1, description="of these, at one address")
    connect_secs: float = Field(20.0, gt=0, description="longest wait for a connection")
    answer_secs: float = Field(30.0, gt=0, description="longest wait for one answer")
    association_secs: float = Field(
        600.0, gt=0, description="longest association, its place at the gateway not counted"
    )
    clock_offset_secs: int = Field(
        IST_OFFSET_SECS, ge=-86_400, le=86_400, description="wall clock of the meters, seconds ahead of UTC"
    )
    commands_at_once: int = Field(10_000, ge=1, description="commands taken from the topic and not finished, at most: "
                                  "those of meters that are away wait among them until they expire")  # fmt: skip
    keep_secs: int = Field(7 * 86_400, ge=0, description="how long behind its expiry the result of a command is kept "
                           "for copies of it")  # fmt: skip
    retry: RetryOptions = Field(default_factory=RetryOptions, description="attempts of a command")
    gaps: GapOptions = Field(default_factory=GapOptions, description="missing intervals that are asked for")
    gather: GatherOptions = Field(default_factory=GatherOptions, description="batching and its bounds")

    @field_validator("gaps")
    @classmethod
    def _window(cls, value: GapOptions) -> GapOptions:
        window(value.window, 0)
        return value
