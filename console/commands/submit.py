"""`submit FILE...`: send files through the pipeline as the upload page does; several yield to what people wait for."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import FrameType
from uuid import UUID

from console import configuration, state_file
from console.commands.up import take_home
from console.stack import Stack
from console.terminal import say, say_error
from services import bootstrap
from services.bootstrap import Services
from services.errors import BacklotError, BadInput
from services.model import JobKind, JobState, Priority, StageState, User
from services.settings import Settings
from services.uploads import Accepted

LOOK = 0.5  # seconds between two looks at a job
BAR_WIDTH = 30
ENDED = {JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE")
    parser.add_argument("--kind", type=JobKind, choices=list(JobKind), default=JobKind.PIPELINE)
    parser.add_argument("--title", help="for a single file")
    parser.add_argument("--wait", action="store_true", help="until the jobs have ended; starts Backlot if need be")
    parser.add_argument("--as", dest="name", default="admin", help="whose upload it is (admin)")


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Returns 0 when every job was accepted or, with --wait, when every one succeeded."""
    for path in arguments.files:
        if not path.is_file():
            raise BadInput(f"There is no file {path}.")
    if arguments.title is not None and len(arguments.files) > 1:
        raise BadInput("--title names one video: leave it out, and each gets the name of its file.")
    if arguments.wait and settings.embedded != "never" and state_file.read(settings.home) is None:
        with running_stack(settings):
            code = submit(arguments, settings)
        say("`make run` serves what was made, at the address above.")
        return code
    return submit(arguments, settings)


def submit(arguments: argparse.Namespace, settings: Settings) -> int:
    state = state_file.read(settings.home)
    address = state.address if state else f"http://{settings.host}:{settings.port}"
    with closing(bootstrap.build(configuration.connected(settings))) as services:
        user = services.accounts.find(arguments.name)
        accepted = accept(services, user, arguments, address=address)
        well = len(accepted) == len(arguments.files)
        if arguments.wait:
            ended = [follow(services, user, one.job_id) for one in accepted]
            well = well and all(state is JobState.SUCCEEDED for state in ended)
    return 0 if well else 1


def accept(services: Services, user: User, arguments: argparse.Namespace, *, address: str) -> list[Accepted]:
    """Send every file; what was accepted. Says where each video is, or why it was not taken."""
    priority = Priority.INTERACTIVE if len(arguments.files) == 1 else Priority.BULK
    accepted: list[Accepted] = []
    for path in arguments.files:
        try:
            accepted.append(
                services.uploads.accept_file(user, path, title=arguments.title, kind=arguments.kind, priority=priority)
            )
            say(f"Accepted: {address}/video?id={accepted[-1].video_id}")
        except BacklotError as error:
            say_error(f"{path.name}: {error}")
    return accepted


def follow(services: Services, user: User, job_id: UUID) -> JobState:
    """Draw the job's progress until it has ended, then say how each stage went."""
    drawn = ""
    while (job := services.operations.job(user, job_id)).state not in ENDED:
        line = f"{bar(job.percent)} {job.percent:3.0f}%  {job.message or job.state}"
        if line != drawn:
            draw(line)
            drawn = line
        time.sleep(LOOK)
    draw(f"{bar(job.percent)} {job.percent:3.0f}%  {job.state}\n")
    for stage in job.stages:
        say(f"  {stage.name:<12} {stage.state}{f': {stage.reason}' if stage.reason else ''}")
    settled = sum(stage.state in {StageState.SUCCEEDED, StageState.SKIPPED} for stage in job.stages)
    say(f"{settled} of {len(job.stages)} stages done, the job {job.state}.")
    return job.state


def bar(percent: float) -> str:
    filled = round(BAR_WIDTH * percent / 100)
    return "█" * filled + "░" * (BAR_WIDTH - filled)


def draw(line: str) -> None:
    """On a terminal over the last line, elsewhere as a line of its own."""
    if sys.stdout.isatty():
        sys.stdout.write(f"\r\033[K{line}")
    else:
        sys.stdout.write(line if line.endswith("\n") else f"{line}\n")
    sys.stdout.flush()


@contextmanager
def running_stack(settings: Settings) -> Iterator[None]:
    """A stack of our own for one job, its logs in files only; or the one that somebody started meanwhile."""
    taken = take_home(settings)
    if isinstance(taken, state_file.State):
        yield
        return
    stack = Stack(settings, lock=taken, echo=False)

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    watch = threading.Thread(target=stack.watch, name="supervisor")
    try:
        say("Backlot does not run; it is started for this job.")
        stack.start(say)
        watch.start()
        yield
    finally:
        stack.ask_to_stop()
        if watch.is_alive():
            watch.join()
        stack.stop()
