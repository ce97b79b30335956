"""The shop as a tree for the palette: groups by kind, a leaf per device, draggable."""

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QCoreApplication, QMimeData, QModelIndex, Qt
from PySide6.QtGui import QStandardItem, QStandardItemModel

from app.support.icons import icon
from engine.catalog.catalog import Catalog
from engine.catalog.devices import DeviceKind, DeviceSpec, Status
from engine.storage.blocks import Block
from engine.units import format_quantity

SPEC_MIME = "application/x-rackflow-spec"
MOST_DIGITS = 6
SPEC_ROLE = Qt.ItemDataRole.UserRole + 1
BADGE_ROLE = Qt.ItemDataRole.UserRole + 2
GROUP_ROLE = Qt.ItemDataRole.UserRole + 3
BLOCKS, OWN = "blocks", "own"

# Order of the groups: what one begins a drawing with comes first.
KINDS: tuple[DeviceKind, ...] = (
    DeviceKind.RACK,
    DeviceKind.CHIP,
    DeviceKind.HOST,
    DeviceKind.SWITCH,
    DeviceKind.NIC,
    DeviceKind.STORAGE,
    DeviceKind.CLIENT,
)

KEY_FIGURES: tuple[tuple[str, str], ...] = (
    ("memory_bytes", "memory"),
    ("memory_bandwidth_bytes_per_s", "memory bandwidth"),
    ("fp8_flops", "FP8"),
    ("fp4_flops", "FP4"),
    ("bf16_flops", "BF16"),
    ("scale_up_bytes_per_s", "scale-up, one direction"),
    ("switch_bytes_per_s", "switching, one direction"),
    ("cores", "cores"),
    ("ssd_bytes", "capacity"),
    ("power_w", "power"),
)


def kind_title(kind: DeviceKind) -> str:
    """The heading of a group of devices."""
    tr = QCoreApplication.translate
    return {
        DeviceKind.RACK: tr("PaletteModel", "Racks"),
        DeviceKind.CHIP: tr("PaletteModel", "Chips"),
        DeviceKind.HOST: tr("PaletteModel", "Hosts"),
        DeviceKind.SWITCH: tr("PaletteModel", "Switches"),
        DeviceKind.NIC: tr("PaletteModel", "Network cards"),
        DeviceKind.STORAGE: tr("PaletteModel", "Storage"),
        DeviceKind.CLIENT: tr("PaletteModel", "Clients"),
    }[kind]


def badge(spec: DeviceSpec) -> str:
    """What is to be known about a device before using it: what-if, announced, estimate."""
    tr = QCoreApplication.translate
    if spec.label:
        return spec.label
    if spec.status is Status.WHAT_IF:
        return tr("PaletteModel", "what-if")
    if spec.status is Status.ANNOUNCED:
        return tr("PaletteModel", "announced")
    if spec.status is Status.PLACEHOLDER:
        return tr("PaletteModel", "placeholder")
    if spec.figures and all(figure.is_estimate for figure in spec.figures.values()):
        return tr("PaletteModel", "estimate")
    return ""


def tooltip(spec: DeviceSpec) -> str:
    """Name, maker, summary and key figures of a device as rich text."""
    rows = []
    for name, label in KEY_FIGURES:
        figure = spec.figure(name)
        if figure is not None:
            mark = " ~" if figure.is_estimate else ""
            value = format_quantity(figure.value, figure.unit)
            rows.append(f"<tr><td>{_escape(label)}&nbsp;&nbsp;</td><td>{value}{mark}</td></tr>")
    if spec.rack is not None:
        chips = spec.rack.domains * spec.rack.chips_per_domain
        rows.insert(0, f"<tr><td>chips&nbsp;&nbsp;</td><td>{chips}</td></tr>")
    mark = badge(spec)
    head = f"<b>{_escape(spec.name)}</b> {_escape(f'({mark})' if mark else '')}"
    note = f"<p>{_escape(spec.summary)}</p>" if spec.summary else ""
    return f"<qt>{head}<br/>{_escape(spec.vendor)}{note}<table>{''.join(rows)}</table></qt>"


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def dragged_device(data: QMimeData) -> tuple[str, int]:
    """The spec id and the number of devices that a drag carries; no id, no drag of ours."""
    if not data.hasFormat(SPEC_MIME):
        return "", 1
    text = bytes(data.data(SPEC_MIME).data()).decode("utf-8", "replace")
    spec, _, count = text.partition("\n")
    return spec, int(count) if count.isdecimal() and len(count) < MOST_DIGITS else 1


