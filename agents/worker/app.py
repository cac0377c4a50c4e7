"""Faust as a worker uses it: delivery, sharing out of partitions, membership. No tables, acknowledgements or web."""

from __future__ import annotations

from typing import Any

from agents.worker.engine_fence import FencedApp, FencedTables
from agents.worker.settings import WorkerSettings
from pipeline.topology.plan import ChainPlan

NEVER_SECS = 10**8
METADATA_MS = 5_000


def make_app(plan: ChainPlan, settings: WorkerSettings) -> Any:
    """The Faust app of a chain."""
    return FencedApp(
        plan.group,
        broker=[f"kafka://{address.strip()}" for address in settings.bootstrap.split(",")],
        key_serializer="raw",
        value_serializer="raw",
        store="memory://",
        web_enabled=False,
        # Faust's assignor wants each member to have an address of its own, and the same one after a restart.
        canonical_url=f"http://{plan.group}-{settings.instance}:6066",
        consumer_group_instance_id=f"{plan.group}-{settings.instance}",
        consumer_auto_offset_reset="earliest",
        # A broker that has just come up tells a member that its topic is missing, and Faust then assigns nothing. Only
        # newer metadata makes it ask again; aiokafka's own age of five minutes was seen as a worker idle for so long.
        consumer_metadata_max_age_ms=METADATA_MS,
        consumer_max_fetch_size=2 * settings.record_bytes,
        # One queue for all partitions: with it the bytes that wait are bounded.
        stream_buffer_maxsize=settings.buffered_records,
        # Faust would wait for acknowledgements that never come.
        stream_wait_empty=False,
        # The position is committed with the checkpoint and by nothing else.
        broker_commit_interval=NEVER_SECS,
        broker_session_timeout=settings.session_secs,
        broker_heartbeat_interval=settings.heartbeat_secs,
        broker_request_timeout=max(90.0, 2 * settings.session_secs),
        broker_max_poll_interval=NEVER_SECS,
        # Its sticky assignor is used only while standbys are on; without tables there are none.
        table_standby_replicas=1,
        TableManager=FencedTables,
        topic_disable_leader=True,
        topic_allow_declare=False,
        topic_partitions=plan.source.partitions,
        producer_threaded=False,
    )


def source_of(app: Any, plan: ChainPlan) -> Any:
    """The topic of the chain's source; `acks=False` keeps Faust from counting what is acknowledged."""
    return app.topic(plan.source.name, key_type=bytes, value_type=bytes, acks=False)
