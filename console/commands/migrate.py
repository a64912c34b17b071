"""`migrate`: bring the database to the present form, and make the first admin."""

from __future__ import annotations

import argparse

from console import configuration
from console.terminal import say
from services import bootstrap, database
from services.settings import Settings


def add_arguments(_parser: argparse.ArgumentParser) -> None:
    """None."""


def run(_arguments: argparse.Namespace, settings: Settings) -> int:
    settings = configuration.connected(settings)
    if settings.database_url:
        database.upgrade(settings.database_url.get_secret_value())
    password = bootstrap.build(settings).accounts.ensure_first_admin()
    if password:
        say(f"The first sign-in: admin with the one-time password {password} (shown only now).")
    return 0
