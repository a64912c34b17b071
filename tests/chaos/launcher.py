"""Starts the product's own processes, with a run's stages and a planted bug: `up`, `worker KIND`, or `web ...`.

`up` is the product's own supervisor. It starts each worker and the web server by way of this module again, each with
a network of its own to each store; all else it starts as ever.
"""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass

import streamlit.web.cli

from console import __main__ as console
from console.stack import Stack
from console.supervisor import Program
from services.embedded import Launch
from services.queue import Queue
from tests.chaos.plants import plant_in_process
from tests.chaos.stages import take_the_place_of_stages

NETWORKS = "CHAOS_NETWORKS"  # JSON: process name -> the DATABASE_URL and REDIS_URL that it is to use
WAKES = "CHAOS_WAKES"  # how often each wake is put on its queue
PLANT = "CHAOS_PLANT"  # the name of the planted bug
OWN_COMMANDS = {"worker": ("-m", "console"), "web": ("-m", "streamlit")}


@dataclass(frozen=True, kw_only=True)
class Detour:
    """A start of one of the product's processes by way of this module. word is worker or web."""

    name: str
    word: str
    prepare: Callable[[], Launch | None]

    def __call__(self) -> Launch | None:
        launch = self.prepare()
        if launch is None or launch.environment is None:
            raise LookupError(f"{self.name} is started in another way now")
        python, *rest = launch.command
        own = OWN_COMMANDS[self.word]
        if tuple(rest[: len(own)]) != own:
            raise LookupError(f"{self.name} is started by another command now: {launch.command}")
        words = rest[len(own) :] if self.word == "worker" else ["web", *rest[len(own) :]]
        return dataclasses.replace(
            launch,
            command=(python, "-m", "tests.chaos.launcher", *words),
            environment=launch.environment | json.loads(os.environ[NETWORKS])[self.name],
        )


def take_detours() -> None:
    """Have the supervisor start workers and web server by way of this module."""
    own_workers, own_web = Stack._workers, Stack._web

    def workers(stack: Stack) -> list[Program]:
        return [
            dataclasses.replace(program, prepare=Detour(name=program.name, word="worker", prepare=program.prepare))
            for program in own_workers(stack)
        ]

    def web(stack: Stack) -> Launch | None:
        return Detour(name="web", word="web", prepare=lambda: own_web(stack))()

    Stack._workers = workers  # type: ignore[method-assign,assignment]
    Stack._web = web  # type: ignore[method-assign,assignment]


def repeat_wakes(times: int) -> None:
    """Put each wake on its queue several times."""
    own_ring = Queue.ring

    def ring(queue: Queue, name: object) -> None:
        own_ring(queue, name)  # type: ignore[arg-type]
        queue._client.rpush(f"rq:queue:{name}", *[f"wake-{name}"] * (times - 1))

    Queue.ring = ring  # type: ignore[method-assign,assignment]


def main(words: list[str]) -> int:
    plant_in_process(os.environ.get(PLANT, ""), words[0])
    if (times := int(os.environ.get(WAKES, "1"))) > 1:
        repeat_wakes(times)
    if words[0] == "web":
        sys.argv = ["streamlit", *words[1:]]
        streamlit.web.cli.main()
        return 0
    if words[0] == "up":
        take_detours()
    else:
        take_the_place_of_stages()
    return console.main(words)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
