"""What the local engine finds in a fixed talk of three parts."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.engines.extractive import LocalLanguage
from services.engines.highlights import LONGEST_SECONDS, SHORTEST_SECONDS, WEIGHTS
from services.engines.sentences import sentences_of
from services.outputs import AnalysisOutput, TranscriptOutput
from tests.language.material import TALK, said_by, transcript_of


@pytest.fixture(scope="module")
def transcript() -> TranscriptOutput:
    return transcript_of(TALK)


@pytest.fixture(scope="module")
def analysis(transcript: TranscriptOutput) -> AnalysisOutput:
    return LocalLanguage().analyze(transcript).output


def test_it_says_what_it_is(analysis: AnalysisOutput) -> None:
    assert (analysis.engine, analysis.method, analysis.language) == ("local", "extractive", "en")


def test_summary_and_quotes_are_sentences_of_the_speaker(
    transcript: TranscriptOutput, analysis: AnalysisOutput
) -> None:
    sentences = {sentence.text: sentence for sentence in sentences_of(transcript)}
    assert 3 <= len(analysis.summary) <= 5
    starts = [sentences[text].start for text in analysis.summary]
    assert starts == sorted(starts)
    assert analysis.quotes
    for quote in analysis.quotes:
        assert (quote.start, quote.end) == (sentences[quote.text].start, sentences[quote.text].end)


def test_the_summary_draws_on_every_part(analysis: AnalysisOutput) -> None:
    said = " ".join(analysis.summary)
    assert all(re.search(subject, said) for subject in ("bread|bakery|loaf", "money|price|rent", "van|route|driver"))


def test_chapters_are_the_three_parts(transcript: TranscriptOutput, analysis: AnalysisOutput) -> None:
    starts = {sentence.start: sentence.text for sentence in sentences_of(transcript)}
    chapters = analysis.chapters
    assert [starts[chapter.start].split()[0] for chapter in chapters] == ["Today", "Next,", "Finally,"]
    assert chapters[0].start == 0
    assert chapters[-1].end == transcript.duration
    assert all(before.end == after.start for before, after in pairwise(chapters))
    assert all(0 < len(chapter.title) <= 60 for chapter in chapters)


def check_highlights(transcript: TranscriptOutput, analysis: AnalysisOutput) -> None:
    sentences = sentences_of(transcript)
    starts, ends = {each.start for each in sentences}, {each.end for each in sentences}
    taken: list[tuple[float, float]] = []
    for highlight in analysis.highlights:
        assert highlight.start in starts
        assert highlight.end in ends
        assert SHORTEST_SECONDS <= highlight.end - highlight.start <= LONGEST_SECONDS
        assert highlight.text in said_by(transcript)
        assert all(highlight.end <= start or highlight.start >= end for start, end in taken)
        taken.append((highlight.start, highlight.end))
        assert {factor.name for factor in highlight.factors} == set(WEIGHTS)
        assert all(0 <= factor.value <= WEIGHTS[factor.name] and factor.reason for factor in highlight.factors)
        assert highlight.score == pytest.approx(100 * sum(factor.value for factor in highlight.factors), abs=0.01)
        assert 0 <= highlight.score <= 100
    scores = [highlight.score for highlight in analysis.highlights]
    assert scores == sorted(scores, reverse=True)


def test_highlights_of_the_talk(transcript: TranscriptOutput, analysis: AnalysisOutput) -> None:
    assert len(analysis.highlights) >= 3
    check_highlights(transcript, analysis)


def test_a_sentence_of_more_than_a_minute_is_no_highlight() -> None:
    long = transcript_of("word " * 75 + "end.", word_seconds=0.9)
    assert LocalLanguage().analyze(long).output.highlights == ()


def test_a_cue_phrase_moves_a_chapter_to_where_it_is_said() -> None:
    before = "The bread is good. The oven is warm. The dough is soft. The flour is white. Bakers love bread. "
    after = (
        "The van is fast. The road is long. The driver is tired. The map is wrong. Vans love roads. Drivers love maps."
    )
    plain = transcript_of(f"{before} We have more to say. Much more to say. {after}", word_seconds=0.8)
    cued = transcript_of(f"{before} We have more to say. Moving on to it. {after}", word_seconds=0.8)
    starts = {each.start: each.text for each in sentences_of(cued)}
    assert "Moving on to it." in {starts[chapter.start] for chapter in LocalLanguage().analyze(cued).output.chapters}
    plain_starts = {each.start: each.text for each in sentences_of(plain)}
    assert "Much more to say." not in {
        plain_starts[chapter.start] for chapter in LocalLanguage().analyze(plain).output.chapters
    }


SAID = "we the bakery price van. road? never 42 and, stale! it map; Mr. loves <b> 🙂 prix"
words = st.sampled_from(SAID.split())


@settings(max_examples=40, deadline=None)
@given(said=st.lists(words, max_size=250), word_seconds=st.floats(0.05, 1.0))
def test_any_talk_keeps_the_promises(said: list[str], word_seconds: float) -> None:
    transcript = transcript_of(" ".join(said), word_seconds=word_seconds)
    analysis = LocalLanguage().analyze(transcript).output
    check_highlights(transcript, analysis)
    assert all(line in said_by(transcript) for line in analysis.summary)
    edges = [edge for chapter in analysis.chapters for edge in (chapter.start, chapter.end)]
    assert edges == sorted(edges)
    assert not edges or (edges[0], edges[-1]) == (0, transcript.duration)


def test_the_weights_of_a_score_sum_to_one() -> None:
    assert sum(WEIGHTS.values()) == pytest.approx(1.0)


def test_keywords_are_said_and_do_not_contain_each_other(
    transcript: TranscriptOutput, analysis: AnalysisOutput
) -> None:
    said = re.sub(r"[^\w ]", "", said_by(transcript)).lower()
    phrases = [keyword.text for keyword in analysis.keywords]
    assert phrases
    assert all(phrase.lower() in said for phrase in phrases)
    assert not any(one != other and one.lower() in other.lower() for one in phrases for other in phrases)
    assert all(0 <= keyword.score <= 1 for keyword in analysis.keywords)


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("I love this wonderful, happy team. It is great!", "positive"),
        ("This is a horrible, sad disaster. I hate it.", "negative"),
        ("The van has four wheels. The road goes north.", "neutral"),
    ],
)
def test_mood(text: str, label: str) -> None:
    sentiment = LocalLanguage().analyze(transcript_of(text)).output.sentiment
    assert sentiment is not None
    assert sentiment.label == label


def test_another_language_has_no_mood() -> None:
    text = "Hoy quiero contarles la historia de una panadería pequeña que vende pan cada mañana. " * 3
    analysis = LocalLanguage().analyze(transcript_of(text)).output
    assert analysis.language == "es"
    assert analysis.sentiment is None


def test_what_was_not_heard_clearly_is_neither_quoted_nor_summed_up() -> None:
    clear, unsure = transcript_of(TALK), transcript_of("The moon is a van that bakes money for the bank.", unsure=True)
    mixed = clear.model_copy(update={"segments": (*clear.segments, *_later(unsure, clear.duration).segments)})
    analysis = LocalLanguage().analyze(mixed).output
    assert not any("moon" in text for text in (*analysis.summary, *(quote.text for quote in analysis.quotes)))


def _later(transcript: TranscriptOutput, seconds: float) -> TranscriptOutput:
    def shift(word_or_segment):  # type: ignore[no-untyped-def]
        times = {"start": word_or_segment.start + seconds, "end": word_or_segment.end + seconds}
        return word_or_segment.model_copy(update=times)

    segments = tuple(
        shift(segment).model_copy(update={"words": tuple(map(shift, segment.words))}) for segment in transcript.segments
    )
    return transcript.model_copy(update={"segments": segments})


def test_threads_find_the_same(transcript: TranscriptOutput, analysis: AnalysisOutput) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: LocalLanguage().analyze(transcript).output, range(16)))
    assert all(answer == analysis for answer in answers)
