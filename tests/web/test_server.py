"""What the web server does before it takes its first request."""

from __future__ import annotations

import asyncio

from console import server
from tests.web.fakes import FakeServices


def test_it_sweeps_from_its_start(services: FakeServices) -> None:
    """Everybody who could take back what dead workers held may be dead too, and nobody else may ever start."""

    async def live() -> None:
        async with server.lifespan(server.app):
            assert services.sweeper.armed == 1

    asyncio.run(live())
