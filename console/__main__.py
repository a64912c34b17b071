"""`python -m console`: one module in console/commands for each command."""

from __future__ import annotations

import argparse
import importlib
import sys

from console import configuration
from console.terminal import say_error
from services import logs
from services.errors import BacklotError

COMMANDS = {
    "up": "start everything, or say where it runs",
    "status": "what runs, where, how many jobs are in which state, and what is paused",
    "doctor": "what is configured, reachable and missing, and what to do",
    "user": "add a user",
    "submit": "send files through the pipeline",
    "again": "run one kind again on many videos",
    "pause": "let nothing new start on a queue",
    "resume": "let a paused queue go on",
    "worker": "run one worker",
    "migrate": "bring the database to the present form, and make the first admin",
}
SERVERS = {"up", "worker"}  # they log; the others speak to a person


def main(words: list[str]) -> int:
    """Run one command and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m console")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    chosen = next((word for word in words if word in COMMANDS), None)
    module = importlib.import_module(f"console.commands.{chosen}") if chosen else None
    for name, purpose in COMMANDS.items():
        command = commands.add_parser(name, help=purpose, description=purpose.capitalize() + ".")
        if module and name == chosen:
            module.add_arguments(command)
    arguments = parser.parse_args(words)
    if module is None:
        return 2
    try:
        settings = configuration.load()
        logs.configure(settings, level=None if chosen in SERVERS else "WARNING")
        return int(module.run(arguments, settings))
    except BacklotError as error:
        say_error(str(error))
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
