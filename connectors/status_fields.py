"""Fields of the status page, once: docs/reference/status.md is rendered from here, and a test holds what is served."""

from __future__ import annotations

from typing import NamedTuple


class StatusField(NamedTuple):
    """One field; counts are since the start of the process where the meaning says nothing else."""

    name: str
    unit: str
    meaning: str


EVERY = (
    StatusField("connector", "", "its name in the topology file"),
    StatusField("type", "", "its type"),
    StatusField("ready", "", "true once it takes what comes"),
    StatusField("received", "frames", "that came in"),
    StatusField("acknowledged", "frames", "of these, that Kafka has"),
    StatusField("aside", "frames", "and what was no frame, that went to `rejects`"),
    StatusField("parked", "frames", "whose device the registry does not know, that went to `parked`"),
    StatusField("cuts", "", "batches that were cut"),
    StatusField("dropped", "frames", "UDP datagrams and MQTT messages of QoS 0 that came while nothing was read"),
    StatusField("stopped_secs", "s", "how long nothing was read from meters, for whatever reason"),
    StatusField("waiting_octets", "octets", "that wait for Kafka now"),
    StatusField("behind_octets", "octets", "that wait in Kafka for the workers, estimated; null: not told yet"),
    StatusField("braking", "", "true while nothing is read because workers are behind"),
    StatusField("braked_secs", "s", "how long that was so"),
    StatusField("registry_version", "", "version of the registry in force; empty: none yet"),
    StatusField("settled_version", "", "version that everything, parked frames too, has been looked at with"),
)
"""Of every connector that takes frames."""

OWN: dict[str, tuple[StatusField, ...]] = {
    "dlms": (
        StatusField(
            "connections", "", "`open` now, `accepted`, `refused` and `closed` by reason (docs/frames-in.md says which)"
        ),
    ),
    "mqtt": (
        StatusField("names_unknown", "names", "that stand for no meter, each counted when it is first looked up"),
    ),
    "frames_topic": (StatusField("names_unknown", "names", "the same"),),
    "dlms_pull": (
        StatusField("meters", "", "in the list of meters now"),
        StatusField("meters_dirty", "rows", "of that list that are wrong, and left out"),
        StatusField("associations", "", "with meters that are open now"),
        StatusField("layouts_learned", "", "profiles whose columns a meter was asked for"),
        StatusField("commands_waiting", "", "commands without their result now"),
        StatusField("commands_finished", "", "commands that have their result"),
        StatusField("gap_days_asked", "days", "of missing intervals that meters were asked for"),
        StatusField("gap_rows", "rows", "that came of them"),
        StatusField("gap_days_failed", "days", "that could not be read"),
        StatusField("gap_days_given_up", "days", "of which no further try is made"),
    ),
    "edits": (
        StatusField("edits", "", "of the partitions that this process has, ever"),
        StatusField("edits_waiting", "", "that wait for a second person now"),
        StatusField("edits_in_force", "", "that hold now"),
        StatusField("events_rejected", "", "events of these that were rejected"),
    ),
    "sap_orders": (
        StatusField("requests", "", "that came in"),
        StatusField("orders_taken", "orders", "written to the topic"),
        StatusField("refused", "orders", "that were refused, with the reason in the answer"),
        StatusField("requests_put_off", "", "answered with `try again later`, because Kafka did not take them"),
    ),
    "facts": (
        StatusField("facts", "", "that were read"),
        StatusField("outages", "", "of these"),
        StatusField("checks", "", "of these: energies of check meters, handed on to their service points"),
        StatusField("checks_unused", "", "of these: energies of check meters that V34 does not compare"),
        StatusField("statements", "", "that were made of outages, one a service point and portion"),
        StatusField("points_unknown", "service points", "of outages that the registry does not know, or without meter"),
        StatusField("nodes_unknown", "nodes", "of outages that the registry does not know"),
        StatusField("facts_refused", "records", "that are no fact, or an outage that cannot be"),
    ),
}
"""Of one type, beside those of every connector; types that are not here have none."""
