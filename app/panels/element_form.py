"""The inspector's page for elements: one, or several at once."""

from collections.abc import Callable
from functools import partial

import msgspec
from PySide6.QtCore import QCoreApplication

from app.document import Document
from app.models.palette_model import badge
from app.panels.edits import parse_whole, perform
from app.panels.fields import Form, LineRow, Section, TextRow
from app.panels.figure_row import FigureRow
from engine.catalog.devices import DeviceSpec
from engine.catalog.figures import Figure
from engine.errors import TopologyError, UnitError
from engine.topology.changes import MoveElements, PutElements
from engine.topology.elements import Element, Override
from engine.units import format_quantity

MAX_ARRAY = 100_000
AT_ONCE = 2  # figures: a row takes 10 ms while a study keeps the interpreter busy
MAX_COORDINATE = 1e7


class ElementForm(Form):
    """Name, place, count and every figure of the selected elements."""

    def __init__(self, document: Document, ids: tuple[str, ...]) -> None:
        super().__init__("")
        self._document = document
        self._ids = ids
        elements = self.elements()
        self._spec = document.catalog.devices.get(elements[0].spec)
        known = {element.spec for element in elements}
        self._specs = {name: document.catalog.devices.get(name) for name in known}
        self._fill_place(self.section(self.tr("Element")), single=len(ids) == 1)
        if len(known) > 1:
            self._fill_shared()
        elif self._spec is not None:
            self.later(partial(self._fill_spec, self.section(self.tr("Device")), self._spec))
            self._fill_figures(self.section(self.tr("Figures")), self._spec)
            if self._spec.ports:
                ports = self.section(self.tr("Ports"))
                self.later(partial(self._fill_ports, ports, self._spec))
        self.refresh()

    def refresh(self) -> None:
        """Shows the current values and the name in the title."""
        elements = self.elements()
        if not elements:
            return
        single = len(elements) == 1
        many = self.tr("{0} elements").format(len(elements))
        self.title.setText(elements[0].name if single else many)
        super().refresh()

    def elements(self) -> list[Element]:
        """The selected elements as they are now."""
        known = {element.id: element for element in self._document.design().elements}
        return [known[name] for name in self._ids if name in known]

    def _first(self) -> Element:
        elements = self.elements()
        if not elements:
            raise TopologyError(self.tr("The element"), self.tr("it was deleted meanwhile"))
        return elements[0]

    def _fill_place(self, section: Section, *, single: bool) -> None:
        if single:
            tip = self.tr("What canvas, lists and logs call it")
            section.add(LineRow(self.tr("Name"), lambda: self._first().name, self._rename, tip))
        else:
            tip = self.tr("A name for all, numbered: # stands for the number, as in GPU-#")
            section.add(LineRow(self.tr("Names"), lambda: "", self._rename_all, tip))
        tip = self.tr("x, y of the upper left corner, of several: of all of them together")
        section.add(LineRow(self.tr("Position"), self._position, self._move, tip))
        tip = self.tr("How many equal ones this element stands for")
        section.add(LineRow(self.tr("Count"), self._count, self._set_count, tip))
        if single:
            tip = self.tr("Members in a row of an array; 0: all in one row")
            section.add(
                LineRow(
                    self.tr("Columns"), lambda: str(self._first().columns), self._set_columns, tip
                )
            )

    def _fill_spec(self, section: Section, spec: DeviceSpec) -> None:
        mark = badge(spec)
        name = f"{spec.name} ({mark})" if mark else spec.name
        section.add(TextRow(self.tr("Type"), lambda: name))
        section.add(TextRow(self.tr("Maker"), lambda: spec.vendor))
        if spec.rack is not None:
            rack = spec.rack
            inside = self.tr("{0} x {1} chips, {2} a tray").format(
                rack.domains, rack.chips_per_domain, rack.chips_per_tray
            )
            section.add(TextRow(self.tr("Inside"), lambda: inside))
            catalog = self._document.catalog
            parts = [catalog.devices.get(part) for part in (rack.chip, rack.host, rack.switch)]
            names = ", ".join(part.name for part in parts if part is not None)
            section.add(TextRow(self.tr("Made of"), lambda: names))
        if spec.summary:
            section.add(TextRow(self.tr("Summary"), lambda: spec.summary))

    def _fill_figures(self, section: Section, spec: DeviceSpec) -> None:
        rows = [(figure_label(name), name, figure) for name, figure in spec.figures.items()]
        if spec.rack is not None:
            chip = self._document.catalog.devices.get(spec.rack.chip)
            for name, figure in (chip.figures if chip is not None else {}).items():
                if name in spec.figures or name.startswith("price"):
                    continue
                label = self.tr("Chip {0}").format(figure_label(name).lower())
                rows.append((label, name, figure))
        self._add_later(section, rows)

    def _add_later(self, section: Section, rows: list[tuple[str, str, Figure]]) -> None:
        """Figures a few at a time: a row takes some milliseconds to make."""
        for first in range(0, len(rows), AT_ONCE):
            self.later(partial(self._add_figures, section, rows[first : first + AT_ONCE]))

    def _add_figures(self, section: Section, rows: list[tuple[str, str, Figure]]) -> None:
        for label, name, figure in rows:
            section.add(self._figure_row(label, name, figure))

    def _fill_shared(self) -> None:
        """Figures that devices of several types have all of them, in the same unit."""
        specs = [spec for spec in self._specs.values() if spec is not None]
        if len(specs) < len(self._specs):
            return
        first, *others = (spec.figures for spec in specs)
        shared = [
            name
            for name, figure in first.items()
            if all(name in other and other[name].unit == figure.unit for other in others)
        ]
        if shared:
            section = self.section(self.tr("Figures that all have"))
            self._add_later(section, [(figure_label(n), n, first[n]) for n in shared])

    def _figure_row(self, label: str, name: str, figure: Figure) -> FigureRow:
        values = self._values(name) if len(self._ids) > 1 else None
        return FigureRow(label, figure, self._reader(name), self._writer(name), values)

    def _values(self, name: str) -> Callable[[], set[float]]:
        """The values that the elements have of a figure."""

        def read() -> set[float]:
            found = set()
            for element in self.elements():
                spec = self._specs.get(element.spec)
                own = element.overrides.get(name)
                figure = spec.figures.get(name) if spec is not None else None
                if own is not None or figure is not None:
                    found.add(own.value if own is not None else figure.value if figure else 0.0)
            return found

        return read

    def _fill_ports(self, section: Section, spec: DeviceSpec) -> None:
        for port in spec.ports:
            rate = format_quantity(port.bandwidth_bytes_per_s.value, "B/s")
            text = f"{port.count} x {port.medium.value}, {rate}"
            section.add(TextRow(port.name, _constant(text)))

    def _position(self) -> str:
        x, y = self._corner()
        return f"{x:g}, {y:g}"

    def _corner(self) -> tuple[float, float]:
        elements = self.elements() or [self._first()]
        return min(item.x for item in elements), min(item.y for item in elements)

    def _count(self) -> str:
        counts = {element.count for element in self.elements()}
        return f"{counts.pop()}" if len(counts) == 1 else ""

    def _rename(self, text: str) -> None:
        if not text:
            raise UnitError(text, self.tr("a name"))
        element = self._first()
        change = PutElements((msgspec.structs.replace(element, name=text),))
        perform(self._document, self.tr("Rename {0}").format(element.name), change)

    def _rename_all(self, text: str) -> None:
        if not text:
            return
        pattern = text if "#" in text else f"{text} #"
        taken = {
            element.name
            for element in self._document.topology.elements.values()
            if element.id not in self._ids
        }
        records, number = [], 0
        for element in self.elements():
            number += 1
            while (name := pattern.replace("#", str(number))) in taken:
                number += 1
            records.append(msgspec.structs.replace(element, name=name))
        change = PutElements(tuple(records))
        perform(self._document, self.tr("Rename {0} elements").format(len(records)), change)

    def _move(self, text: str) -> None:
        parts = text.replace(";", ",").split(",")
        try:
            x, y = (float(part) for part in parts)
        except ValueError:
            raise UnitError(text, self.tr("two numbers, such as 320, 160")) from None
        if not (abs(x) <= MAX_COORDINATE and abs(y) <= MAX_COORDINATE):
            raise UnitError(text, self.tr("a place on the canvas"))
        left, top = self._corner()
        elements = self.elements()
        places = tuple((item.x + x - left, item.y + y - top) for item in elements)
        change = MoveElements(tuple(item.id for item in elements), places)
        perform(self._document, self.tr("Move"), change)

    def _set_count(self, text: str) -> None:
        count = parse_whole(text, 1, MAX_ARRAY)
        records = [msgspec.structs.replace(item, count=count) for item in self.elements()]
        perform(
            self._document, self.tr("Set count to {0}").format(count), PutElements(tuple(records))
        )

    def _set_columns(self, text: str) -> None:
        columns = parse_whole(text, 0, MAX_ARRAY)
        change = PutElements((msgspec.structs.replace(self._first(), columns=columns),))
        perform(self._document, self.tr("Set columns"), change)

    def _reader(self, name: str) -> Callable[[], Override | None]:
        def read() -> Override | None:
            elements = self.elements()
            return elements[0].overrides.get(name) if elements else None

        return read

    def _writer(self, name: str) -> Callable[[Override | None], None]:
        def write(override: Override | None) -> None:
            records = []
            for element in self.elements():
                overrides = {key: own for key, own in element.overrides.items() if key != name}
                if override is not None:
                    overrides[name] = override
                records.append(msgspec.structs.replace(element, overrides=overrides))
            text = self.tr("Own value of {0}").format(figure_label(name).lower())
            perform(self._document, text, PutElements(tuple(records)))

        return write


