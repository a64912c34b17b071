"""What a pipeline of a run does. It travels in the title of the video, as everything else about it does."""

from __future__ import annotations

import re
from dataclasses import dataclass

TITLE = re.compile(r"(plain|poison|api|real) (\d+)-(\d+) (\d+)")
NONCE = re.compile(r"nonce-[0-9a-f]{32}")


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """kind is plain, poison (one stage kills its process), api (two stages ask the stub), or real (nothing is virtual).

    A virtual stage takes from shortest to longest milliseconds.
    """

    kind: str
    shortest: int
    longest: int
    number: int

    @property
    def title(self) -> str:
        return f"{self.kind} {self.shortest}-{self.longest} {self.number}"

    @property
    def is_virtual(self) -> bool:
        return self.kind != "real"


def recipe_of(title: str) -> Recipe:
    """Raises ValueError for a title that no recipe made."""
    match = TITLE.fullmatch(title)
    if match is None:
        raise ValueError(f"no recipe makes the title {title!r}")
    return Recipe(kind=match[1], shortest=int(match[2]), longest=int(match[3]), number=int(match[4]))


def content_of(nonce: str) -> bytes:
    """The file that a virtual stage makes under a nonce: it can be told from every other, to the last byte."""
    size = 1024 + int(nonce[-4:], 16) % 30_000
    return (nonce.encode() * (size // len(nonce) + 1))[:size]
