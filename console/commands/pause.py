"""`pause QUEUE --reason WHY`: let nothing new be claimed from a queue, until it is resumed."""

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
    parser.add_argument("--reason", required=True, help="why; `status` shows it")
    parser.add_argument("--as", dest="name", default="admin", help="who pauses it (admin)")


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    with closing(bootstrap.build(configuration.connected(settings))) as services:
        services.operations.pause(services.accounts.find(arguments.name), arguments.queue, reason=arguments.reason)
    say(
        f"The queue {arguments.queue} is paused. What runs on it ends as it would; "
        f"`python -m console resume {arguments.queue}` lets it go on."
    )
    return 0
