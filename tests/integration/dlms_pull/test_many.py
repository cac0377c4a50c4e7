"""Many meters at once over real sockets, behind gateways of which one is dead; the meters answer from a table."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

from connectors.dlms_pull.commands import State
from connectors.dlms_pull.meters import Meter
from tests.integration.dlms_pull.process import DEVICE
from tests.integration.dlms_pull.scene import Scene, until
from tests.unit.connectors.dlms_pull.test_client import AARE, CLOCK_ANSWER, RELEASED, wrapped

METERS, GATEWAYS, EACH = 600, 12, 4
ANSWERS = {0x60: AARE, 0xC0: CLOCK_ANSWER, 0x62: RELEASED}


class Gateway:
    """Answers each request by its tag, from all connections; `dead`: takes connections and says nothing."""

    def __init__(self, dead: bool) -> None:
        self.dead, self.open, self.most = dead, 0, 0

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        self.most = max(self.most, self.open)
        try:
            while not self.dead:
                head = await reader.readexactly(8)
                apdu = await reader.readexactly(int.from_bytes(head[6:8], "big"))
                writer.write(wrapped(ANSWERS[apdu[0]]))
            await reader.read()
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            self.open -= 1
            writer.close()


async def test_hundreds_of_meters_are_asked_while_a_dead_gateway_says_nothing(tmp_path: Path) -> None:
    gateways = [Gateway(dead=number == 0) for number in range(GATEWAYS)]
    async with AsyncExitStack() as stack:
        ports = []
        for gateway in gateways:
            server = await stack.enter_async_context(await asyncio.start_server(gateway.talk, "127.0.0.1", 0))
            ports.append(server.sockets[0].getsockname()[1])
        meters = [Meter(DEVICE + number, f"127.0.0.1:{ports[number % GATEWAYS]}", authentication="none", protection=0)
                  for number in range(METERS)]  # fmt: skip
        scene = Scene(tmp_path, *meters, connections_per_gateway=EACH, answer_secs=60.0, association_secs=120.0)
        scene.inbox_commands = [scene.command("ping", number, meter.device) for number, meter in enumerate(meters)]
        alive = METERS - METERS // GATEWAYS
        async with scene.running() as puller, asyncio.timeout(60):
            await until(lambda: puller.finished >= alive)
            # The dead one's are still waiting for their first answer.
            assert puller.finished == alive
            assert gateways[0].open == EACH
        assert {result.state for result in scene.finals()} == {State.DONE}
        assert max(gateway.most for gateway in gateways) == EACH
        assert scene.inbox.committed == 0
