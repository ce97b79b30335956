"""A picture as PNG, painted by Pillow: the headless verbs must not load Qt."""

import io
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from engine.report.picture import PAPER, Line, Picture, Rect, Text
from engine.storage.atomic import write_atomic

SCALE = 2.0
MAX_PIXELS = 60_000_000

_Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def write_png(picture: Picture, path: Path, scale: float = SCALE) -> None:
    """Writes a picture as PNG; a very large one is scaled down to 60 megapixels.

    Raises:
        FileError: the file cannot be written; an old one is left as it was.
    """
    area = picture.width * picture.height
    scale = min(scale, (MAX_PIXELS / max(area, 1.0)) ** 0.5)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    image = Image.new("RGB", size, PAPER)
    painter = ImageDraw.Draw(image)
    fonts: dict[int, _Font] = {}
    for shape in picture.shapes:
        _paint(painter, picture, shape, scale, fonts)
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=False)
    write_atomic(path, buffer.getvalue())


def _paint(
    painter: ImageDraw.ImageDraw,
    picture: Picture,
    shape: Rect | Line | Text,
    scale: float,
    fonts: dict[int, _Font],
) -> None:
    def at(x: float, y: float) -> tuple[float, float]:
        return (x - picture.x) * scale, (y - picture.y) * scale

    if isinstance(shape, Rect):
        left, top = at(shape.x, shape.y)
        right, bottom = at(shape.x + shape.width, shape.y + shape.height)
        painter.rounded_rectangle(
            (left, top, max(left, right - 1), max(top, bottom - 1)),
            shape.radius * scale,
            fill=shape.fill or None,
            outline=shape.stroke or None,
            width=max(1, round(shape.stroke_width * scale)) if shape.stroke else 0,
        )
    elif isinstance(shape, Line):
        width = max(1, round(shape.width * scale))
        painter.line([at(x, y) for x, y in shape.points], shape.colour, width, joint="curve")
    else:
        pixels = max(6, round(shape.size * scale))
        font = fonts.setdefault(pixels, ImageFont.load_default(pixels))
        anchor = {"start": "ls", "middle": "ms", "end": "rs"}[shape.anchor]
        painter.text(
            at(shape.x, shape.y),
            "".join(c if c.isprintable() else " " for c in shape.text),
            fill=shape.colour,
            font=font,
            anchor=anchor,
            stroke_width=0,
        )
