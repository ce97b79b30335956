"""A picture as SVG text: plain shapes, every text escaped, nothing active."""

from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from engine.report.picture import PAPER, Line, Picture, Rect, Text
from engine.storage.atomic import write_atomic


def svg_text(picture: Picture) -> str:
    """The SVG document of a picture."""
    box = f"{picture.x:g} {picture.y:g} {picture.width:g} {picture.height:g}"
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}" '
        f'width="{picture.width:g}" height="{picture.height:g}" '
        'font-family="Noto Sans, DejaVu Sans, Segoe UI, Helvetica, Arial, sans-serif">',
        _rect(Rect(picture.x, picture.y, picture.width, picture.height, PAPER)),
    ]
    for shape in picture.shapes:
        if isinstance(shape, Rect):
            lines.append(_rect(shape))
        elif isinstance(shape, Line):
            lines.append(_line(shape))
        else:
            lines.append(_text(shape))
    return "\n".join([*lines, "</svg>", ""])


def write_svg(picture: Picture, path: Path) -> None:
    """Writes a picture as SVG.

    Raises:
        FileError: the file cannot be written; an old one is left as it was.
    """
    write_atomic(path, svg_text(picture).encode())


def _rect(shape: Rect) -> str:
    stroke = (
        f' stroke="{shape.stroke}" stroke-width="{shape.stroke_width:g}"' if shape.stroke else ""
    )
    return (
        f'<rect x="{shape.x:.2f}" y="{shape.y:.2f}" width="{shape.width:.2f}" '
        f'height="{shape.height:.2f}" rx="{shape.radius:g}" fill="{shape.fill or "none"}"{stroke}/>'
    )


def _line(shape: Line) -> str:
    points = " ".join(f"{x:.2f},{y:.2f}" for x, y in shape.points)
    return (
        f'<polyline points="{points}" fill="none" stroke="{shape.colour}" '
        f'stroke-width="{shape.width:.2f}" stroke-linejoin="round"/>'
    )


def _text(shape: Text) -> str:
    weight = ' font-weight="600"' if shape.bold else ""
    anchor = quoteattr(shape.anchor)
    # control characters are not allowed in XML, not even escaped
    clean = "".join(c for c in shape.text if c >= " " and not "\ud800" <= c <= "\udfff")
    return (
        f'<text x="{shape.x:.2f}" y="{shape.y:.2f}" font-size="{shape.size:g}" '
        f'fill="{shape.colour}" text-anchor={anchor}{weight}>{escape(clean)}</text>'
    )
