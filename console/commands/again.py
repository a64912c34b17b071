"""`again KIND VIDEO...`: run one kind again on many videos, behind what people wait for."""

from __future__ import annotations

import argparse
from contextlib import closing
from uuid import UUID

from console import configuration
from console.terminal import say
from services import bootstrap
from services.errors import BacklotError
from services.model import JobKind
from services.settings import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("kind", type=JobKind, choices=list(JobKind))
    parser.add_argument("videos", type=UUID, nargs="+", metavar="VIDEO", help="the id in a video's address")
    parser.add_argument("--as", dest="name", default="admin", help="who submits it (admin)")


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Returns 1 when a video was refused; the others run all the same."""
    with closing(bootstrap.build(configuration.connected(settings))) as services:
        user = services.accounts.find(arguments.name)
        answers = services.operations.submit_many(user, arguments.videos, arguments.kind)
    for video_id, answer in answers.items():
        said = f"refused: {answer}" if isinstance(answer, BacklotError) else f"job {answer}"
        say(f"  {video_id}  {said}")
    refused = sum(isinstance(answer, BacklotError) for answer in answers.values())
    say(f"{len(answers) - refused} accepted, {refused} refused.")
    if len(answers) - refused > settings.jobs_per_hour:
        say(f"At most {settings.jobs_per_hour} of your jobs start within an hour; the others follow as that allows.")
    return 1 if refused else 0
