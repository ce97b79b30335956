"""A page's blocks as HTML for browsers and Qt's rich text, and as Markdown.

The HTML keeps to what QTextBrowser draws: no script, no SVG, tables with attributes, pictures
inline as PNG. Colours are left to the reader's theme but for the plots, which bring their paper.
"""

import base64
from collections.abc import Sequence
from html import escape

from engine.study.validation.blocks import Block, Heading, Listing, Paragraph, Table
from engine.study.validation.plots import Plot

_HEAD = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style type="text/css">
body {{ max-width: 1120px; margin: 24px auto; padding: 0 8px; }}
p, li {{ line-height: 145%; }}
h2 {{ margin-top: 28px; }}
h3 {{ margin-top: 20px; }}
table {{ margin: 8px 0 16px 0; }}
th, td {{ font-size: 90%; }}
img {{ max-width: 100%; height: auto; }}
</style>
<style type="text/css" media="screen and (min-width: 1px)">
body {{ font-family: system-ui, sans-serif; font-variant-numeric: tabular-nums; }}
</style>
</head>
<body>
"""


def html(title: str, blocks: Sequence[Block]) -> str:
    """The whole page; equal blocks give equal text."""
    body = "\n".join(_html_block(block) for block in blocks)
    return f"{_HEAD.format(title=escape(title))}{body}\n</body>\n</html>\n"


def _html_block(block: Block) -> str:
    if isinstance(block, Heading):
        return f"<h{block.level}>{escape(block.text)}</h{block.level}>"
    if isinstance(block, Paragraph):
        return f"<p>{escape(block.text)}</p>"
    if isinstance(block, Listing):
        points = "\n".join(
            f"<li><b>{escape(name)}:</b> {escape(text)}</li>" for name, text in block.points
        )
        return f"<ul>\n{points}\n</ul>"
    if isinstance(block, Plot):
        picture = base64.b64encode(block.png).decode()
        return (
            f'<div><img src="data:image/png;base64,{picture}" width="{block.width}" '
            f'height="{block.height}" alt="{escape(block.alt)}"></div><p></p>'
        )
    return _html_table(block)


def _html_table(table: Table) -> str:
    def row(cells: Sequence[str], tag: str) -> str:
        parts = [
            f'<{tag} align="{"left" if i < table.words else "right"}">{escape(text)}</{tag}>'
            for i, text in enumerate(cells)
        ]
        return f"<tr>{''.join(parts)}</tr>"

    lines = [row(table.head, "th"), *(row(cells, "td") for cells in table.rows)]
    attributes = 'border="1" cellspacing="0" cellpadding="5"'
    style = "border-collapse: collapse; border-style: solid; border-color: #9aa0a6"
    return f'<table {attributes} style="{style}">\n' + "\n".join(lines) + "\n</table>"


def markdown(blocks: Sequence[Block]) -> str:
    """The page without its plots."""
    parts = [_markdown_block(block) for block in blocks if not isinstance(block, Plot)]
    return "\n\n".join(parts) + "\n"


def _markdown_block(block: Heading | Paragraph | Listing | Table) -> str:
    if isinstance(block, Heading):
        return f"{'#' * block.level} {block.text}"
    if isinstance(block, Paragraph):
        return block.text
    if isinstance(block, Listing):
        return "\n".join(f"- **{name}:** {text}" for name, text in block.points)

    def row(cells: Sequence[str]) -> str:
        return "| " + " | ".join(text.replace("|", "\\|") for text in cells) + " |"

    line = [":--" if i < block.words else "--:" for i in range(len(block.head))]
    return "\n".join([row(block.head), row(line), *(row(cells) for cells in block.rows)])
