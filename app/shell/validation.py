"""Help > Validation: reads the report, shows it with the open design's basis, asks before links."""

from PySide6.QtCore import QObject, QUrl
from PySide6.QtWidgets import QWidget

from app.dialogs.validation import ValidationWindow
from app.jobs.band_job import BandJob
from app.support.notifications import Notifications
from engine.catalog.resources import resource_path

MAX_BYTES = 32_000_000
OUTSIDE = ("http", "https")


class ValidationHelp(QObject):
    """Opens the one window of the report; it is made at the first call."""

    def __init__(self, owner: QWidget, bands: BandJob, notifications: Notifications) -> None:
        super().__init__(owner)
        self._owner, self._bands, self._notifications = owner, bands, notifications
        self.path = resource_path("docs", "validation.html")
        self.window: ValidationWindow | None = None
        bands.changed.connect(self._show_basis)

    def open(self) -> None:
        """Shows the report, or why there is none; an open window comes to the front."""
        if self.window is None:
            self.window = ValidationWindow(self._owner)
            self.window.outside_link.connect(self._on_link)
            self._load(self.window)
        self._show_basis()
        self.window.show()
        self.window.raise_()
        self.window.activateWindow()

    def _load(self, window: ValidationWindow) -> None:
        try:
            if self.path.stat().st_size > MAX_BYTES:
                reason = self.tr("it is larger than {0} MB").format(MAX_BYTES // 1_000_000)
                window.show_missing(self._missing(reason))
                return
            window.show_report(self.path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            window.show_missing(self._missing(self.tr("the file is not there")))
        except (OSError, UnicodeDecodeError) as error:
            window.show_missing(self._missing(str(error)))

    def _missing(self, reason: str) -> str:
        text = self.tr(
            "The validation report cannot be shown: {0}.\n\n{1}\n\nIt is part of an installation: "
            "install Rackflow again. In a copy of the sources, make validate writes it."
        )
        return text.format(reason, self.path)

    def _show_basis(self) -> None:
        if self.window is not None:
            bands = self._bands.of_document().bands
            self.window.show_basis(
                "" if bands is None else self.tr("This design: {0}").format(bands.sentence())
            )

    def _on_link(self, url: QUrl) -> None:
        """A link out of the page: the browser opens it, if the user says so."""
        if url.scheme().lower() not in OUTSIDE:
            return
        title = self.tr("Open this address in the browser?")
        if self._notifications.ask_yes(title, url.toDisplayString(), self.tr("Open")):
            self._notifications.open_address(url)
