"""What a finished pipeline recorded, for pages to draw."""

from __future__ import annotations

from services.model import StageName
from services.outputs import (
    AnalysisOutput,
    Chapter,
    Clip,
    ClipsOutput,
    Factor,
    Keyword,
    Output,
    Post,
    PostsOutput,
    ProbeOutput,
    Quote,
    Segment,
    Sentiment,
    Thumbnail,
    ThumbnailsOutput,
    TranscriptOutput,
    Word,
)

SENTENCES = (
    "When we started the company, nobody believed that a small team could ship every week.",
    "The trick was to measure one thing at a time and to throw away everything else.",
    "Our first customer found us because of a clip that somebody else had posted.",
    "I would rather show a rough cut today than a perfect film next month.",
    "If you remember one sentence, remember this one: the audience edits with you.",
)


def a_transcript() -> TranscriptOutput:
    segments = []
    for number, sentence in enumerate(SENTENCES * 3):
        start = number * 2.0
        pieces = sentence.split()
        words = tuple(
            Word(
                start=start + position * 2.0 / len(pieces),
                end=start + (position + 1) * 2.0 / len(pieces),
                text=piece,
                confidence=0.4 if piece == "clip" else 0.97,
                unsure=piece == "clip",
            )
            for position, piece in enumerate(pieces)
        )
        segments.append(Segment(start=start, end=start + 2.0, text=sentence, words=words))
    return TranscriptOutput(
        language="en", duration=30.0, segments=tuple(segments), engine="local", model="whisper tiny.en"
    )


def all_outputs() -> dict[StageName, Output]:
    """One output of each stage, as a finished pipeline records them."""
    factors = (
        Factor(name="Hook", value=0.9, reason="opens with a question"),
        Factor(name="Self-contained", value=0.7, reason="needs no earlier sentence"),
        Factor(name="Pace", value=0.55, reason="2.4 words a second"),
    )
    return {
        StageName.PROBE: ProbeOutput(
            container="mp4", duration=607.2, size_bytes=48_300_211, has_picture=True, has_sound=True
        ),
        StageName.TRANSCRIBE: a_transcript(),
        StageName.ANALYZE: AnalysisOutput(
            language="en",
            summary=SENTENCES[:3],
            chapters=(
                Chapter(start=0.0, end=8.0, title="How it began"),
                Chapter(start=8.0, end=18.0, title="The first customer"),
                Chapter(start=18.0, end=30.0, title="What to remember"),
            ),
            keywords=tuple(Keyword(text=word, score=0.5) for word in ("small team", "rough cut", "audience", "clip")),
            quotes=(Quote(start=6.0, end=8.0, text=SENTENCES[3]), Quote(start=8.0, end=10.0, text=SENTENCES[4])),
            highlights=(),
            sentiment=Sentiment(label="positive", compound=0.42),
            engine="local",
            method="extractive",
        ),
        StageName.THUMBNAILS: ThumbnailsOutput(
            thumbnails=tuple(
                Thumbnail(
                    position=position,
                    at=position * 5.0,
                    width=640,
                    height=360,
                    sharpness=0.8,
                    picked=position == 2,
                    reason="Sharp, bright and unlike the others",
                )
                for position in range(6)
            ),
            scene_cuts=(4.0, 9.0),
        ),
        StageName.CLIPS: ClipsOutput(
            clips=tuple(
                Clip(
                    position=position,
                    start=position * 8.0,
                    end=position * 8.0 + 6,
                    title=f"The audience edits with you, part {position + 1}",
                    text=SENTENCES[position],
                    score=82.0 - position * 9,
                    factors=factors,
                )
                for position in range(3)
            )
        ),
        StageName.POSTS: PostsOutput(
            posts=(
                Post(network="linkedin", parts=(f"{SENTENCES[0]}\n\n{SENTENCES[1]}",), character_limit=3000),
                Post(network="x_thread", parts=SENTENCES[:3], character_limit=280),
                Post(network="newsletter", parts=("\n".join(SENTENCES),)),
                Post(network="blog_outline", parts=("1. How it began\n2. The first customer\n3. What to remember",)),
                Post(network="show_notes", parts=("0:00 How it began\n0:08 The first customer",)),
            ),
            titles=("The audience edits with you", "Ship every week"),
            hashtags=("#startups", "#video"),
            engine="local",
            method="extractive",
        ),
    }
