"""A view of one page of HTML from the disk: no network, pictures only from the page itself."""

import base64
import binascii
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from PySide6.QtCore import QBuffer, QIODevice, QSize, Qt, QTimer, QUrl, Signal
from PySide6.QtGui import QColor, QImage, QImageReader, QPalette, QResizeEvent, QTextDocument
from PySide6.QtWidgets import QTextBrowser, QWidget

MARGIN = 28.0  # of the page, px
REFIT_MS = 60
SMALLEST = 120  # px, narrower no picture gets
MAX_PICTURES = 500
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


class PageView(QTextBrowser):
    """Shows a page; pictures shrink with the window; links to the outside are only told."""

    outside_link = Signal(QUrl)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._pictures: dict[str, Picture] = {}
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
        self._pictures.clear()
        self.document().setDefaultStyleSheet(f"a {{ color: {_PAPER[QPalette.ColorRole.Link]} }}")
        self.setHtml(html)
        self.document().setDocumentMargin(MARGIN)

    def loadResource(self, kind: int, name: QUrl | str) -> object:
        """Pictures inside the page; nothing else is read, neither from the disk nor from a net."""
        url = QUrl(name)
        if url.scheme() != "data" or kind != QTextDocument.ResourceType.ImageResource.value:
            return None
        picture = picture_of(url)
        if picture is None:
            return None
        if len(self._pictures) < MAX_PICTURES:
            self._pictures[url.toString()] = picture
        return self._fitted(picture)

    def fit_pictures(self) -> None:
        """Lays the page out again with its pictures as wide as there is room."""
        if not self._pictures:
            return
        document = self.document()
        kind = QTextDocument.ResourceType.ImageResource.value
        for name, picture in self._pictures.items():
            document.addResource(kind, QUrl(name), self._fitted(picture))
        document.markContentsDirty(0, document.characterCount())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fits the pictures to the new width, once the resizing rests."""
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self._refit.start()

    def _fitted(self, picture: Picture) -> QImage:
        """The picture at its own size, or as wide as the page where that is less."""
        room = max(SMALLEST, int(self.viewport().width() - 2 * MARGIN - 4))
        width = min(room, picture.size.width())
        share = width / picture.size.width() * self.devicePixelRatioF()
        image = picture.image(share)
        image.setDevicePixelRatio(image.width() / width)
        return image

    def _on_link(self, url: QUrl) -> None:
        if url.isRelative() and url.path() == "" and url.hasFragment():
            self.scrollToAnchor(url.fragment())
        else:
            self.outside_link.emit(url)


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
