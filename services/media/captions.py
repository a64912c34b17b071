"""Words with times become captions in ASS, the subtitle format that libass burns in. Pure text, no files."""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Sequence

from services.outputs import Word

FONT = "DejaVu Sans Condensed"  # shipped in fonts/ beside this file
FONT_SHARE = 0.082  # of the picture's width
MARGIN_SHARE = 0.22  # of the picture's height: above the buttons that short-video apps draw over the bottom
CHARACTERS_A_PAGE = 34  # two lines at this font size
PAUSE = 0.7  # seconds of silence after which a new page begins
HOLD = 0.4  # seconds that a page stays after its last word, if nothing follows
LONGEST_WORD = 30  # characters that fit into a line
HIGHLIGHT = r"{\1c&H00D7FF&}"  # gold, as blue, green, red
UNSURE = r"{\i1}"  # a word that was not heard well is slanted: it is no fact
PLAIN = r"{\r}"

HEADER = """[Script Info]
ScriptType: v4.00+
PlayResX: {width}
PlayResY: {height}
WrapStyle: 0
ScaledBorderAndShadow: yes

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, OutlineColour, BackColour, Bold, Italic, BorderStyle, Outline, \
Shadow, Alignment, MarginL, MarginR, MarginV, Encoding
Style: Caption,{font},{size},&H00FFFFFF,&H00101010,&H80000000,-1,0,1,{outline},{shadow},2,{side},{side},{bottom},1

[Events]
Format: Layer, Start, End, Style, Text
"""


def captions(words: Sequence[Word], *, start: float, width: int, height: int) -> str:
    """The ASS file for a clip that begins at start: pages of a few words, the spoken one highlighted.

    Times of words are seconds of the video; width and height are the clip's, in pixels.
    """
    size = round(width * FONT_SHARE)
    header = HEADER.format(
        width=width,
        height=height,
        font=FONT,
        size=size,
        outline=max(2, size // 14),
        shadow=max(1, size // 40),
        side=round(width * 0.06),
        bottom=round(height * MARGIN_SHARE),
    )
    pages = _pages([word for word in words if readable(word.text)])
    events: list[str] = []
    for number, page in enumerate(pages):
        page_end = page[-1].end + HOLD
        if number + 1 < len(pages):
            page_end = min(page_end, pages[number + 1][0].start)
        moments = [*(_centiseconds(word.start - start) for word in page), _centiseconds(page_end - start)]
        for spoken, (begin, end) in enumerate(itertools.pairwise(moments)):
            if end > begin:
                events.append(f"Dialogue: 0,{_time(begin)},{_time(end)},Caption,{_line(page, spoken)}\n")
    return header + "".join(events)


def readable(text: str) -> str:
    """The text as libass may show it: no override codes, line breaks or control characters, never too long.

    ASS has no escape for its own marks, so braces and backslashes become marks that look alike.
    """
    text = text.translate({ord("{"): "(", ord("}"): ")", ord("\\"): "/"})
    kept = "".join(" " if unicodedata.category(mark) in ("Cc", "Zl", "Zp", "Cs", "Co") else mark for mark in text)
    kept = " ".join(kept.split())
    return kept if len(kept) <= LONGEST_WORD else kept[: LONGEST_WORD - 1] + "…"


def _pages(words: Sequence[Word]) -> list[list[Word]]:
    pages: list[list[Word]] = []
    length = 0
    for word in words:
        size = len(readable(word.text)) + 1
        before = pages[-1][-1] if pages else None
        if (
            before is None
            or length + size > CHARACTERS_A_PAGE
            or word.start - before.end > PAUSE
            or before.text.rstrip().endswith((".", "?", "!"))
        ):
            pages.append([])
            length = 0
        pages[-1].append(word)
        length += size
    return pages


def _line(page: Sequence[Word], spoken: int) -> str:
    shown: list[str] = []
    for position, word in enumerate(page):
        codes = (HIGHLIGHT if position == spoken else "") + (UNSURE if word.unsure else "")
        text = readable(word.text)
        shown.append(f"{codes}{text}{PLAIN}" if codes else text)
    return " ".join(shown)


def _centiseconds(seconds: float) -> int:
    return max(0, round(seconds * 100))


def _time(centiseconds: int) -> str:
    seconds, rest = divmod(centiseconds, 100)
    minutes, seconds = divmod(seconds, 60)
    return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}.{rest:02}"
