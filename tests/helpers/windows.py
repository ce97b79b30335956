"""Windows for tests: a document with a small drawing, silent notifications, settings in a folder."""

from pathlib import Path

from PySide6.QtCore import QEventLoop, QTimer, QUrl

from app.document import Document
from app.shell.main_window import MainWindow
from app.support.notifications import ChangedChoice, LockedChoice, Notifications, SaveChoice
from app.support.settings import Settings
from engine.catalog.catalog import Catalog
from engine.catalog.devices import DeviceKind, Medium
from engine.topology.changes import Batch, PutElements, PutLinks
from engine.topology.elements import Element, Endpoint, Link


class RecordingNotifications(Notifications):
    """Answers as told and keeps what was said."""

    def __init__(self) -> None:
        super().__init__(None)
        self.errors: list[tuple[str, str]] = []
        self.asked: list[str] = []
        self.choice = SaveChoice.CANCEL
        self.open_path: Path | None = None
        self.save_path: Path | None = None
        self.model_path: Path | None = None
        self.trace_path: Path | None = None
        self.told: list[tuple[str, str]] = []
        self.offers: list[tuple[str, str, str]] = []
        self.says_yes = False
        self.name = ""
        self.locked_choice = LockedChoice.CANCEL
        self.changed_choice = ChangedChoice.CANCEL
        self.opened: list[str] = []

    def error(self, title: str, text: str) -> None:
        self.errors.append((title, text))

    def tell(self, title: str, text: str) -> None:
        self.told.append((title, text))

    def ask_yes(self, title: str, text: str, yes: str) -> bool:
        self.offers.append((title, text, yes))
        return self.says_yes

    def ask_locked(self, name: str, holder: str) -> LockedChoice:
        self.asked.append(f"{name}: {holder}")
        return self.locked_choice

    def ask_changed(self, name: str, *, saving: bool) -> ChangedChoice:
        self.asked.append(f"{name} changed, saving {saving}")
        return self.changed_choice

    def open_address(self, url: QUrl) -> None:
        self.opened.append(url.toString())

    def about(self, title: str, text: str) -> None:
        self.asked.append(text)

    def ask_save(self, name: str) -> SaveChoice:
        self.asked.append(name)
        return self.choice

    def ask_name(self, title: str, label: str, proposal: str) -> str:
        self.asked.append(title)
        return self.name

    def ask_text(self, title: str, label: str, proposal: str) -> str:
        self.asked.append(title)
        return self.name

    def ask_open_path(self, folder: Path) -> Path | None:
        return self.open_path

    def ask_model_path(self, folder: Path) -> Path | None:
        return self.model_path

    def ask_trace_path(self, folder: Path) -> Path | None:
        return self.trace_path

    def ask_save_path(self, proposal: Path) -> Path | None:
        return self.save_path


def drawn_document(catalog: Catalog) -> Document:
    """A document with eight M890 in a mesh of one rack's switch: a rack and a leaf, linked."""
    document = Document(catalog)
    rack = Element(
        id="rack", kind=DeviceKind.RACK, spec="panjiu-al128-2x64", name="Rack A", x=0.0, y=0.0
    )
    leaf = Element(
        id="leaf", kind=DeviceKind.SWITCH, spec="hpn7-leaf", name="Leaf 1", x=400.0, y=0.0
    )
    link = Link(
        id="cable",
        a=Endpoint(element="rack", port="uplink"),
        b=Endpoint(element="leaf", port="port"),
        medium=Medium.ETHERNET,
        count=64,
        bandwidth_bytes_per_s=50e9,
        latency_s=6e-7,
    )
    change = Batch((PutElements((rack, leaf)), PutLinks((link,))))
    assert document.perform("Draw", change).ok
    return document


def make_window(document: Document, folder: Path) -> MainWindow:
    """A complete window whose messages are recorded and whose settings are its own."""
    window = MainWindow(document, Settings(folder / "settings.ini"), RecordingNotifications())
    window.complete()
    return window


def close_window(window: MainWindow) -> None:
    """Closes a window without questions and lets its deferred deletions happen."""
    window.document.undo_stack.setClean()
    window.close()
    window.deleteLater()
    loop = QEventLoop()
    QTimer.singleShot(0, loop.quit)
    loop.exec()


def notes(window: MainWindow) -> RecordingNotifications:
    """The recorder of a window made by `make_window`."""
    recorder = window.files.notifications
    assert isinstance(recorder, RecordingNotifications)
    return recorder
