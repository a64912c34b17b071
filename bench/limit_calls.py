"""One of the processes that ask the limits, for `bench.limits`: orders on standard input, answers in JSON."""

from __future__ import annotations

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from services.bootstrap import Services, build
from services.errors import LimitReached
from services.model import Role, User
from services.request_log import RequestLog
from services.settings import Settings

PATIENCE = 10.0  # seconds for Redis in the storm: no process may count alone


def main() -> None:
    answers, sys.stdout = sys.stdout, sys.stderr  # where the product logs
    services = build(Settings(_env_file=None))
    patient = build(Settings(_env_file=None), patience=PATIENCE)
    answers.write("ready\n")
    answers.flush()
    for line in sys.stdin:
        order = json.loads(line)
        answer = storm(patient, order) if order["what"] == "storm" else pace(services, order)
        answers.write(json.dumps(answer) + "\n")
        answers.flush()
    patient.close()
    services.close()


def pace(services: Services, order: dict[str, Any]) -> dict[str, Any]:
    """Seconds that each check took, as the product's services make it; one thread."""
    took, admitted = [], 0
    began = time.perf_counter()
    for number in range(order["checks"]):
        time.sleep(max(0.0, began + number * order["every"] - time.perf_counter()))
        user_id = order["users"][(number * order["processes"] + order["process"]) % len(order["users"])]
        user = User(id=user_id, name="bench", role=Role.CREATOR, must_change_password=False)
        asked = time.perf_counter()
        try:
            with services.limits.request(user):
                admitted += 1
        except LimitReached:
            pass
        took.append(time.perf_counter() - asked)
    return {"took": took, "admitted": admitted}


def storm(services: Services, order: dict[str, Any]) -> dict[str, Any]:
    """The stamps that so many threads got of one user's window."""
    log = RequestLog(services.client, window=order["window"])

    def hammer() -> list[str | None]:
        until = time.monotonic() + order["seconds"]
        stamps = []
        while time.monotonic() < until:
            stamps.append(log.spend(order["user"], limit=order["limit"]).stamp)
        return stamps

    with ThreadPoolExecutor(order["threads"]) as threads:
        made = [threads.submit(hammer) for _ in range(order["threads"])]
        return {"stamps": [stamp for one in made for stamp in one.result() if stamp is not None]}


if __name__ == "__main__":
    main()
