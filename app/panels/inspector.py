"""The inspector: the page that fits the selection, kept in step with the document."""

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QScrollArea, QVBoxLayout, QWidget

from app.document import Document
from app.jobs.band_job import BandJob
from app.panels.design_form import DesignForm
from app.panels.element_form import ElementForm
from app.panels.fields import Form
from app.panels.link_form import LinkForm
from app.panels.pool_form import PoolForm
from app.panels.tenant_form import TenantForm


class InspectorPanel(QWidget):
    """Fields of the selection, or of the whole design without one; each edit is one command."""

    trace_requested = Signal()
    trace_columns_requested = Signal()

    def __init__(self, document: Document, bands: BandJob, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._bands = bands
        self._key: tuple[str, ...] | None = None
        self.tenant = -1  # the row whose page is shown while nothing is selected
        self.pool = -1  # the same of the pools beside the design's own deployment
        self._scroll = QScrollArea()
        self._scroll.setWidgetResizable(True)
        self._scroll.setFrameShape(QScrollArea.Shape.NoFrame)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._scroll)
        self.form: Form | None = None
        self._design_form: DesignForm | None = None
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(0)
        self._later.timeout.connect(self.rebuild)
        document.selection_changed.connect(self._on_selection)
        document.replaced.connect(self.show_design)
        document.changed.connect(self._on_changed)
        self.rebuild()

    def show_tenant(self, row: int) -> None:
        """The page of a tenant, until something is selected."""
        self.tenant, self.pool = row, -1
        self._document.select(frozenset())
        self._later.start()

    def show_pool(self, row: int) -> None:
        """The page of a pool, by its row in the table: the first is the design's own deployment."""
        self.tenant, self.pool = -1, row - 1
        self._document.select(frozenset())
        self._later.start()

    def show_design(self) -> None:
        """The page of the selection, or of the whole design."""
        self.tenant = self.pool = -1
        self._later.start()

    def _on_selection(self) -> None:
        if self._document.selection:
            self.tenant = self.pool = -1
        self._later.start()

    def rebuild(self) -> None:
        """Makes the page for the current selection."""
        self._key = self._selection_key()
        old, form = self.form, self._make_form()
        self.form = form
        if form is not self._design_form:
            self._connect(form)
        if form is self._scroll.widget():
            return
        taken = self._scroll.takeWidget()
        self._scroll.setWidget(form)
        form.show()
        if self._design_form is not None and taken is self._design_form:
            taken.setParent(self)  # it is the largest page and shown most often: it is kept
            taken.hide()
        elif old is not None and old is not self._design_form:
            old.deleteLater()

    def _connect(self, form: Form) -> None:
        form.trace_requested.connect(self.trace_requested)
        form.trace_columns_requested.connect(self.trace_columns_requested)

    def _shown_design(self) -> DesignForm:
        """The page of the design: the kept one where its fields still fit."""
        kept = self._design_form
        if kept is not None and not kept.is_outdated:
            kept.refresh()
            return kept
        if kept is not None:
            kept.deleteLater()
        self._design_form = made = DesignForm(self._document, self._bands)
        self._connect(made)
        return made

    def _selection_key(self) -> tuple[str, ...]:
        design = self._document.design()
        chosen = self._document.selection
        known = [name for name in design.ids() if name in chosen]
        return tuple(known)

    def _make_form(self) -> Form:
        design = self._document.design()
        key = self._key or ()
        elements = tuple(item.id for item in design.elements if item.id in key)
        if not key and 0 <= self.tenant < len(design.tenants):
            form = TenantForm(self._document, self.tenant)
            form.left.connect(self.show_design)
            return form
        if not key and 0 <= self.pool < len(design.pools):
            page = PoolForm(self._document, self.pool)
            page.left.connect(self.show_design)
            return page
        if not key:
            return self._shown_design()
        if elements:
            return ElementForm(self._document, elements)
        return LinkForm(self._document, key)

    def _on_changed(self, _change: object) -> None:
        outdated = (
            isinstance(self.form, DesignForm | TenantForm | PoolForm) and self.form.is_outdated
        )
        if self._selection_key() != self._key or outdated:
            self._later.start()
        elif self.form is not None:
            self.form.refresh()
