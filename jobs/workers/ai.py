"""The ai worker: hundreds of stages at once in one process, claimed and recorded in batches."""

from __future__ import annotations

from rq.worker import WorkerStatus

from jobs.workers.bell import DRAIN_SECONDS, BellWorker, run_worker
from jobs.workers.runner import Runner
from services.bootstrap import Services
from services.model import QueueName
from services.queue import StopCommand
from services.settings import Settings

SLOT_SECONDS = 0.5  # between two looks at a request to stop, while every slot is taken


class AiWorker(BellWorker):
    """RQ's loop hears the bell and nudges the runner; the runner claims, runs and records."""

    def __init__(self, services: Services) -> None:
        super().__init__(QueueName.AI, services)
        self._runner = Runner(services, worker=self.name, changed=lambda: self.set_state(self.idle_state()))

    def answer_wake(self) -> None:
        self._runner.nudge()
        if self._runner.is_full():
            self.services.queue.try_to_ring(QueueName.AI)  # a peer may have room
        # A full runner needs no wakes, and must not swallow them: it claims again by itself whenever slots free.
        while not self._stop_requested and not self._runner.wait_for_slot(SLOT_SECONDS):
            self.heartbeat()

    def look(self) -> None:
        self._runner.nudge()

    def idle_state(self) -> WorkerStatus:
        return WorkerStatus.IDLE if self._runner.is_idle() else WorkerStatus.BUSY

    def stop_attempt(self, command: StopCommand) -> None:
        self._runner.stop_attempt(command)

    def teardown(self) -> None:
        self._runner.drain(DRAIN_SECONDS)
        super().teardown()


def main(settings: Settings) -> None:
    """Run one ai worker until it is told to stop."""
    run_worker(settings, AiWorker)
