"""A page shows its own pictures at the width there is, and reads nothing else."""

import base64
from pathlib import Path
from urllib.parse import quote

import pytest
from PySide6.QtCore import QBuffer, QIODevice, QUrl
from PySide6.QtGui import QColor, QImage, QTextDocument
from pytestqt.qtbot import QtBot

from app.dialogs.page_view import PageView, picture_of

IMAGE = QTextDocument.ResourceType.ImageResource.value
SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="900" height="300"><rect width="9"/></svg>'


def png(width: int, height: int) -> bytes:
    image = QImage(width, height, QImage.Format.Format_RGB32)
    image.fill(QColor("#336699"))
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    assert image.save(buffer, "PNG")
    return bytes(buffer.data().data())


def address(content: bytes, kind: str = "png") -> str:
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


@pytest.fixture
def view(qtbot: QtBot) -> PageView:
    made = PageView()
    qtbot.addWidget(made)
    made.resize(600, 400)
    made.show()
    return made


def shown_width(view: PageView) -> float:
    """Width of the page's one picture in the text; its pixels have that width too."""
    shapes = [
        shape.toImageFormat() for shape in view.document().allFormats() if shape.isImageFormat()
    ]
    newest = shapes[-1]
    image = view.document().resource(IMAGE, QUrl(newest.name()))
    assert isinstance(image, QImage)
    assert image.width() / image.devicePixelRatio() == pytest.approx(newest.width())
    return newest.width()


@pytest.mark.parametrize(
    "name",
    [
        address(png(1200, 300)),
        address(SVG.encode(), "svg+xml"),
        f"data:image/svg+xml,{quote(SVG)}",
    ],
)
def test_wide_pictures_follow_the_width_of_the_window(
    view: PageView, qtbot: QtBot, name: str
) -> None:
    view.show_page(f'<p>before</p><img src="{name}"><p>after</p>')
    room = view.viewport().width()
    assert 400 < shown_width(view) < room
    assert not view.horizontalScrollBar().isVisible()
    view.resize(400, 400)
    qtbot.waitUntil(lambda: shown_width(view) < view.viewport().width())
    view.resize(1500, 400)
    qtbot.waitUntil(lambda: shown_width(view) >= 900)


def test_a_small_picture_is_not_made_larger(view: PageView) -> None:
    name = address(png(40, 30))
    view.show_page(f'<img src="{name}">')
    assert shown_width(view) == 40


def test_a_page_may_say_how_large_a_picture_is(view: PageView, qtbot: QtBot) -> None:
    view.resize(1200, 400)
    view.show_page(f'<img src="{address(png(1760, 880))}" width="880" height="440">')
    assert shown_width(view) == 880
    view.resize(500, 400)
    qtbot.waitUntil(lambda: shown_width(view) < 500)
    view.show_page(f'<img src="{address(png(1760, 880))}" height="100">')
    assert shown_width(view) == 200


def test_neither_files_nor_the_net_are_read(view: PageView, tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    path.write_bytes(png(10, 10))
    for url in (QUrl.fromLocalFile(str(path)), QUrl("http://example.org/a.png"), QUrl("a.png")):
        assert view.loadResource(IMAGE, url) is None
    style = QTextDocument.ResourceType.StyleSheetResource.value
    assert view.loadResource(style, QUrl("data:text/css,body%7Bcolor:red%7D")) is None


@pytest.mark.parametrize(
    "text",
    [
        "data:image/png;base64,####",
        "data:image/png;base64,AAAA",
        "data:image/png",
        "data:text/html,<b>",
        "data:image/svg+xml,%3Csvg",
        'data:image/svg+xml,<svg xmlns="http://www.w3.org/2000/svg" width="90000" height="90000"/>',
    ],
)
def test_broken_and_huge_pictures_are_left_out(view: PageView, text: str) -> None:
    assert picture_of(QUrl(text)) is None
    view.show_page(f"<p>still shown</p><img src='{text}'>")
    assert "still shown" in view.toPlainText()


def test_links_inside_scroll_and_links_outside_are_told(view: PageView) -> None:
    told: list[str] = []
    view.outside_link.connect(lambda url: told.append(url.toString()))
    rows = "<p>row</p>" * 200
    view.show_page(f'<a href="#end">end</a>{rows}<h2 id="end">The end</h2>{rows}')
    view.anchorClicked.emit(QUrl("#end"))
    assert view.verticalScrollBar().value() > 100
    assert told == []
    view.anchorClicked.emit(QUrl("https://example.org/x"))
    assert told == ["https://example.org/x"]
    assert "row" in view.toPlainText()  # the page is still there
