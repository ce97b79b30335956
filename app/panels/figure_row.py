"""One catalogue figure in the inspector: value, range, confidence badge, and the user's own value."""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QLabel, QLineEdit, QToolButton

from app.panels.edits import parse_shown
from app.panels.fields import LineRow
from app.support.icons import icon
from engine.catalog.figures import Confidence, Figure
from engine.errors import EngineError, UnitError
from engine.topology.elements import Override
from engine.units import format_quantity

BADGES: dict[Confidence, str] = {
    Confidence.PUBLISHED: "P",
    Confidence.REPORTED: "R",
    Confidence.DERIVED: "D",
    Confidence.ESTIMATE: "E",
}


class FigureRow(LineRow):
    """Shows a figure; typing a value asks for the reason below and then overrides it."""

    def __init__(
        self,
        label: str,
        figure: Figure,
        override: Callable[[], Override | None],
        write: Callable[[Override | None], None],
        values: Callable[[], set[float]] | None = None,
    ) -> None:
        """A row of a figure; `values` are those of several devices, which may differ."""
        self._figure, self._override, self._write_override = figure, override, write
        self._values = values
        self._pending: float | None = None
        super().__init__(label, self._text, self._stage, figure_tooltip(label, figure))
        self.badge = QLabel()
        self.badge.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.badge.setFixedWidth(22)
        self.reset = QToolButton()
        self.reset.setIcon(icon("reset"))
        self.reset.setAutoRaise(True)
        self.reset.setToolTip(self.tr("Back to the catalogue's value"))
        self.reset.setAccessibleName(self.tr("Back to the catalogue's value"))
        self.reset.clicked.connect(self._on_reset)
        self.reason = QLineEdit()
        self.reason.setPlaceholderText(self.tr("Reason for your own value, then Enter"))
        self.reason.setAccessibleName(self.tr("Reason for your own value"))
        self.reason.setToolTip(self.tr("Why the value is another one: kept in the file with it"))
        self.reason.returnPressed.connect(self._on_reason)
        self.reason.setVisible(False)
        self.reset.setFixedWidth(22)
        self.grid.addWidget(self.badge, 0, 2)
        self.grid.addWidget(self.reset, 0, 2)
        self.grid.addWidget(self.reason, 1, 1, 1, 2)
        self.refresh()

    def refresh(self) -> None:
        """Shows the user's own value if there is one, else the catalogue's."""
        super().refresh()
        if not hasattr(self, "reason"):
            return  # called by the base class before the rest is built
        differ = self._values is not None and len(self._values()) > 1
        self.edit.setPlaceholderText(self.tr("different values") if differ else "")
        override = self._override()
        self.badge.setVisible(override is None and not differ)
        self.reset.setVisible(override is not None)
        self.badge.setText(BADGES[self._figure.confidence])
        self.badge.setToolTip(figure_tooltip(self.label.text(), self._figure))
        font = self.edit.font()
        font.setBold(override is not None)
        self.edit.setFont(font)
        tip = figure_tooltip(self.label.text(), self._figure)
        if override is not None:
            own = self.tr("Own value: {0}").format(_plain(override.reason))
            tip = tip.replace("</qt>", f"<p><b>{own}</b></p></qt>")
        self.edit.setToolTip(tip)
        self.badge.setEnabled(True)
        if self._figure.is_estimate:
            self.badge.setForegroundRole(QPalette.ColorRole.Highlight)

    def give_up(self) -> None:
        """Drops what was typed, the reason included."""
        if self._pending is None:
            self._hide_reason()
            super().give_up()

    def _text(self) -> str:
        values = self._values() if self._values is not None else set[float]()
        if len(values) > 1:
            return ""
        override = self._override()
        value = self._figure.value if override is None else override.value
        return format_quantity(value, self._figure.unit, 5)

    def _stage(self, text: str) -> None:
        """Reads the typed value and asks for the reason."""
        value = parse_shown(text, self._figure.unit)
        if value < 0:
            raise UnitError(text, self.tr("a value of 0 or more"))
        self._pending = value
        self.reason.setVisible(True)
        self.reason.setFocus()
        self.show_error("")

    def _on_reason(self) -> None:
        reason = self.reason.text().strip()
        if not reason:
            self.show_error(self.tr("Say why: the reason is kept in the file."))
            return
        value, self._pending = self._pending, None
        self.edit.setModified(False)
        self._hide_reason()
        if value is None:
            return
        try:
            self._write_override(Override(value=value, reason=reason))
        except EngineError as error:
            self.show_error(str(error))
        else:
            self.show_error("")
        self.refresh()

    def cancel(self) -> None:
        """Gives up a value that still wants its reason."""
        self._pending = None
        self.give_up()

    def _on_reset(self) -> None:
        try:
            self._write_override(None)
        except EngineError as error:
            self.show_error(str(error))

    def _hide_reason(self) -> None:
        self.reason.clear()
        self.reason.setVisible(False)


def figure_tooltip(label: str, figure: Figure) -> str:
    """Value, range, confidence, sources and note of a figure as rich text."""
    value = format_quantity(figure.value, figure.unit, 5)
    lines = [f"<b>{_plain(label)}</b>: {value}"]
    if figure.low is not None or figure.high is not None:
        low = format_quantity(figure.low_value, figure.unit)
        high = format_quantity(figure.high_value, figure.unit)
        lines.append(f"{low} ... {high}")
    lines.append(f"{figure.confidence.value}, {_plain(figure.date)}")
    lines += [_plain(source) for source in figure.source]
    if figure.note:
        lines.append(f"<i>{_plain(figure.note)}</i>")
    return "<qt>" + "<br/>".join(lines) + "</qt>"


def _plain(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
