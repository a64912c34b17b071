"""`resume QUEUE`: let a paused queue go on."""

from __future__ import annotations

import argparse
from contextlib import closing

from console import configuration
from console.terminal import say
from services import bootstrap
from services.model import QueueName
from services.settings import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("queue", type=QueueName, choices=list(QueueName))
    parser.add_argument("--reason", help="why, for the record")
    parser.add_argument("--as", dest="name", default="admin", help="who resumes it (admin)")


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    with closing(bootstrap.build(configuration.connected(settings))) as services:
        user = services.accounts.find(arguments.name)
        rung = services.operations.resume(user, arguments.queue, reason=arguments.reason)
    say(f"The queue {arguments.queue} goes on.")
    if not rung:
        say("Redis did not answer: its workers notice within a quarter of a minute, or once Redis is back.")
    return 0
