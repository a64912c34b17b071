"""What a job made, in words."""

from __future__ import annotations

from services.model import JobKind

ONE_KIND = {
    JobKind.TRANSCRIBE: "Transcript ready",
    JobKind.ANALYZE: "Analysis ready",
    JobKind.THUMBNAILS: "Thumbnails ready",
}


def made(kind: JobKind, *, clips: int, posts: int) -> str:
    """What a job that succeeded left, such as "3 clips · 5 posts"."""
    if kind in ONE_KIND:
        return ONE_KIND[kind]
    parts = []
    if clips and kind is not JobKind.POSTS:
        parts.append(counted(clips, "clip"))
    if posts and kind is not JobKind.CLIPS:
        parts.append(counted(posts, "post"))
    return " · ".join(parts) or "Ready"


def counted(count: int, thing: str) -> str:
    return f"{count:,} {thing}" if count == 1 else f"{count:,} {thing}s"
