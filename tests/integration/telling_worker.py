"""A virtual worker that puts each refused message on record at once, not once a minute: `-m … media|ai`."""

from __future__ import annotations

import runpy

from jobs.workers import refused_messages

if __name__ == "__main__":
    refused_messages.RECORD_EVERY = 0.0
    runpy.run_module("tests.virtual_worker", run_name="__main__")