def _constant(text: str) -> Callable[[], str]:
    return lambda: text


def figure_label(name: str) -> str:
    """A standard figure's name in the user's words; an unknown one with its underscores gone."""
    tr = QCoreApplication.translate
    known = {
        "memory_bytes": tr("Figures", "Memory"),
        "memory_bandwidth_bytes_per_s": tr("Figures", "Memory bandwidth"),
        "bf16_flops": tr("Figures", "BF16 rate"),
        "fp8_flops": tr("Figures", "FP8 rate"),
        "fp4_flops": tr("Figures", "FP4 rate"),
        "int8_flops": tr("Figures", "INT8 rate"),
        "scale_up_bytes_per_s": tr("Figures", "Scale-up"),
        "power_w": tr("Figures", "Power"),
        "idle_power_w": tr("Figures", "Idle power"),
        "price_cny": tr("Figures", "Price (CNY)"),
        "price_usd": tr("Figures", "Price (USD)"),
        "pcie_bytes_per_s": tr("Figures", "PCIe"),
        "cores": tr("Figures", "Cores"),
        "host_memory_bytes": tr("Figures", "Host memory"),
        "switch_bytes_per_s": tr("Figures", "Switching"),
        "latency_s": tr("Figures", "Latency"),
        "ssd_bytes_per_s": tr("Figures", "SSD rate"),
        "ssd_bytes": tr("Figures", "SSD capacity"),
        "rack_power_limit_w": tr("Figures", "Rack power limit"),
        "efficiency": tr("Figures", "Link efficiency"),
    }
    return known.get(name, name.replace("_", " ").capitalize())
