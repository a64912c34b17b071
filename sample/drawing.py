"""The page that the scenes are drawn on: sizes in pixels of 1280 by 720, drawn twice as large for smooth edges."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

WIDTH, HEIGHT = 1280, 720
SCALE = 2

PAPER, INK, VERMILION, BLUE, OCHRE, GREEN, PLUM, WOOD, STONE = (
    "#f4ecdc",
    "#1d1a16",
    "#c8402b",
    "#1f3a5f",
    "#dba643",
    "#2b5a4d",
    "#4d2442",
    "#8a5a34",
    "#cfc6b4",
)

Point = tuple[float, float]
Box = tuple[float, float, float, float]


def ease(time: float, start: float = 0.0, seconds: float = 1.0) -> float:
    """From 0 to 1 between start and start + seconds, slowing down towards the end."""
    share = min(max((time - start) / seconds, 0.0), 1.0)
    return 1.0 - (1.0 - share) ** 3


def blend(first: str, second: str, share: float) -> str:
    """The colour that is `share` of the way from the first to the second."""
    pairs = zip(_channels(first), _channels(second), strict=True)
    return "#" + "".join(f"{round(low + (high - low) * share):02x}" for low, high in pairs)


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


class Canvas:
    """One picture. fonts is the folder with the EB Garamond files."""

    def __init__(self, fonts: Path, background: str) -> None:
        self._fonts = fonts
        self.background = background
        self.image = Image.new("RGB", (WIDTH * SCALE, HEIGHT * SCALE), background)
        self._draw = ImageDraw.Draw(self.image)

    def finished(self) -> Image.Image:
        return self.image.reduce(SCALE)

    def box(
        self, box: Box, fill: str | None, *, outline: str | None = None, width: float = 1, round_by: float = 0
    ) -> None:
        left, top, right, bottom = (SCALE * each for each in box)
        if right - left < 1 or bottom - top < 1:
            return
        self._draw.rounded_rectangle(
            (left, top, right, bottom), SCALE * round_by, fill=fill, outline=outline, width=round(SCALE * width)
        )

    def circle(
        self, centre: Point, radius: float, *, fill: str | None = None, outline: str | None = None, width: float = 2
    ) -> None:
        (x, y), size = centre, SCALE * radius
        if size < 1:
            return
        box = (SCALE * x - size, SCALE * y - size, SCALE * x + size, SCALE * y + size)
        self._draw.ellipse(box, fill=fill, outline=outline, width=round(SCALE * width))

    def line(self, first: Point, second: Point, fill: str, *, width: float = 2, share: float = 1.0) -> None:
        """The first `share` of a line."""
        if share <= 0:
            return
        end = (first[0] + (second[0] - first[0]) * share, first[1] + (second[1] - first[1]) * share)
        points = [(SCALE * x, SCALE * y) for x, y in (first, end)]
        self._draw.line(points, fill=fill, width=round(SCALE * width))

    def polygon(self, points: Sequence[Point], fill: str) -> None:
        self._draw.polygon([(SCALE * x, SCALE * y) for x, y in points], fill=fill)

    def text(
        self, at: Point, text: str, size: float, fill: str, *, face: str = "EBGaramond12-Regular", anchor: str = "ls"
    ) -> None:
        """Text; the anchor is Pillow's, by default left and on the baseline."""
        font = _font(self._fonts / f"{face}.ttf", round(SCALE * size))
        self._draw.text((SCALE * at[0], SCALE * at[1]), text, font=font, fill=fill, anchor=anchor)

    def text_width(self, text: str, size: float, *, face: str = "EBGaramond12-Regular") -> float:
        return _font(self._fonts / f"{face}.ttf", round(SCALE * size)).getlength(text) / SCALE

    def mirrored_text(
        self, centre: Point, text: str, size: float, fill: str, *, face: str = "EBGaramond12-Bold"
    ) -> None:
        """Text as it stands on metal type: reversed, around its centre."""
        font = _font(self._fonts / f"{face}.ttf", round(SCALE * size))
        side = round(SCALE * size * 2)
        stamp = Image.new("L", (side, side), 0)
        ImageDraw.Draw(stamp).text((side / 2, side / 2), text, font=font, fill=255, anchor="mm")
        stamp = stamp.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        corner = (round(SCALE * centre[0] - side / 2), round(SCALE * centre[1] - side / 2))
        self.image.paste(Image.new("RGB", stamp.size, fill), corner, stamp)


@cache
def _font(path: Path, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(path, size)
