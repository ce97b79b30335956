"""A small plotter on pillow: a panel with scales, marks, bars and words, as bytes of a PNG.

Panels are drawn at four times their size and shrunk to twice, so that marks and text are smooth
and stay sharp on screens of high density. Only ASCII: pillow's built-in font has little else.
"""

import io
import math
from collections.abc import Sequence
from typing import NamedTuple

from PIL import Image, ImageColor, ImageDraw, ImageFont

DRAWN, KEPT = 4, 2  # times the size that is shown
SHADES = 8  # steps from a colour to paper that a picture keeps
MOST_COLOURS = 256 // SHADES
PAPER, INK, FAINT, GRID = "#ffffff", "#30343b", "#6a7078", "#e3e6ea"
SHAPES = ("circle", "square", "diamond", "triangle")
TEXT = 12


class Scale(NamedTuple):
    """Where a value lies on an axis: from `low` to `high` over pixels `start` to `end`."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def at(self, value: float) -> float:
        """The pixel of a value, held inside the axis."""
        low, high, here = self.low, self.high, min(max(value, self.low), self.high)
        if self.log:
            low, high, here = math.log(low), math.log(high), math.log(here)
        return self.start + (here - low) / (high - low) * (self.end - self.start)

    def ticks(self) -> list[float]:
        """Round values inside the axis: powers of ten with 2 and 5 times them, or even steps."""
        if self.log:
            first, last = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
            parts = (1.0,) if self.high / self.low > 3000 else (1.0, 2.0, 5.0)
            every = [part * 10.0**power for power in range(first, last + 1) for part in parts]
            return [value for value in every if self.low <= value <= self.high]
        step = 10.0 ** math.floor(math.log10((self.high - self.low) / 3))
        step *= next(m for m in (1, 2, 5, 10) if (self.high - self.low) / (step * m) <= 6)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [round(step * i, 10) for i in range(first, last + 1)]


class Box(NamedTuple):
    """A rectangle in pixels as shown."""

    left: float
    top: float
    right: float
    bottom: float


class Chart:
    """One picture to draw on; all lengths are pixels as shown."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._image = Image.new("RGB", (width * DRAWN, height * DRAWN), PAPER)
        self._draw = ImageDraw.Draw(self._image)
        self._colours = {INK, FAINT, GRID}

    def line(self, points: Sequence[tuple[float, float]], colour: str, width: float = 1) -> None:
        """A line through points."""
        self._colours.add(colour)
        scaled = [(x * DRAWN, y * DRAWN) for x, y in points]
        self._draw.line(scaled, fill=colour, width=max(1, round(width * DRAWN)))

    def dashed(self, first: tuple[float, float], last: tuple[float, float], colour: str) -> None:
        """A dashed straight line."""
        length = math.dist(first, last)
        pieces = max(1, round(length / 8))
        for i in range(pieces):
            ends = [
                tuple(a + (b - a) * share / pieces for a, b in zip(first, last, strict=True))
                for share in (i, i + 0.55)
            ]
            self.line([(ends[0][0], ends[0][1]), (ends[1][0], ends[1][1])], colour)

    def bar(self, box: Box, colour: str) -> None:
        """A filled rectangle."""
        self._colours.add(colour)
        left, right = sorted((box.left, box.right))
        top, bottom = sorted((box.top, box.bottom))
        self._draw.rectangle([v * DRAWN for v in (left, top, right, bottom)], fill=colour)

    def frame(self, box: Box) -> None:
        """The edge of a panel."""
        self._draw.rectangle([v * DRAWN for v in box], outline=FAINT, width=DRAWN)

    def mark(self, x: float, y: float, colour: str, shape: str, radius: float = 3.2) -> None:
        """A filled mark with a thin edge of paper, so that neighbours stay apart."""
        self._colours.add(colour)
        for size, fill in ((radius + 0.6, PAPER), (radius, colour)):
            points = [(x * DRAWN + a * size * DRAWN, y * DRAWN + b * size * DRAWN)
                      for a, b in _outline(shape)]  # fmt: skip
            self._draw.polygon(points, fill=fill)

    def text(
        self, x: float, y: float, text: str, *, anchor: str = "la", colour: str = INK,
        size: float = TEXT,
    ) -> None:  # fmt: skip
        """Words; `anchor` as pillow's: horizontal l, m, r and vertical a, m, d."""
        self._draw.text((x * DRAWN, y * DRAWN), text, fill=colour, anchor=anchor, font=_font(size))

    def upright(self, x: float, y: float, text: str) -> None:
        """Words that run upwards, centred on a point."""
        font = _font(TEXT)
        left, top, right, bottom = font.getbbox(text)
        mask = Image.new("L", (math.ceil(right - left) + 8, math.ceil(bottom - top) + 8), 0)
        ImageDraw.Draw(mask).text((4 - left, 4 - top), text, fill=255, font=font)
        turned = mask.rotate(90, expand=True)
        at = (round(x * DRAWN - turned.width / 2), round(y * DRAWN - turned.height / 2))
        self._image.paste(Image.new("RGB", turned.size, INK), at, turned)

    def text_width(self, text: str) -> float:
        """How wide words come out."""
        return float(_font(TEXT).getlength(text)) / DRAWN

    def png(self) -> bytes:
        """The picture at twice its shown size, with few colours."""
        size = (self.width * KEPT, self.height * KEPT)
        small = self._image.resize(size, Image.Resampling.LANCZOS)
        kept = small.quantize(palette=_palette(self._colours), dither=Image.Dither.NONE)
        stream = io.BytesIO()
        kept.save(stream, "PNG", optimize=True)
        return stream.getvalue()


def _palette(colours: set[str]) -> Image.Image:
    """Shades of the colours in use: a palette found by pillow would merge rare ones."""
    values: list[int] = []
    for colour in sorted(colours)[:MOST_COLOURS]:
        red, green, blue = ImageColor.getrgb(colour)[:3]
        for i in range(SHADES):
            values += [round(255 + (v - 255) * (1 - i / SHADES)) for v in (red, green, blue)]
    values += [255] * (768 - len(values))
    palette = Image.new("P", (1, 1))
    palette.putpalette(values)
    return palette


def _font(size: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size * DRAWN)


def _outline(shape: str) -> list[tuple[float, float]]:
    if shape == "square":
        return [(-0.85, -0.85), (0.85, -0.85), (0.85, 0.85), (-0.85, 0.85)]
    if shape == "diamond":
        return [(0, -1.2), (1.2, 0), (0, 1.2), (-1.2, 0)]
    if shape == "triangle":
        return [(0, -1.15), (1.1, 0.85), (-1.1, 0.85)]
    return [(math.cos(i * math.pi / 12), math.sin(i * math.pi / 12)) for i in range(24)]


def number_text(value: float) -> str:
    """A tick's number, short."""
    if value >= 1e6:
        return f"{value / 1e6:g}M"
    return f"{value / 1e3:g}k" if value >= 1e3 else f"{value:g}"