class PaletteModel(QStandardItemModel):
    """Two levels: kinds, devices. A dragged device carries its spec id and `count` as `SPEC_MIME`."""

    def __init__(self, catalog: Catalog) -> None:
        super().__init__()
        self.count = 1  # how many of it a drag places
        for kind in KINDS:
            specs = [spec for spec in catalog.devices.values() if spec.kind is kind]
            if not specs:
                continue
            group = self._group_item(kind_title(kind))
            for spec in specs:
                group.appendRow(self._device_item(spec))
            self.appendRow(group)

    def show_own(self, devices: Sequence[DeviceSpec]) -> None:
        """Lists the devices of the design itself."""
        title = QCoreApplication.translate("PaletteModel", "This design")
        self._show_group(OWN, title, [self._device_item(spec) for spec in devices])

    def show_blocks(self, blocks: Mapping[str, Block]) -> None:
        """Lists the user's own blocks, by their keys."""
        title = QCoreApplication.translate("PaletteModel", "My blocks")
        items = [self._block_item(key, block) for key, block in blocks.items()]
        self._show_group(BLOCKS, title, items)

    def _show_group(self, key: str, title: str, items: list[QStandardItem]) -> None:
        """Replaces a group at the end; one without items is left out."""
        for row in range(self.rowCount()):
            if self.item(row).data(GROUP_ROLE) == key:
                self.removeRow(row)
                break
        if items:
            group = self._group_item(title)
            group.setData(key, GROUP_ROLE)
            group.appendRows(items)
            self.appendRow(group)

    def refresh_icons(self) -> None:
        """Draws the icons again in the colours of the current palette."""
        for row in range(self.rowCount()):
            group = self.item(row)
            for child_row in range(group.rowCount()):
                child = group.child(child_row)
                child.setIcon(icon(str(child.data(Qt.ItemDataRole.UserRole))))

    def mimeTypes(self) -> list[str]:
        """The one type that a drag from here carries."""
        return [SPEC_MIME]

    def mimeData(self, indexes: Sequence[QModelIndex]) -> QMimeData:
        """The spec id of the dragged device."""
        data = QMimeData()
        for index in indexes:
            spec_id = index.data(SPEC_ROLE)
            if spec_id:
                data.setData(SPEC_MIME, f"{spec_id}\n{self.count}".encode())
        return data

    @staticmethod
    def _group_item(title: str) -> QStandardItem:
        group = QStandardItem(title)
        group.setFlags(Qt.ItemFlag.ItemIsEnabled)
        font = group.font()
        font.setBold(True)
        group.setFont(font)
        return group

    @staticmethod
    def _block_item(key: str, block: Block) -> QStandardItem:
        item = QStandardItem(block.name)
        item.setIcon(icon("block"))
        item.setData("block", Qt.ItemDataRole.UserRole)
        item.setData(key, SPEC_ROLE)
        devices = sum(element.count for element in block.parts.elements)
        tr = QCoreApplication.translate
        text = tr("PaletteModel", "devices: {0:,}, links: {1:,}").format(
            devices, len(block.parts.links)
        )
        item.setToolTip(f"<qt><b>{_escape(block.name)}</b><br/>{text}</qt>")
        item.setData(f"{block.name}, {text}", Qt.ItemDataRole.AccessibleTextRole)
        item.setFlags(
            Qt.ItemFlag.ItemIsEnabled
            | Qt.ItemFlag.ItemIsSelectable
            | Qt.ItemFlag.ItemIsDragEnabled
        )
        return item

    @staticmethod
    def _device_item(spec: DeviceSpec) -> QStandardItem:
        item = QStandardItem(spec.name)
        item.setIcon(icon(spec.kind.value))
        item.setData(spec.kind.value, Qt.ItemDataRole.UserRole)
        item.setData(spec.id, SPEC_ROLE)
        item.setData(badge(spec), BADGE_ROLE)
        item.setToolTip(tooltip(spec))
        mark = badge(spec)
        spoken = f"{spec.name}, {mark}" if mark else spec.name
        item.setData(spoken, Qt.ItemDataRole.AccessibleTextRole)
        item.setFlags(
            Qt.ItemFlag.ItemIsEnabled
            | Qt.ItemFlag.ItemIsSelectable
            | Qt.ItemFlag.ItemIsDragEnabled
        )
        return item
