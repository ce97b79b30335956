"""The step time of the deployment in the inspector: nominal, its band, and what it rests on."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QLabel

from app.document import Document
from app.jobs.band_job import BandJob, KnownBands
from app.panels.fields import FieldRow
from engine.report.ranges import PENDING, time_text, tokens_text

if TYPE_CHECKING:
    from engine.study.design_bands import DesignBands


class StepTimeRow(FieldRow):
    """Says how long a decode step and a prompt take; an estimate has the badge of estimates."""

    def __init__(self, document: Document, bands: BandJob) -> None:
        super().__init__("")
        self.label.setText(self.tr("Step time"))
        self._document, self._bands = document, bands
        self.basis = QLabel()
        self.basis.setTextFormat(Qt.TextFormat.PlainText)
        self.badge = QLabel("E")
        self.badge.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.badge.setFixedWidth(22)
        self.badge.setForegroundRole(QPalette.ColorRole.Highlight)
        self.text = QLabel()
        self.text.setTextFormat(Qt.TextFormat.PlainText)
        self.text.setWordWrap(True)
        self.text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.text.setAccessibleName(self.tr("Step time"))
        self.grid.addWidget(self.basis, 0, 1)
        self.grid.addWidget(self.badge, 0, 2)
        self.grid.addWidget(self.text, 1, 0, 1, 3)
        bands.changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Shows what is known of the document's design now."""
        known = self._bands.of_document()
        bands = known.bands
        self.basis.setText(self._kind(known))
        self.badge.setVisible(bands is not None and bands.basis.kind != "fitted")
        self.text.setVisible(not known.pending)
        self.text.setText(
            self.tr("Draw chips that the model fits.") if bands is None else self._lines(bands)
        )
        tip = bands.sentence() if bands is not None else ""
        for widget in (self, self.label, self.basis, self.badge, self.text):
            widget.setToolTip(tip)

    def _lines(self, bands: "DesignBands") -> str:
        decode = self.tr("TPOT {0} at {1} sequences x {2} tokens").format(
            time_text(bands.nominal_tpot_s, bands.tpot),
            f"{bands.sequences:,}",
            tokens_text(bands.context_tokens),
        )
        prompt = self.tr("One prompt of {0} tokens {1}").format(
            tokens_text(bands.prompt_tokens), time_text(bands.nominal_prefill_s, bands.ttft)
        )
        return "\n".join((decode, prompt, self._basis(bands)))

    def _kind(self, known: KnownBands) -> str:
        if known.pending:
            return PENDING
        if known.bands is None:
            return ""
        kind = known.bands.basis.kind
        names = {"fitted": self.tr("fitted"), "shrunken": self.tr("few data")}
        return names.get(kind, self.tr("prior"))

    def _basis(self, bands: "DesignBands") -> str:
        """What the step times rest on, in a few words; the tooltip has the whole."""
        basis = bands.basis
        if basis.kind == "fitted":
            return self.tr("Fitted on {0} measured numbers").format(f"{basis.rows:,}")
        if basis.kind == "shrunken":
            text = self.tr("Few measured numbers ({0}), drawn to the prior")
            return text.format(f"{basis.rows:,}")
        return self.tr("Prior: no measurement names this chip")
