"""What a video is, in short, and what can be saved of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from console.components import component
from console.look import duration, file_address, size
from services.model import StageName
from services.outputs import ProbeOutput
from services.videos import VideoDetail

_details = component("details")

SUBTITLES = ("srt", "vtt", "txt", "json")


def details(video: VideoDetail) -> None:
    """Facts about the file, and links that save it and what was made of it."""
    _details(
        data={
            "facts": _facts(video),
            "language": video.language,
            "downloads": [{"label": label, "links": links} for label, links in _downloads(video) if links],
        },
        key="details",
    )


def _facts(detail: VideoDetail) -> Sequence[tuple[str, str]]:
    """What is known of the file."""
    video, probed = detail.video, detail.outputs.get(StageName.PROBE)
    known = [("Length", duration(video.duration)), ("File", video.file_name), ("Size", size(video.size))]
    if isinstance(probed, ProbeOutput):
        if probed.width and probed.height:
            rate = f", {probed.frame_rate:.3g} pictures a second" if probed.frame_rate else ""
            known.insert(1, ("Picture", f"{probed.width} by {probed.height}{rate}"))
        if not probed.has_sound:
            known.append(("Sound", "none"))
        if probed.partial_reason:
            known.append(("Incomplete", probed.partial_reason))
    return [(name, value) for name, value in known if value]


def _downloads(detail: VideoDetail) -> Sequence[tuple[str, list[dict[str, Any]]]]:
    """Groups of links by what they hold; the first of all is what most people want."""
    base, source = f"/api/videos/{detail.video.id}", detail.file("source")
    whole = [_link("Everything", f"{base}/archive.zip", first=True)]
    whole.append(_link("with the source", f"{base}/archive.zip?source=1"))
    said = [_link(form.upper(), f"{base}/transcript.{form}?download=1") for form in SUBTITLES]
    uploaded = [_link("Uploaded file", f"{file_address(source.id)}?download=1")] if source else []
    return (
        ("ZIP", whole if detail.outputs else []),
        ("Transcript", said if StageName.TRANSCRIBE in detail.outputs else []),
        ("Source", uploaded),
    )


def _link(name: str, address: str, *, first: bool = False) -> dict[str, Any]:
    return {"name": name, "address": address, "first": first}
