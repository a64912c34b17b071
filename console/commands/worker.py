"""`worker media|ai`: run one worker until SIGTERM."""

from __future__ import annotations

import argparse
import importlib

from console import configuration
from services.settings import Settings

# By name: the console may not import the jobs.
MODULES = {"media": "jobs.workers.media", "ai": "jobs.workers.ai"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("kind", choices=MODULES)


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    settings = configuration.connected(settings)
    importlib.import_module(MODULES[arguments.kind]).main(settings)
    return 0
