"""A view of one page of HTML from the disk: no network, pictures only from the page itself."""

import base64
import binascii
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from PySide6.QtCore import QBuffer, QIODevice, QSize, Qt, QTimer, QUrl, Signal
from PySide6.QtGui import (
    QColor,
    QImage,
    QImageReader,
    QPalette,
    QResizeEvent,
    QTextCursor,
    QTextDocument,
    QTextImageFormat,
)
from PySide6.QtWidgets import QTextBrowser, QWidget

MARGIN = 8.0  # around the page, px; its body has margins of its own
REFIT_MS = 60
STEP = 40  # px, widths of shrunk pictures are multiples of it: each width is kept
SCHEME = "picture"  # number/width of a picture of the page
MAX_PICTURES = 500
IMAGE = QTextDocument.ResourceType.ImageResource.value
MAX_PIXELS = 100_000_000

# a page is written for white paper: its own colours of text and pictures are legible on that only
_PAPER = {
    QPalette.ColorRole.Base: "#ffffff",
    QPalette.ColorRole.AlternateBase: "#f6f8fa",
    QPalette.ColorRole.Text: "#1b2430",
    QPalette.ColorRole.PlaceholderText: "#6a7787",
    QPalette.ColorRole.Link: "#1668c7",
    QPalette.ColorRole.LinkVisited: "#1668c7",
    QPalette.ColorRole.Highlight: "#1668c7",
    QPalette.ColorRole.HighlightedText: "#ffffff",
}


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of a page as it is stored; a drawing is sharp at every size."""

    content: bytes
    size: QSize  # px
    is_drawing: bool

    def image(self, share: float) -> QImage:
        """Its pixels at a share of its own size; photographs are never made larger."""
        if not self.is_drawing:
            share = min(1.0, share)
        reader, _buffer = _reader(self.content)
        wanted = QSize(
            max(1, round(self.size.width() * share)), max(1, round(self.size.height() * share))
        )
        if self.is_drawing:
            reader.setScaledSize(wanted)
            return reader.read()
        image = reader.read()
        if wanted == self.size:
            return image
        smooth = Qt.TransformationMode.SmoothTransformation
        return image.scaled(wanted, Qt.AspectRatioMode.IgnoreAspectRatio, smooth)


@dataclass(frozen=True, slots=True)
class Place:
    """A picture in the text, and the size in px that its page gives it."""

    picture: Picture
    position: int
    width: float
    height: float


class PageView(QTextBrowser):
    """Shows a page; pictures shrink with the window; links to the outside are only told."""

    outside_link = Signal(QUrl)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._places: list[Place] = []
        self.setOpenLinks(False)
        self.anchorClicked.connect(self._on_link)
        palette = self.palette()
        for role, color in _PAPER.items():
            palette.setColor(role, QColor(color))
        self.setPalette(palette)
        self._refit = QTimer(self)
        self._refit.setSingleShot(True)
        self._refit.setInterval(REFIT_MS)
        self._refit.timeout.connect(self.fit_pictures)

    def show_page(self, html: str) -> None:
        """Shows a page from its beginning."""
        document = self.document()
        document.setDefaultStyleSheet(f"a {{ color: {_PAPER[QPalette.ColorRole.Link]} }}")
        self.setHtml(html)
        document.setDocumentMargin(MARGIN)
        self._places = places_of(document)
        self.fit_pictures()

    def loadResource(self, kind: int, name: QUrl | str) -> object:
        """Pictures inside the page; nothing else is read, neither from the disk nor from a net."""
        url = QUrl(name)
        if kind != IMAGE:
            return None
        if url.scheme() == SCHEME:
            number, _, width = url.path().partition("/")
            return self._image(self._places[int(number)].picture, int(width))
        picture = picture_of(url)
        return None if picture is None else self._image(picture, picture.size.width())

    def _image(self, picture: Picture, width: int) -> QImage:
        image = picture.image(width / picture.size.width() * self.devicePixelRatioF())
        image.setDevicePixelRatio(image.width() / width)
        return image

    def fit_pictures(self) -> None:
        """Makes pictures as wide as they want to be, or as there is room; drawn when seen."""
        document = self.document()
        cursor = QTextCursor(document)
        for number, place in enumerate(self._places):
            cursor.setPosition(place.position)
            cursor.setPosition(place.position + 1, QTextCursor.MoveMode.KeepAnchor)
            block = cursor.blockFormat()
            room = self.viewport().width() - 2 * MARGIN - block.leftMargin() - block.rightMargin()
            width = min(place.width, max(STEP, int(room / STEP) * STEP))
            shape = cursor.charFormat().toImageFormat()
            shape.setName(f"{SCHEME}:{number}/{round(width)}")  # a document keeps what it loaded
            shape.setWidth(width)
            shape.setHeight(place.height * width / place.width)
            cursor.setCharFormat(shape)
        document.setModified(False)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fits the pictures to the new width, once the resizing rests."""
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self._refit.start()

    def _on_link(self, url: QUrl) -> None:
        if url.isRelative() and url.path() == "" and url.hasFragment():
            self.scrollToAnchor(url.fragment())
        else:
            self.outside_link.emit(url)


def places_of(document: QTextDocument) -> list[Place]:
    """Where a document has pictures, and how large they want to be; unreadable ones are left out."""
    places: list[Place] = []
    block = document.begin()
    while block.isValid():
        parts = block.begin()
        while not parts.atEnd():
            fragment = parts.fragment()
            shape = fragment.charFormat()
            if shape.isImageFormat() and len(places) < MAX_PICTURES:
                places += _places(fragment.position(), fragment.length(), shape.toImageFormat())
            parts += 1
        block = block.next()
    return places


def _places(position: int, length: int, shape: QTextImageFormat) -> list[Place]:
    """Equal pictures beside each other are one fragment, a character each."""
    picture = picture_of(QUrl(shape.name()))
    if picture is None:
        return []
    size = picture.size
    width = shape.width() or shape.height() * size.width() / size.height() or float(size.width())
    height = shape.height() or width * size.height() / size.width()
    return [Place(picture, position + number, width, height) for number in range(length)]


def picture_of(url: QUrl) -> Picture | None:
    """The picture of a data: address; None where it has none that can be read."""
    text = url.toString(QUrl.ComponentFormattingOption.FullyEncoded)
    head, comma, body = text.partition(",")
    if not comma or not head.startswith("data:image/"):
        return None
    content = unquote_to_bytes(body)
    if head.endswith(";base64"):
        try:
            content = base64.b64decode(content, validate=True)
        except binascii.Error:
            return None
    reader, _buffer = _reader(content)
    size = reader.size()
    if size.isEmpty() or size.width() * size.height() > MAX_PIXELS:
        return None
    return Picture(content, size, is_drawing=head.startswith("data:image/svg"))


def _reader(content: bytes) -> tuple[QImageReader, QBuffer]:
    """A reader of bytes, and the buffer that the caller has to keep as long: Qt does not."""
    buffer = QBuffer()
    buffer.setData(content)
    buffer.open(QIODevice.OpenModeFlag.ReadOnly)
    return QImageReader(buffer), buffer
