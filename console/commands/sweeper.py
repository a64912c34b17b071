"""`sweeper`: take back what dead workers held, until SIGTERM."""

from __future__ import annotations

import argparse
import importlib

from console import configuration
from services.settings import Settings


def add_arguments(_parser: argparse.ArgumentParser) -> None:
    """None."""


def run(_arguments: argparse.Namespace, settings: Settings) -> int:
    importlib.import_module("jobs.sweeper").main(configuration.connected(settings))
    return 0
