"""Own devices of a design: made from those of the shop, edited and removed, each as one step."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPoint
from PySide6.QtWidgets import QDialog, QMenu

from app.actions.registry import ActionRegistry
from app.dialogs.device import DeviceDialog
from app.panels.element_form import figure_label
from app.panels.palette import PalettePanel
from app.shell.features import Handlers, Shell
from engine.catalog.devices import DeviceSpec
from engine.errors import EngineError
from engine.scenario.own_devices import OWN, draft_of, drop_device, put_device

if TYPE_CHECKING:
    from collections.abc import Callable


class OwnDevices(QObject):
    """The device editor, from the selection or from the palette."""

    def __init__(self, shell: Shell, actions: ActionRegistry, palette: PalettePanel) -> None:
        super().__init__(shell.widget)
        self._shell, self._palette = shell, palette
        self._action = actions["edit.device"]
        self._shown: tuple[DeviceSpec, ...] = ()
        self.dialog: DeviceDialog | None = None
        self.present: Callable[[QDialog], None] = QDialog.open
        palette.menu_requested.connect(self._show_menu)
        document = shell.document
        document.selection_changed.connect(self._show_enabled)
        document.changed.connect(self._show_devices)
        document.replaced.connect(self._show_devices)
        self._show_devices()
        self._show_enabled()

    def handlers(self) -> Handlers:
        """What its action does."""
        return {"edit.device": self.edit_selected}

    def edit_selected(self) -> None:
        """Edits the device of the selected elements; of the shop, a copy that they then are."""
        spec = self._selected_spec()
        if spec is None:
            return
        chosen = frozenset(
            element.id
            for element in self._shell.document.topology.elements.values()
            if element.id in self._shell.document.selection
        )
        self.edit(spec, chosen)

    def edit(self, spec: DeviceSpec, elements: frozenset[str] = frozenset()) -> None:
        """Shows the editor; elements get the device with OK."""
        own = spec.id.startswith(OWN)
        shown = spec if own else draft_of(spec, self.tr("{0} (own)").format(spec.name))
        date = datetime.now(UTC).date().isoformat()
        document = self._shell.document
        dialog = self.dialog = DeviceDialog(
            shown, document.catalog, figure_label, date, self._shell.widget
        )
        dialog.accepted.connect(lambda: self._keep(dialog, elements))
        dialog.finished.connect(dialog.deleteLater)
        self.present(dialog)

    def remove(self, spec_id: str) -> None:
        """Takes an own device out of the design, unless it is in use."""
        document = self._shell.document
        try:
            verdict = document.perform(
                self.tr("Remove device"), drop_device(document.design(), spec_id)
            )
        except EngineError as error:
            self._shell.say(str(error))
            return
        if not verdict.ok:
            self._shell.say(verdict.reason)

    def menu_of(self, what: str) -> QMenu | None:
        """What can be done with a device of the palette; None for what is none."""
        spec = self._shell.document.catalog.devices.get(what)
        if spec is None:
            return None
        menu = QMenu(self._palette)
        if spec.id.startswith(OWN):
            menu.addAction(self.tr("Edit..."), lambda: self.edit(spec))
            menu.addAction(self.tr("Remove from the design"), lambda: self.remove(spec.id))
        else:
            menu.addAction(self.tr("New device like this..."), lambda: self.edit(spec))
        menu.aboutToHide.connect(menu.deleteLater)
        return menu

    def _keep(self, dialog: DeviceDialog, elements: frozenset[str]) -> None:
        document = self._shell.document
        try:
            change, spec = put_device(document.design(), dialog.device(), elements)
        except EngineError as error:
            self._shell.say(str(error))
            return
        verdict = document.perform(self.tr("Device {0}").format(spec.name), change)
        if verdict.ok:
            text = self.tr("{0} is in the palette under This design").format(spec.name)
            self._shell.say(text)
        else:
            self._shell.say(verdict.reason)

    def _selected_spec(self) -> DeviceSpec | None:
        document = self._shell.document
        elements = document.topology.elements.values()
        chosen = {element.spec for element in elements if element.id in document.selection}
        return document.catalog.devices.get(chosen.pop()) if len(chosen) == 1 else None

    def _show_menu(self, what: str, place: QPoint) -> None:
        menu = self.menu_of(what)
        if menu is not None:
            menu.popup(place)

    def _show_devices(self, _change: object = None) -> None:
        devices = self._shell.document.design().devices
        if devices is not self._shown:
            self._shown = devices
            self._palette.show_own(devices)

    def _show_enabled(self) -> None:
        self._action.setEnabled(self._selected_spec() is not None)
