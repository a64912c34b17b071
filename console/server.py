"""The web server: `python -m streamlit run console/server.py`, from the root of the project."""

from __future__ import annotations

import gc
import importlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio.to_thread
import streamlit as st
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.routing import Route

from console import navigation, static_files, wiring
from console.figures import Counting
from console.gate import Gate
from console.messages import show_crash
from console.route_table import ROUTES
from console.routes.answers import answer_crash, answer_error, answer_http
from console.routes.health import READY
from console.streams import ended_by_signals
from services import logs
from services.errors import BacklotError

# Streamlit imports these in the first run of a script: the first visitor would wait for 0.6 s and more.
WARM = ("pandas", "pyarrow", "PIL.Image")
STATIC_FILES = static_files.all_assets()


@asynccontextmanager
async def lifespan(_: st.App) -> AsyncIterator[dict[str, Any]]:
    """Builds the services before the first request is taken, and closes them after the last."""
    logs.configure(wiring.settings())
    static_files.prepare_in_background(STATIC_FILES, wiring.settings().home.resolve() / "static")
    services = await anyio.to_thread.run_sync(wiring.services)
    services.sweeper.arm()  # whoever could take back what dead workers held may be dead too
    services.listen()
    for module in WARM:
        await anyio.to_thread.run_sync(importlib.import_module, module)
    gc.collect()
    gc.freeze()  # what is loaded stays: looking through it again made one in twenty reruns 130 ms longer (measured)
    READY.set()
    with ended_by_signals():
        yield {}
    READY.clear()
    await anyio.to_thread.run_sync(services.close)


async def home(_: Request) -> RedirectResponse:
    """The first page lives at the root alone."""
    return RedirectResponse("/")


app = st.App(
    "app.py",
    lifespan=lifespan,
    middleware=[Middleware(Counting), Middleware(Gate), Middleware(static_files.StaticFiles, table=STATIC_FILES)],
    routes=[*ROUTES, Route(f"/{navigation.HOME.address}", home)],
    exception_handlers={BacklotError: answer_error, HTTPException: answer_http, Exception: answer_crash},
    on_script_error=show_crash,
)
