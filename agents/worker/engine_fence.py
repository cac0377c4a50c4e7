"""What Faust 0.15.3 gets wrong for us, overridden in one place; test_engine_fence.py of the unit tests shows why.

Nothing else in Kvarn touches Faust's inside. The reasons are in docs/decisions/0002-checkpoint-order.md.
"""

from __future__ import annotations

from typing import Any

import faust
from faust.tables import TableManager
from faust.transport.drivers import aiokafka as driver

FETCH_WAIT_MS = 20
"""How long the broker holds an empty fetch. Faust writes 1,500 into its code, and one empty partition of a fetch then
delays the records of all others."""

FULL_WAIT_SECS = 0.005
"""How soon to look again while the buffers are full. Faust waits a second, in which the steps run dry."""


class FencedThread(driver.AIOKafkaConsumerThread):
    """The thread that fetches."""

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        # Read when the consumer starts, which is after this.
        consumer._fetch_max_wait_ms = FETCH_WAIT_MS
        return consumer

    async def seek_to_committed(self) -> Any:
        """As the original, and to a position of 0 too, which aiokafka takes for none.

        A worker that keeps a partition in a rebalance, before its first checkpoint, would else go on behind records
        that its restored state has not seen.
        """
        positions = await super().seek_to_committed()
        for place, offset in positions.items():
            if offset == 0:
                await self.call_thread(self._ensure_consumer().seek, place, 0)
        return positions


class FencedConsumer(driver.Consumer):
    """The consumer as the app sees it."""

    def _new_consumer_thread(self) -> Any:
        return FencedThread(self, loop=self.loop, beacon=self.beacon)

    async def _wait_next_records(self, timeout: float) -> Any:  # noqa: ASYNC109  Faust's signature
        """As the original, but it does not sleep for a second when the buffers are full."""
        if not self.flow_active:
            await self.wait(self.can_resume_flow)  # type: ignore[arg-type]  # as in the original
        self.not_waiting_next_records.set()
        active = self._get_active_partitions()
        if not active:
            await self.sleep(FULL_WAIT_SECS)
            return {}, active
        wait = FULL_WAIT_SECS if self._buffered_partitions else timeout
        return await self._getmany(active_partitions=active, timeout=wait), active


class FencedTransport(driver.Transport):
    """Makes fenced consumers."""

    Consumer = FencedConsumer


class FencedTables(TableManager):
    """There are no tables, so none has to be waited for."""

    async def on_start(self) -> None:
        """As the original, but it does not sleep for a second, in case tables are made meanwhile."""
        await self._update_channels()
        await self.recovery.start()


class FencedApp(faust.App):
    """A Faust app on the fenced transport."""

    def _new_transport(self) -> Any:
        return FencedTransport(self.conf.broker_consumer, self)

    def _create_directories(self) -> None:
        """The original makes folders for tables where the process was started, which may not be written to."""
