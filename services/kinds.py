"""Which work makes sense for a video: what has no sound has no words, what has no picture gives none."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from services.model import JobKind, StageName

WITHOUT_SOUND: Mapping[StageName, str] = MappingProxyType(
    {
        StageName.TRANSCRIBE: "The video has no sound, so there is nothing to transcribe.",
        StageName.ANALYZE: "The video has no sound, so there are no words to analyse.",
        StageName.CLIPS: "The video has no sound, so no passage can be chosen by what is said.",
        StageName.POSTS: "The video has no sound, so there are no words to write posts from.",
    }
)
WITHOUT_PICTURE: Mapping[StageName, str] = MappingProxyType(
    {
        StageName.THUMBNAILS: "The recording has no picture to make thumbnails from.",
        StageName.CLIPS: "The recording has no picture to make clips from.",
    }
)


def senseless(*, has_sound: bool | None, has_picture: bool | None) -> Mapping[StageName, str]:
    """The stages that make no sense for a file, each with its reason; None is not known yet, and rules out nothing."""
    without_sound = WITHOUT_SOUND if has_sound is False else {}
    without_picture = WITHOUT_PICTURE if has_picture is False else {}
    return {**without_sound, **without_picture}


def refusal(kind: JobKind, *, has_sound: bool | None, has_picture: bool | None) -> str | None:
    """Why this kind of work makes no sense for a file; None where it does, as a whole pipeline always does."""
    if kind is JobKind.PIPELINE:
        return None
    return senseless(has_sound=has_sound, has_picture=has_picture).get(StageName(kind.value))
