"""What somebody signed in with, in words that they know it by."""

from __future__ import annotations

import functools

UNKNOWN = "Unknown device"


@functools.lru_cache(maxsize=1000)
def device_name(user_agent: str) -> str:
    """`Chrome on Linux`, or as much as the header of a browser or a program says."""
    from ua_parser import parse  # here, since its tables take a tenth of a second and few ask

    read = parse(user_agent)
    program = read.user_agent.family if read.user_agent else None
    system = read.os.family if read.os else None
    if program is None:
        return UNKNOWN if system is None else f"Unknown program on {system}"
    return program if system is None else f"{program} on {system}"
