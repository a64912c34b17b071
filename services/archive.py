"""Everything that was made of a video in one ZIP, put together while it is sent: no file is ever whole in memory."""

from __future__ import annotations

import mimetypes
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import structlog
from zipstream import ZipStream

from services import subtitles
from services.edits import HIDDEN
from services.engines.wording import clock
from services.errors import NotFound
from services.limits import Limits, spends_request
from services.lineage import Lineages
from services.manifest import analysis_as_markdown, manifest
from services.model import StageName, User
from services.names import safe_name
from services.outputs import AnalysisOutput, ClipsOutput, PostsOutput, ThumbnailsOutput
from services.permissions import Action, use_case
from services.storage import LocalStorage
from services.videos import FileRow, Spoken, VideoDetail, Videos

log = structlog.get_logger()

BLOCK = 1024 * 1024  # bytes given on at once
MARKDOWN_POSTS = frozenset({"newsletter", "blog_outline", "show_notes"})
SHAPES = (("clip_portrait", "9x16"), ("clip_landscape", "16x9"))


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One file of the archive: content is the text of it, or where it lies."""

    name: str
    content: str | Path
    size: int


@dataclass(frozen=True, kw_only=True)
class Archive:
    """size is in bytes, all of it; chunks reads the files as it is asked for the next."""

    name: str
    size: int
    chunks: Iterator[bytes]


class Archives:
    def __init__(self, videos: Videos, lineages: Lineages, storage: LocalStorage, limits: Limits) -> None:
        self._videos = videos
        self._lineages = lineages
        self._storage = storage
        self._limits = limits

    @use_case(Action.SEE)
    @spends_request
    def open(self, user: User, video_id: UUID, *, source: bool) -> Archive:
        """All that stands of a video, edits applied, with the uploaded file if source is asked for. Raises NotFound."""
        detail = self._videos.get(user, video_id)
        spoken = self._videos.transcript(user, video_id) if StageName.TRANSCRIBE in detail.outputs else None
        entries = [*_texts(detail, spoken), *self._stored(detail, source=source)]
        described = manifest(
            detail, self._lineages.of_video(user, video_id), [(entry.name, entry.size) for entry in entries]
        )
        folder = safe_name(detail.video.title)
        stream = ZipStream(sized=True)  # stored: media does not get smaller, and so the length is known before
        for entry in (_text("README.txt", described), *entries):
            if isinstance(entry.content, Path):
                stream.add_path(entry.content, f"{folder}/{entry.name}")
            else:
                stream.add(entry.content, f"{folder}/{entry.name}")
        return Archive(name=f"{folder}.zip", size=len(stream), chunks=_blocks(iter(stream)))

    def _stored(self, detail: VideoDetail, *, source: bool) -> Iterator[Entry]:
        for file, name in _file_names(detail, source=source):
            try:
                path = self._storage.path(file.storage_key)
            except NotFound:
                log.warning("archive_without_file", video=str(detail.video.id), role=file.role)
                continue
            yield Entry(name=name, content=path, size=file.size)


def _file_names(detail: VideoDetail, *, source: bool) -> Iterator[tuple[FileRow, str]]:
    if source and (uploaded := detail.file("source")) is not None:
        ending = Path(uploaded.file_name).suffix
        yield uploaded, f"source/{safe_name(Path(uploaded.file_name).stem)}{ending if ending[1:].isalnum() else ''}"
    thumbnails = detail.outputs.get(StageName.THUMBNAILS)
    if isinstance(thumbnails, ThumbnailsOutput):
        chosen = detail.edits.get("thumbnail")
        for number, one in enumerate(sorted(thumbnails.thumbnails, key=lambda one: one.at), 1):
            stands = one.picked if chosen is None else one.position == chosen
            if (file := detail.file("thumbnail", one.position)) is not None:
                at = clock(one.at).replace(":", ".")
                yield file, f"thumbnails/{number}-at-{at}{'-chosen' if stands else ''}{_ending(file)}"
    clips = detail.outputs.get(StageName.CLIPS)
    for clip in clips.clips if isinstance(clips, ClipsOutput) else ():
        if detail.edits.get(f"clip:{clip.position}") == HIDDEN:
            continue
        for role, shape in SHAPES:
            if (file := detail.file(role, clip.position)) is not None:
                yield file, f"clips/{clip.position + 1}-{safe_name(clip.title)}-{shape}{_ending(file)}"


def _ending(file: FileRow) -> str:
    return mimetypes.guess_extension(file.media_type) or ""


def _texts(detail: VideoDetail, spoken: Spoken | None) -> Iterator[Entry]:
    if spoken is not None:
        said = spoken.transcript
        yield _text("transcript/transcript.srt", subtitles.to_srt(said))
        yield _text("transcript/transcript.vtt", subtitles.to_vtt(said))
        yield _text("transcript/transcript.txt", subtitles.to_text(said))
        yield _text("transcript/transcript.json", subtitles.to_json(said, spoken.corrections))
    analysis = detail.outputs.get(StageName.ANALYZE)
    if isinstance(analysis, AnalysisOutput):
        yield _text("analysis/analysis.md", analysis_as_markdown(detail.video.title, analysis))
        yield _text("analysis/analysis.json", analysis.model_dump_json(indent=2) + "\n")
    posts = detail.outputs.get(StageName.POSTS)
    if isinstance(posts, PostsOutput):
        for post in posts.posts:
            ending = ".md" if post.network in MARKDOWN_POSTS else ".txt"
            yield _text(f"posts/{safe_name(post.network)}{ending}", "\n\n".join(detail.parts(post)) + "\n")


def _text(name: str, text: str) -> Entry:
    return Entry(name=name, content=text, size=len(text.encode()))


def _blocks(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The same bytes in larger blocks: each costs a change of thread."""
    gathered = bytearray()
    for piece in pieces:
        gathered += piece
        if len(gathered) >= BLOCK:
            yield bytes(gathered)
            gathered.clear()
    if gathered:
        yield bytes(gathered)
