"""The twelve scenes of the sample. Each draws itself at a time, in seconds since it began."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from sample.drawing import (
    BLUE,
    GREEN,
    HEIGHT,
    INK,
    OCHRE,
    PAPER,
    PLUM,
    STONE,
    VERMILION,
    WIDTH,
    WOOD,
    Canvas,
    blend,
    ease,
)

Draw = Callable[[Canvas, float], None]


@dataclass(frozen=True, kw_only=True)
class Scene:
    """clips are the readings that are heard while it is seen."""

    clips: tuple[int, ...]
    background: str
    draw: Draw


def heading(canvas: Canvas, time: float, number: str, lines: tuple[str, ...], *, fill: str, accent: str) -> None:
    """A number, a rule and a title of one to three lines at the left, sliding in."""
    shift = 40 * (1 - ease(time, 0.0, 0.9))
    top = HEIGHT / 2 - 44 * len(lines)
    canvas.text((90 - shift, top - 46), number, 34, accent, face="EBGaramond12-Italic")
    canvas.line((90, top - 26), (90 + 120 * ease(time, 0.1, 1.0), top - 26), accent, width=4)
    for position, line in enumerate(lines):
        colour = blend(canvas.background, fill, ease(time, 0.1 + 0.15 * position, 0.8))
        canvas.text((90 - shift, top + 64 + 88 * position), line, 84, colour)


def title(canvas: Canvas, time: float) -> None:
    text, size = "The Art of Printing", 132
    left = (WIDTH - canvas.text_width(text, size)) / 2
    for position, letter in enumerate(text):
        pressed = ease(time, 0.25 + 0.09 * position, 0.5)
        x = left + canvas.text_width(text[:position], size)
        canvas.text((x, 370 - 60 * (1 - pressed)), letter, size, blend(canvas.background, PAPER, pressed))
    grown = ease(time, 2.2, 1.4)
    canvas.line((WIDTH / 2 - 330 * grown, 425), (WIDTH / 2 + 330 * grown, 425), VERMILION, width=5)
    colour = blend(canvas.background, OCHRE, ease(time, 3.0, 1.2))
    canvas.text((WIDTH / 2, 490), "From an essay by William Morris and Emery Walker, 1893", 36, colour, anchor="ms")
    for position in range(15):
        glow = 0.5 + 0.5 * math.sin(time * 1.6 - position * 0.5)
        x = WIDTH / 2 + (position - 7) * 60
        canvas.circle((x, 610), 3 + 4 * glow, fill=blend(canvas.background, VERMILION, 0.35 + 0.65 * glow))


def _carving(canvas: Canvas, left: float, top: float, fill: str) -> None:
    """A sun over hills and water, 260 by 320."""
    canvas.box((left, top, left + 260, top + 320), None, outline=fill, width=8)
    canvas.circle((left + 180, top + 86), 42, fill=fill)
    canvas.polygon(((left + 24, top + 220), (left + 100, top + 90), (left + 176, top + 220)), fill)
    canvas.polygon(((left + 126, top + 220), (left + 190, top + 146), (left + 240, top + 220)), fill)
    for row in range(3):
        y = top + 246 + 24 * row
        canvas.box((left + 24 + 16 * row, y, left + 236 - 16 * row, y + 9), fill, round_by=4)


def wood_blocks(canvas: Canvas, time: float) -> None:
    heading(canvas, time, "I", ("Wood", "blocks"), fill=PAPER, accent=OCHRE)
    beat = 2.4
    turn, within = divmod(time, beat)
    slide = 1 - ease(within, 0.0, 0.5)
    paper_left = 700 + (620 * slide if turn else 560 * (1 - ease(time, 0.0, 0.7)))
    canvas.box((paper_left, 130, paper_left + 360, 590), PAPER, round_by=3)
    press = math.sin(min(max((within - 0.7) / 0.9, 0.0), 1.0) * math.pi)
    if within > 1.15:
        _carving(canvas, paper_left + 50, 200, INK)
    block_top = -330 + 530 * press**0.7
    if press > 0:
        canvas.box((730, block_top - 30, 1030, block_top + 350), WOOD, round_by=8)
        _carving(canvas, 750, block_top, blend(WOOD, INK, 0.55))
        canvas.box((820, block_top - 90, 940, block_top - 30), blend(WOOD, INK, 0.3), round_by=10)


def block_books(canvas: Canvas, time: float) -> None:
    heading(canvas, time, "II", ("Block", "books"), fill=INK, accent=VERMILION)
    for leaf in range(5):
        opened = ease(time, 0.3 + 0.45 * leaf, 0.9)
        left = 1300 - (760 - 105 * leaf) * opened
        canvas.box((left + 8, 158, left + 268, 578), blend(canvas.background, INK, 0.35), round_by=2)
        canvas.box((left, 150, left + 260, 570), PAPER, outline=blend(PAPER, INK, 0.3), width=1.5, round_by=2)
        if leaf % 2:
            for row in range(9):
                canvas.box((left + 32, 190 + 40 * row, left + 228 - 50 * (row % 4 == 3), 198 + 40 * row), INK)
        else:
            _carving(canvas, left, 200, VERMILION if leaf == 2 else BLUE)


def movable_type(canvas: Canvas, time: float) -> None:
    heading(canvas, time, "III", ("Movable", "metal", "letters"), fill=PAPER, accent=VERMILION)
    word = "LETTERS"
    for position, letter in enumerate(word):
        arrived = ease(time, 0.4 + 0.32 * position, 0.7)
        slot = len(word) - 1 - position
        x, y = 560 + 90 * slot, 210 - 420 * (1 - arrived)
        canvas.box((x + 6, y + 8, x + 88, y + 158), blend(canvas.background, INK, 0.5), round_by=6)
        canvas.box((x, y, x + 82, y + 150), STONE, round_by=6)
        canvas.box((x + 8, y + 8, x + 74, y + 110), blend(STONE, "#ffffff", 0.45), round_by=4)
        canvas.mirrored_text((x + 41, y + 60), letter, 80, INK)
        printed = ease(time, 3.6 + 0.18 * position, 0.5)
        canvas.text((601 + 90 * position, 540), letter, 92, blend(canvas.background, PAPER, printed), anchor="ms")
    canvas.line((560, 570), (1190, 570), VERMILION, width=4, share=ease(time, 3.4, 1.6))


def fine_typography(canvas: Canvas, time: float) -> None:
    heading(canvas, time, "IV", ("Fine", "typography"), fill=INK, accent=VERMILION)
    size = 290 + 8 * time
    for share, y in ((0.0, 470), (0.12, 470 - size * 0.4), (0.24, 470 - size * 0.65), (0.36, 470 + size * 0.24)):
        canvas.line((570, y), (1230, y), BLUE, width=2, share=ease(time, 0.5 + share * 3, 1.2))
    canvas.text((900, 470), "Ag&", size, blend(canvas.background, INK, ease(time, 0.2, 1.0)), anchor="ms")


def bible(canvas: Canvas, time: float) -> None:
    heading(canvas, time, "V", ("Forty-two", "lines"), fill=PAPER, accent=OCHRE)
    canvas.box((668, 58, 1148, 682), blend(canvas.background, INK, 0.5))
    canvas.box((660, 50, 1140, 674), PAPER)
    done = min(42.0, 42 * max(time - 0.4, 0.0) / 7.2)
    for column in range(2):
        left = 704 + 208 * column
        for row in range(42):
            share = min(max(done - row, 0.0), 1.0)
            ragged = 8 * ((row * 7 + column * 3) % 4 == 0)
            colour = VERMILION if (row * 5 + column) % 17 == 0 else INK
            canvas.box((left, 92 + 13 * row, left + (184 - ragged) * share, 98 + 13 * row), colour)
    canvas.box((704, 92, 752, 140), OCHRE)
    canvas.text((728, 130), "P", 44, PLUM, face="EBGaramond12-Bold", anchor="ms")
    canvas.text((90, 600), f"{int(done)}", 120, OCHRE)


def making_books(canvas: Canvas, time: float) -> None:
    heading(canvas, time, "VI", ("The art", "of making", "books"), fill=PAPER, accent=OCHRE)
    spines = (
        (VERMILION, 64, 400),
        (BLUE, 84, 440),
        (OCHRE, 52, 360),
        (PLUM, 74, 420),
        (PAPER, 58, 390),
        (INK, 80, 450),
    )
    left = 640.0
    for position, (colour, width, height) in enumerate(spines):
        landed = ease(time, 0.3 + 0.5 * position, 0.8)
        top = 600 - height - 620 * (1 - landed)
        canvas.box((left, top, left + width, top + height), colour, round_by=5)
        band = blend(colour, OCHRE if colour != OCHRE else INK, 0.6)
        canvas.box((left, top + 46, left + width, top + 56), band)
        canvas.box((left, top + height - 70, left + width, top + height - 60), band)
        left += width + 8
    canvas.box((600, 600, 1200, 616), blend(canvas.background, INK, 0.6), round_by=4)
    swing = ease(time, 4.0, 1.5)
    canvas.text((620 + 380 * swing, 680), "A B C D E F G", 40, blend(canvas.background, PAPER, swing), anchor="ms")


TEXT_LINES = (
    "All books not primarily",
    "intended as picture books",
    "consist principally of",
    "types composed to form",
    "letterpress",
)


def letterpress(canvas: Canvas, time: float) -> None:
    heading(canvas, time, "VII", ("Letter-", "press"), fill=INK, accent=BLUE)
    canvas.box((600, 110, 1200, 610), "#fffaf0", outline=STONE, width=2)
    reach = 600 + 720 * ease(time, 0.8, 5.5)
    for position, line in enumerate(TEXT_LINES):
        x = 640.0
        for letter in line:
            x += canvas.text_width(letter, 50)
            inked = x < reach
            colour = (VERMILION if position == 4 else INK) if inked else "#efe6d3"
            canvas.text((x, 200 + 88 * position), letter, 50, colour, anchor="rs")
    if reach < 1290:
        canvas.box((reach, 84, reach + 64, 636), blend(INK, BLUE, 0.4), round_by=30)
        canvas.box((reach + 14, 84, reach + 24, 636), blend(INK, PAPER, 0.35), round_by=5)


def fine_in_form(canvas: Canvas, time: float) -> None:
    heading(canvas, time, "VIII", ("Fine", "in form"), fill=PAPER, accent=OCHRE)
    drawn = ease(time, 0.2, 1.4)
    canvas.text((900, 520), "R", 520, blend(canvas.background, PAPER, ease(time, 0.0, 0.8)), anchor="ms")
    for x in (745, 800, 1060):
        canvas.line((x, 110), (x, 600), OCHRE, width=2, share=drawn)
    for y in (182, 351, 520):
        canvas.line((640, y), (1170, y), OCHRE, width=2, share=drawn)
    canvas.circle((902, 267), 84 * ease(time, 0.8, 1.4), outline=VERMILION, width=4)
    canvas.circle((902, 267), 150 * ease(time, 1.2, 1.8), outline=VERMILION, width=2)


def same_cost(canvas: Canvas, time: float) -> None:
    heading(canvas, time, "IX", ("No dearer", "than", "ugly ones"), fill=INK, accent=GREEN)
    dull = blend(INK, STONE, 0.15)
    for left, paper in ((570, "#fffaf0"), (890, blend(STONE, INK, 0.1))):
        canvas.box((left, 110, left + 300, 470), paper, round_by=10)
    sway = 6 * math.sin(time * 1.3)
    canvas.text((720, 390 + sway), "a", 380, INK, face="EBGaramond12-Italic", anchor="ms")
    wobble = 5 * math.sin(time * 9)
    for box in (
        (960, 190, 1110, 222),
        (1078, 190, 1116, 400),
        (960, 270, 1100, 300),
        (956, 270, 990, 400),
        (956, 372, 1130, 404),
    ):
        left, top, right, bottom = box
        canvas.box((left + wobble, top, right + wobble, bottom), dull)
    for coin in range(5):
        landed = ease(time, 1.6 + 0.7 * coin, 0.6)
        for left in (620, 940):
            centre = (left + 50 * coin, 560 - 220 * (1 - landed))
            if landed > 0:
                canvas.circle(centre, 22, fill=OCHRE, outline=WOOD, width=3)
                canvas.text((centre[0], centre[1] + 9), "d", 26, WOOD, face="EBGaramond12-Italic", anchor="ms")


def middle_ages(canvas: Canvas, time: float) -> None:
    heading(canvas, time, "X", ("The", "Middle", "Ages"), fill=PAPER, accent=OCHRE)
    canvas.box((640, 90, 1180, 630), blend(canvas.background, INK, 0.35), outline=OCHRE, width=6)
    canvas.box((662, 112, 1158, 608), None, outline=VERMILION, width=3)
    size = 430 + 4 * time
    for face, colour, appears in (("InitialsF1", OCHRE, 0.8), ("InitialsF2", PAPER, 0.1)):
        shown = blend(blend(canvas.background, INK, 0.35), colour, ease(time, appears, 1.6))
        canvas.text((910, 360 + 0.215 * size), "A", size, shown, face=f"EBGaramond-{face}", anchor="ms")
    for leaf in range(28):
        grown = ease(time, 1.2 + 0.22 * leaf, 0.8)
        angle = leaf / 28 * 2 * math.pi + 0.05 * time
        side = max(abs(math.cos(angle)), abs(math.sin(angle)))
        centre = (910 + 270 / side * math.cos(angle), 360 + 270 / side * math.sin(angle))
        canvas.circle(centre, 13 * grown, fill=(VERMILION, GREEN, OCHRE, BLUE)[leaf % 4])


def the_page(canvas: Canvas, time: float) -> None:
    heading(canvas, time, "XI", ("The", "page"), fill=INK, accent=VERMILION)
    left, middle, right, top, bottom = 520, 870, 1220, 110, 610
    canvas.box((left + 10, top + 12, right + 10, bottom + 12), blend(canvas.background, INK, 0.3))
    canvas.box((left, top, right, bottom), "#fffaf0")
    canvas.line((middle, top), (middle, bottom), STONE, width=3)
    shaded = blend("#fffaf0", OCHRE, 0.35 * ease(time, 1.8, 0.8))
    for x in (middle - 272, middle + 39):
        canvas.box((x, top + 56, x + 233, top + 389), shaded)
    corners = ((left, right), (right, left), (left, middle), (right, middle))
    for low, high in corners:
        canvas.line((low, bottom), (high, top), VERMILION, width=2, share=ease(time, 0.5, 2.2))
    filled = ease(time, 2.4, 4.6)
    for x in (middle - 272, middle + 39):
        for row in range(15):
            share = min(max(15 * filled - row, 0.0), 1.0)
            canvas.box((x + 10, top + 70 + 21 * row, x + 10 + 213 * share, top + 78 + 21 * row), INK)


SCENES = (
    Scene(clips=(1,), background=INK, draw=title),
    Scene(clips=(2, 3), background=GREEN, draw=wood_blocks),
    Scene(clips=(4,), background=OCHRE, draw=block_books),
    Scene(clips=(5,), background=BLUE, draw=movable_type),
    Scene(clips=(6,), background=PAPER, draw=fine_typography),
    Scene(clips=(7, 8), background=PLUM, draw=bible),
    Scene(clips=(9,), background="#3f6f8f", draw=making_books),
    Scene(clips=(10,), background=STONE, draw=letterpress),
    Scene(clips=(11,), background=INK, draw=fine_in_form),
    Scene(clips=(12, 13), background="#e7b9a0", draw=same_cost),
    Scene(clips=(14,), background=PLUM, draw=middle_ages),
    Scene(clips=(15,), background="#9fc0b4", draw=the_page),
)
