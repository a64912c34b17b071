"""Each call comes out of its person's requests a minute; what the pages' scripts ask for costs what services spend."""

from __future__ import annotations

import asyncio
import contextvars
import math
from typing import Any

import anyio
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from console import wiring
from console.api.address import PREFIX
from console.api.problems import is_part
from console.routes.answers import refusal
from services.durations import seconds_until
from services.errors import BacklotError, LimitReached
from services.limits import LimitUse
from services.model import LimitName

# What the pages' own scripts call: the meters by themselves, and uploads, of which there are so many a day.
OF_PAGES = (f"{PREFIX}/limits", f"{PREFIX}/uploads")


class Spending:
    """ASGI middleware. What services spend during the call is part of the one request: they share its context."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        state = scope.setdefault("state", {})
        if scope["type"] != "http" or "session" not in state or is_part(scope) or _is_of_pages(scope):
            await self._app(scope, receive, send)
            return
        context = contextvars.copy_context()
        request = wiring.services().limits.request(state["session"].user)
        try:
            use = await run_in_threadpool(context.run, request.__enter__)
        except BacklotError as error:
            answer = refusal(error)
            if isinstance(error, LimitReached):
                answer.headers["RateLimit"] = f'"{LimitName.REQUESTS}";r=0;t={math.ceil(error.retry_after)}'
            await answer(scope, receive, send)
            return
        ended: BaseException | None = None  # by which a call ends it may be given its request back
        try:
            called = self._app(scope, receive, _with_what_is_left(send, use))
            await asyncio.get_running_loop().create_task(_awaited(called), context=context)
            ended = state.get("refused")
        except BaseException as error:
            ended = error
            raise
        finally:
            told = (None, None, None) if ended is None else (type(ended), ended, ended.__traceback__)
            with anyio.CancelScope(shield=True):
                await run_in_threadpool(context.run, request.__exit__, *told)


def _is_of_pages(scope: Scope) -> bool:
    return not scope["state"].get("by_token") and scope["path"].startswith(OF_PAGES)


async def _awaited(called: Any) -> None:
    await called


def _with_what_is_left(send: Send, use: LimitUse) -> Send:
    """Tells with the answer what is left, as draft-ietf-httpapi-ratelimit-headers has it."""

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["RateLimit-Policy"] = f'"{use.name}";q={use.limit};w={use.window:.0f}'
            wait = "" if use.free_at is None else f";t={math.ceil(seconds_until(use.free_at))}"
            headers["RateLimit"] = f'"{use.name}";r={use.left}{wait}'
        await send(message)

    return send_with_headers
