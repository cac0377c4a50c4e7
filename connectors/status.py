"""A connector's own page: its counts as JSON on loopback, for people, probes and whoever waits for acknowledgements."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aiohttp import web

Counts = Callable[[], dict[str, Any]]


async def serve(port: int, counts: Counts) -> web.AppRunner:
    """Serve `/status` on 127.0.0.1:`port`; the caller cleans the runner up."""

    async def status(_request: web.Request) -> web.Response:
        return web.json_response(counts())

    app = web.Application()
    app.router.add_get("/status", status)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    return runner
