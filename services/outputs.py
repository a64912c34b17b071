"""What each stage records: the shapes of the outputs. Times are seconds from the start of the video."""

from __future__ import annotations

from uuid import UUID

from pydantic import BaseModel, ConfigDict

from services.model import StageName


class Shape(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ProbeOutput(Shape):
    """What the file is. partial_reason is set when the file ends before its header says."""

    container: str
    duration: float
    size_bytes: int
    has_picture: bool
    has_sound: bool
    width: int | None = None
    height: int | None = None
    frame_rate: float | None = None
    video_codec: str | None = None
    audio_codec: str | None = None
    keyframe_gap: float | None = None
    partial_reason: str | None = None
    bad_packets: int = 0


class Word(Shape):
    """One spoken word; confidence is 0 to 1, and unsure marks what must not be read as fact."""

    start: float
    end: float
    text: str
    confidence: float
    unsure: bool = False


class Segment(Shape):
    start: float
    end: float
    text: str
    words: tuple[Word, ...]
    unsure: bool = False


class TranscriptOutput(Shape):
    language: str
    duration: float
    segments: tuple[Segment, ...]
    engine: str
    model: str
    note: str | None = None  # a warning for the reader, such as "the speech may not be English"


class Factor(Shape):
    """One explained part of a score: its share, 0 to 1, and the words that say why."""

    name: str
    value: float
    reason: str


class Chapter(Shape):
    start: float
    end: float
    title: str


class Keyword(Shape):
    text: str
    score: float


class Quote(Shape):
    start: float
    end: float
    text: str


class Highlight(Shape):
    """A passage that could stand alone; score is a heuristic, 0 to 100, explained by its factors."""

    start: float
    end: float
    title: str
    text: str
    score: float
    factors: tuple[Factor, ...]


class Sentiment(Shape):
    label: str  # positive, neutral or negative
    compound: float  # -1 to 1


class AnalysisOutput(Shape):
    language: str
    summary: tuple[str, ...]  # sentences of the speaker, in order
    chapters: tuple[Chapter, ...]
    keywords: tuple[Keyword, ...]
    quotes: tuple[Quote, ...]
    highlights: tuple[Highlight, ...]  # best first
    sentiment: Sentiment | None
    engine: str
    method: str  # shown beside the result, such as "extractive"


class Thumbnail(Shape):
    position: int  # the file of role "thumbnail" with the same position
    at: float
    width: int
    height: int
    sharpness: float
    picked: bool
    reason: str


class ThumbnailsOutput(Shape):
    thumbnails: tuple[Thumbnail, ...]
    scene_cuts: tuple[float, ...]


class Clip(Shape):
    """Files of role "clip_portrait" (9:16) and "clip_landscape" (16:9) carry the same position.

    made_by is the job that rendered them, which may be an earlier one: a clip that was not cut again keeps its files.
    """

    position: int
    start: float
    end: float
    title: str
    text: str
    score: float
    factors: tuple[Factor, ...]
    made_by: UUID | None = None  # not recorded in outputs of old
    by_hand: bool = False  # a person chose where it is cut


class ClipsOutput(Shape):
    clips: tuple[Clip, ...]


class Post(Shape):
    network: str  # linkedin, x_thread, newsletter, blog_outline, show_notes
    parts: tuple[str, ...]  # one for most, several for a thread
    character_limit: int | None = None


class PostsOutput(Shape):
    posts: tuple[Post, ...]
    titles: tuple[str, ...]
    hashtags: tuple[str, ...]
    engine: str
    method: str


Output = ProbeOutput | TranscriptOutput | AnalysisOutput | ThumbnailsOutput | ClipsOutput | PostsOutput

OUTPUT_OF: dict[StageName, type[Output]] = {
    StageName.PROBE: ProbeOutput,
    StageName.TRANSCRIBE: TranscriptOutput,
    StageName.ANALYZE: AnalysisOutput,
    StageName.THUMBNAILS: ThumbnailsOutput,
    StageName.CLIPS: ClipsOutput,
    StageName.POSTS: PostsOutput,
}
