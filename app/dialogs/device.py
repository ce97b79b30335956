"""The device editor: name, figures, ports and, of a rack, its inside; values are checked as typed."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import msgspec
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QTableWidget,
    QTableWidgetItem,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from app.dialogs.buttons import ok_and_cancel
from app.support.theme import canvas_colors
from engine.catalog.catalog import Catalog
from engine.catalog.device_rules import FABRICS, MOST_CHIPS, MOST_PORTS, check_device, check_parts
from engine.catalog.devices import DeviceKind, DeviceSpec, Medium, PortSpec, RackTemplate
from engine.catalog.figures import Figure
from engine.errors import CatalogError, EngineError
from engine.scenario.own_devices import own_figure
from engine.units import format_quantity, parse_quantity

WANTED = QSize(640, 560)
MOST_NAME = 100
DIGITS = 6
USUAL_REASON = "own value"
FIGURE_UNITS = {
    "memory_bytes": "B",
    "memory_bandwidth_bytes_per_s": "B/s",
    "bf16_flops": "FLOP/s",
    "fp8_flops": "FLOP/s",
    "fp4_flops": "FLOP/s",
    "int8_flops": "FLOP/s",
    "scale_up_bytes_per_s": "B/s",
    "pcie_bytes_per_s": "B/s",
    "power_w": "W",
    "idle_power_w": "W",
    "rack_power_limit_w": "W",
    "price_cny": "CNY",
    "price_usd": "USD",
    "cores": "count",
    "multiprocessors": "count",
    "host_memory_bytes": "B",
    "switch_bytes_per_s": "B/s",
    "latency_s": "s",
    "ssd_bytes_per_s": "B/s",
    "ssd_bytes": "B",
    "efficiency": "ratio",
    "in_switch_reduction": "count",
}
VALUE, LOW, HIGH, REASON = 1, 2, 3, 4
PORT_NAME, PORT_MEDIUM, PORT_COUNT, PORT_RATE, PORT_LATENCY = range(5)
PARTS = (
    ("chip", DeviceKind.CHIP),
    ("host", DeviceKind.HOST),
    ("nic", DeviceKind.NIC),
    ("switch", DeviceKind.SWITCH),
)
COUNTS = (
    "domains", "chips_per_domain", "chips_per_tray", "chips_per_host", "nics_per_chip", "planes",
)  # fmt: skip


class _Known(NamedTuple):
    """A quantity as it was shown, so that what nobody touched stays exact."""

    text: str
    value: float | None


class DeviceDialog(QDialog):
    """Edits a copy of a device; OK is off while something of it cannot be."""

    def __init__(
        self,
        spec: DeviceSpec,
        catalog: Catalog,
        label: Callable[[str], str],
        date: str,
        parent: QWidget | None = None,
    ) -> None:
        """Shows a device.

        Args:
            spec: what is edited, or where a new one begins.
            catalog: the shop with the design's own devices, for the parts of racks.
            label: the user's words for a standard figure.
            date: of the figures that are changed.
            parent: the window.
        """
        super().__init__(parent)
        self._spec, self._catalog, self._label, self._date = spec, catalog, label, date
        self.setWindowTitle(self.tr("Device: {0}").format(spec.name))
        self._known: dict[tuple[int, int], _Known] = {}
        self._filling = True
        self.name = self._line(spec.name, self.tr("Name"))
        self.vendor = self._line(spec.vendor, self.tr("Maker"))
        self.summary = self._line(spec.summary, self.tr("Summary"))
        self.figures = self._make_figures()
        self.ports = self._make_ports()
        self.parts: dict[str, QComboBox] = {}
        self.counts: dict[str, QSpinBox] = {}
        self.fabric = QComboBox()
        self.tabs = QTabWidget()
        self.tabs.addTab(self._figures_page(), self.tr("Figures"))
        self.tabs.addTab(self._ports_page(), self.tr("Ports"))
        if spec.rack is not None:
            self.tabs.addTab(self._inside_page(spec.rack), self.tr("Inside"))
        self.note = QLabel()
        self.note.setWordWrap(True)
        self.note.setTextFormat(Qt.TextFormat.PlainText)
        self.buttons = ok_and_cancel(self)
        form = QFormLayout()
        form.addRow(self.tr("&Name"), self.name)
        form.addRow(self.tr("&Maker"), self.vendor)
        form.addRow(self.tr("&Summary"), self.summary)
        layout = QVBoxLayout(self)
        layout.addLayout(form)
        layout.addWidget(self.tabs, 1)
        layout.addWidget(self.note)
        layout.addWidget(self.buttons)
        self.resize(WANTED)
        self._filling = False
        self._show()

    def device(self) -> DeviceSpec:
        """The device as it is typed.

        Raises:
            EngineError: something of it cannot be; the text names it.
        """
        name = self.name.text().strip()
        if not 0 < len(name) <= MOST_NAME:
            raise CatalogError(self.tr("The name"), self.tr("is empty or too long"))
        spec = msgspec.structs.replace(
            self._spec,
            name=name,
            vendor=self.vendor.text().strip(),
            summary=self.summary.text().strip(),
            figures=self._typed_figures(),
            ports=tuple(self._typed_port(row) for row in range(self.ports.rowCount())),
            rack=self._typed_rack(),
        )
        check_device(spec, name)
        check_parts(spec, self._catalog.devices)
        return spec

    def add_figure(self, name: str) -> None:
        """A row for another figure, to be filled in."""
        self._figure_row(name, FIGURE_UNITS[name], None)
        self.figures.setCurrentCell(self.figures.rowCount() - 1, VALUE)
        self._offer_figures()
        self._show()

    def add_port(self) -> None:
        """A group of ports like the last one."""
        row = self.ports.rowCount()
        self._port_row(self._typed_port(row - 1) if row else _first_port(self._date))
        taken = {self._text(self.ports, other, PORT_NAME) for other in range(row)}
        number = row + 1
        while f"port{number}" in taken:
            number += 1
        self._cell(self.ports, row, PORT_NAME).setText(f"port{number}")
        self._show()

    def remove_row(self, table: QTableWidget) -> None:
        """Takes the current row of a table away."""
        row = table.currentRow()
        if row < 0:
            return
        table.removeRow(row)
        if table is self.figures:
            self._known = {
                (r - (r > row), c): known for (r, c), known in self._known.items() if r != row
            }
            self._offer_figures()
        self._show()

    # ------------------------------------------------------------------ pages

    def _figures_page(self) -> QWidget:
        self.more = QComboBox()
        self.more.setAccessibleName(self.tr("Another figure"))
        self.more.setToolTip(self.tr("Adds a figure that the device has none of yet"))
        self._offer_figures()
        self.more.activated.connect(self._on_more)
        return self._page(self.figures, self.more)

    def _ports_page(self) -> QWidget:
        add = QPushButton(self.tr("&Add ports"))
        add.setToolTip(self.tr("Another group of equal ports"))
        add.setAutoDefault(False)
        add.clicked.connect(self.add_port)
        return self._page(self.ports, add)

    def _page(self, table: QTableWidget, add: QWidget) -> QWidget:
        drop = QPushButton(self.tr("&Remove"))
        drop.setToolTip(self.tr("Takes the current row away"))
        drop.setAutoDefault(False)
        drop.clicked.connect(lambda: self.remove_row(table))
        page = QWidget()
        layout = QVBoxLayout(page)
        layout.addWidget(table, 1)
        row = QHBoxLayout()
        row.addWidget(add)
        row.addStretch(1)
        row.addWidget(drop)
        layout.addLayout(row)
        return page

    def _inside_page(self, rack: RackTemplate) -> QWidget:
        page = QWidget()
        form = QFormLayout(page)
        words = {
            "chip": self.tr("Chips"), "host": self.tr("Hosts"), "nic": self.tr("Network cards"),
            "switch": self.tr("Scale-up switches"), "domains": self.tr("Scale-up domains"),
            "chips_per_domain": self.tr("Chips of a domain"),
            "chips_per_tray": self.tr("Chips of a tray"),
            "chips_per_host": self.tr("Chips of a host"),
            "nics_per_chip": self.tr("Network cards of a chip"),
            "planes": self.tr("Planes of switches"),
        }  # fmt: skip
        for name, kind in PARTS:
            box = self.parts[name] = QComboBox()
            for spec in self._catalog.devices.values():
                if spec.kind is kind:
                    box.addItem(spec.name, spec.id)
            box.setCurrentIndex(box.findData(getattr(rack, name)))
            box.currentIndexChanged.connect(self._show)
            self._named(box, words[name])
            form.addRow(words[name], box)
        for name in COUNTS:
            count = self.counts[name] = QSpinBox()
            count.setRange(0 if name == "nics_per_chip" else 1, MOST_CHIPS)
            count.setValue(getattr(rack, name))
            count.valueChanged.connect(self._show)
            self._named(count, words[name])
            form.addRow(words[name], count)
        for fabric, text in zip(FABRICS, (self.tr("switched"), self.tr("mesh")), strict=True):
            self.fabric.addItem(text, fabric)
        self.fabric.setCurrentIndex(self.fabric.findData(rack.fabric))
        self.fabric.currentIndexChanged.connect(self._show)
        self._named(self.fabric, self.tr("Scale-up fabric"))
        form.addRow(self.tr("Scale-up fabric"), self.fabric)
        return page

    # ------------------------------------------------------------------ tables

    def _make_figures(self) -> QTableWidget:
        titles = [
            self.tr("Figure"), self.tr("Value"), self.tr("From"), self.tr("To"), self.tr("Source"),
        ]  # fmt: skip
        self.figures = table = self._table(titles, self.tr("Figures"))
        for name, figure in self._spec.figures.items():
            self._figure_row(name, figure.unit, figure)
        return table

    def _figure_row(self, name: str, unit: str, figure: Figure | None) -> None:
        table, row = self.figures, self.figures.rowCount()
        self._filling, before = True, self._filling
        table.insertRow(row)
        title = QTableWidgetItem(self._label(name))
        title.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable)
        title.setData(Qt.ItemDataRole.UserRole, (name, unit))
        table.setItem(row, 0, title)
        values: tuple[float | None, ...] = (None, None, None)
        if figure is not None:
            values = (figure.value, figure.low, figure.high)
        for column, value in zip((VALUE, LOW, HIGH), values, strict=True):
            text = "" if value is None else format_quantity(value, unit, DIGITS)
            self._known[row, column] = _Known(text, value)
            table.setItem(row, column, QTableWidgetItem(text))
        source = "; ".join(figure.source) if figure is not None else USUAL_REASON
        table.setItem(row, REASON, QTableWidgetItem(source))
        self._filling = before

    def _make_ports(self) -> QTableWidget:
        titles = [
            self.tr("Name"), self.tr("Medium"), self.tr("Count"), self.tr("Bandwidth of one"),
            self.tr("Latency"),
        ]  # fmt: skip
        self.ports = table = self._table(titles, self.tr("Ports"))
        for port in self._spec.ports:
            self._port_row(port)
        return table

    def _port_row(self, port: PortSpec) -> None:
        table, row = self.ports, self.ports.rowCount()
        self._filling, before = True, self._filling
        table.insertRow(row)
        name = QTableWidgetItem(port.name)
        name.setData(Qt.ItemDataRole.UserRole, port)
        table.setItem(row, PORT_NAME, name)
        medium = QComboBox()
        for one in Medium:
            medium.addItem(one.value, one)
        medium.setCurrentIndex(medium.findData(port.medium))
        medium.currentIndexChanged.connect(self._show)
        self._named(medium, self.tr("Medium"))
        table.setCellWidget(row, PORT_MEDIUM, medium)
        texts = (
            f"{port.count}",
            format_quantity(port.bandwidth_bytes_per_s.value, "B/s", DIGITS),
            format_quantity(port.latency_s.value, "s", DIGITS),
        )
        for column, text in zip((PORT_COUNT, PORT_RATE, PORT_LATENCY), texts, strict=True):
            table.setItem(row, column, QTableWidgetItem(text))
        self._filling = before

    def _table(self, titles: list[str], name: str) -> QTableWidget:
        table = QTableWidget(0, len(titles))
        table.setHorizontalHeaderLabels(titles)
        table.verticalHeader().hide()
        header = table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setStretchLastSection(True)
        table.setTabKeyNavigation(False)
        table.itemChanged.connect(self._show)
        self._named(table, name)
        return table

    # ------------------------------------------------------------------ what was typed

    def _typed_figures(self) -> dict[str, Figure]:
        found: dict[str, Figure] = {}
        for row in range(self.figures.rowCount()):
            name, unit = self._cell(self.figures, row, 0).data(Qt.ItemDataRole.UserRole)
            value, low, high = (self._quantity(row, c, unit) for c in (VALUE, LOW, HIGH))
            if value is None:
                raise CatalogError(self._label(name), self.tr("has no value"))
            if value != self._known[row, VALUE].value and not self._is_touched(row, LOW, HIGH):
                low = high = None  # the range of another value
            before = self._spec.figures.get(name)
            reason = self._reason(row, before, (value, low, high))
            found[name] = own_figure(before, unit, value, (low, high), reason, self._date)
        return found

    def _quantity(self, row: int, column: int, unit: str) -> float | None:
        text = self._text(self.figures, row, column)
        known = self._known.get((row, column))
        if known is not None and known.text == text:
            return known.value
        return parse_quantity(text, unit) if text else None

    def _reason(
        self, row: int, before: Figure | None, typed: tuple[float, float | None, float | None]
    ) -> str:
        """The source as typed; a maker's source does not stand for a value that is not the maker's."""
        text = self._text(self.figures, row, REASON)
        if before is None or text != "; ".join(before.source):
            return text
        return text if typed == (before.value, before.low, before.high) else USUAL_REASON

    def _is_touched(self, row: int, *columns: int) -> bool:
        return any(
            self._text(self.figures, row, column) != self._known[row, column].text
            for column in columns
        )

    def _typed_port(self, row: int) -> PortSpec:
        before: PortSpec = self._cell(self.ports, row, PORT_NAME).data(Qt.ItemDataRole.UserRole)
        medium = self.ports.cellWidget(row, PORT_MEDIUM)
        count = parse_quantity(self._text(self.ports, row, PORT_COUNT), "count")
        if count != int(count) or not 1 <= count <= MOST_PORTS:
            raise CatalogError(self.tr("Ports"), self.tr("are 1 to {0:,}").format(MOST_PORTS))
        return PortSpec(
            name=self._text(self.ports, row, PORT_NAME),
            medium=medium.currentData() if isinstance(medium, QComboBox) else before.medium,
            count=int(count),
            bandwidth_bytes_per_s=self._port_figure(row, PORT_RATE, before.bandwidth_bytes_per_s),
            latency_s=self._port_figure(row, PORT_LATENCY, before.latency_s),
        )

    def _port_figure(self, row: int, column: int, before: Figure) -> Figure:
        text = self._text(self.ports, row, column)
        if text == format_quantity(before.value, before.unit, DIGITS):
            return before
        value = parse_quantity(text, before.unit)
        if value <= 0 and column == PORT_RATE:
            raise CatalogError(self.tr("Bandwidth of one"), self.tr("is not above 0"))
        return own_figure(None, before.unit, value, (None, None), USUAL_REASON, self._date)

    def _typed_rack(self) -> RackTemplate | None:
        rack = self._spec.rack
        if rack is None:
            return None
        chosen: Mapping[str, object] = {
            **{name: str(box.currentData()) for name, box in self.parts.items()},
            **{name: box.value() for name, box in self.counts.items()},
            "fabric": self.fabric.currentData(),
        }
        return msgspec.structs.replace(rack, **chosen)

    @staticmethod
    def _cell(table: QTableWidget, row: int, column: int) -> QTableWidgetItem:
        item = table.item(row, column)
        if item is None:
            raise IndexError(row, column)
        return item

    @classmethod
    def _text(cls, table: QTableWidget, row: int, column: int) -> str:
        return cls._cell(table, row, column).text().strip()

    # ------------------------------------------------------------------ small things

    def _show(self, *_args: object) -> None:
        """Says what cannot be, and switches OK."""
        if self._filling:
            return
        palette = QPalette(self.palette())
        text = self.tr(
            "Own values carry the badge E: they are yours, no maker has published them."
        )
        ok = self.buttons.button(QDialogButtonBox.StandardButton.Ok)
        try:
            self.device()
        except EngineError as error:
            text = str(error)
            if isinstance(error, CatalogError):  # its way out is one of the catalogue's own
                text = f"{error.place}: {error.reason}"
            palette.setColor(QPalette.ColorRole.WindowText, QColor(canvas_colors(palette).bad))
            ok.setEnabled(False)
        else:
            ok.setEnabled(True)
        self.note.setPalette(palette)
        self.note.setText(text)

    def _offer_figures(self) -> None:
        rows = range(self.figures.rowCount())
        taken = {
            self._cell(self.figures, row, 0).data(Qt.ItemDataRole.UserRole)[0] for row in rows
        }
        self.more.clear()
        self.more.addItem(self.tr("Add a figure..."))
        for name in FIGURE_UNITS:
            if name not in taken:
                self.more.addItem(self._label(name), name)

    def _on_more(self, index: int) -> None:
        name = self.more.itemData(index)
        if name:
            self.add_figure(str(name))

    def _line(self, text: str, name: str) -> QLineEdit:
        line = QLineEdit(text)
        line.textChanged.connect(self._show)
        self._named(line, name)
        return line

    def _named(self, widget: QWidget, name: str) -> None:
        widget.setAccessibleName(name)
        widget.setToolTip(name)


def _first_port(date: str) -> PortSpec:
    return PortSpec(
        name="port",
        medium=Medium.ETHERNET,
        count=1,
        bandwidth_bytes_per_s=own_figure(None, "B/s", 50e9, (None, None), USUAL_REASON, date),
        latency_s=own_figure(None, "s", 600e-9, (None, None), USUAL_REASON, date),
    )
