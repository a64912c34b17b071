"""The one set of services of this process, shared by the gate, the routes and the pages."""

from __future__ import annotations

import functools

from console import configuration
from services.bootstrap import Services, build
from services.settings import Settings


@functools.cache
def settings() -> Settings:
    """The settings, read once. Raises BadInput or Unavailable when the process cannot work with them."""
    return configuration.connected(configuration.load())


@functools.cache
def services() -> Services:
    """The services, built on the first call: the server's lifespan makes it before any request is taken."""
    return build(settings())
