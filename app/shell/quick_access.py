"""Command palette, search and quick-add: choosers over the window."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPoint
from PySide6.QtGui import QAction, QKeySequence

from app.actions.registry import ActionRegistry, translated
from app.actions.table import ACTIONS, MENUS
from app.commands.clipboard import place as paste_at
from app.dialogs.chooser import Choice, Chooser
from app.models.palette_model import KINDS, badge, kind_title, tooltip
from app.shell.features import Handlers, Shell
from app.support.icons import icon
from engine.catalog.devices import DeviceSpec
from engine.errors import EngineError
from engine.storage.blocks import Block
from engine.topology.changes import PutElements
from engine.topology.layout import GRID, member_size
from engine.topology.quick_add import Fit, fitting, linked_element, new_element, refusal
from engine.units import format_quantity

if TYPE_CHECKING:  # the canvas is imported after the window is shown
    from app.canvas.camera import Point
    from app.canvas.gestures.base import DeviceWanted


class QuickAccess(QObject):
    """Everything by its name: actions, what is drawn, what can be drawn."""

    def __init__(self, shell: Shell, actions: ActionRegistry) -> None:
        super().__init__(shell.widget)
        self._shell, self._actions = shell, actions
        self.chooser = Chooser(shell.widget)
        self.chooser.closed.connect(self._back_to_canvas)

    def handlers(self) -> Handlers:
        """What each action does."""
        return {
            "view.commands": self.ask_command,
            "edit.find": self.ask_element,
            "edit.quick_add": self.ask_device,
        }

    def ask_command(self) -> None:
        """Lists every action with its menu and shortcut; the taken one is done."""
        menus = {menu.id: translated(menu.text).replace("&", "") for menu in MENUS}
        choices = []
        for record in ACTIONS:
            action = self._actions[record.id]
            keys = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
            choices.append(
                Choice(
                    text=action.text().replace("&", ""),
                    thing=action,
                    detail=f"{menus[record.menu]}   {keys}" if keys else menus[record.menu],
                    tip=action.statusTip(),
                    words=f"{menus[record.menu]} {action.statusTip()}",
                    icon=action.icon(),
                    enabled=action.isEnabled(),
                )
            )
        choices += [
            Choice(
                text=self.tr("Show {0}").format(dock.windowTitle()),
                thing=name,
                detail=self.tr("Panel"),
            )
            for name, dock in self._shell.docks.items()
        ]
        self.chooser.ask(
            self.tr("What do you want to do?"),
            choices,
            self._do,
            nothing=self.tr("No such action"),
        )

    def ask_element(self) -> None:
        """Lists elements and links; the taken one is selected and shown."""
        document = self._shell.document
        elements = document.topology.elements
        devices = document.catalog.devices
        choices = []
        for element in elements.values():
            spec = devices.get(element.spec)
            kind = spec.name if spec is not None else element.spec
            choices.append(
                Choice(
                    text=element.name,
                    thing=element.id,
                    detail=f"{element.count} x {kind}" if element.count > 1 else kind,
                    words=f"{element.id} {kind}",
                    icon=icon(element.kind.value),
                )
            )
        for link in document.topology.links.values():
            ends = " - ".join(elements[end.element].name for end in (link.a, link.b))
            choices.append(
                Choice(
                    text=link.name or ends,
                    thing=link.id,
                    detail=f"{link.count} x {link.medium.value}",
                    words=f"{link.id} {ends}",
                    icon=icon("link"),
                )
            )
        for group in document.topology.groups.values():
            inside = [element.id for element in elements.values() if element.group == group.id]
            detail = self.tr("Group of {0:,}").format(len(inside))
            choices.append(
                Choice(text=group.name, thing=frozenset(inside), detail=detail, icon=icon("group"))
            )
        choices += [
            Choice(
                text=note.text.partition("\n")[0],
                thing=note.id,
                detail=self.tr("Note"),
                words=note.text,
                icon=icon("write-note"),
            )
            for note in document.design().notes
        ]
        self.chooser.ask(
            self.tr("Find an element or a link"),
            choices,
            lambda found: self._shell.locate(
                found if isinstance(found, frozenset) else frozenset({found})
            ),
            nothing=self.tr("Nothing is drawn yet")
            if not choices
            else self.tr("Nothing drawn has such a name"),
        )

    def ask_device(self) -> None:
        """Lists the shop; the taken device is drawn where the pointer is."""
        canvas = self._shell.canvas
        if canvas is None:
            return
        place = canvas.pointer_scene
        devices = self._shell.document.catalog.devices.values()
        choices = [
            self._device_choice(spec, spec, kind_title(kind))
            for kind in KINDS
            for spec in devices
            if spec.kind is kind
        ]
        choices += [
            Choice(text=block.name, thing=block, detail=self.tr("My blocks"), icon=icon("block"))
            for block in canvas.blocks.values()
        ]
        self.chooser.ask(
            self.tr("Add a device"),
            choices,
            lambda thing: self._add(thing, place),
            nothing=self.tr("The shop has no such device"),
            at=self._window_point(place),
        )

    def ask_linked(self, wanted: "DeviceWanted") -> None:
        """Lists the devices that a link dropped on nothing may end at; draws both as one edit."""
        document = self._shell.document
        fits = fitting(document.topology, document.catalog, wanted.element, wanted.port)
        if not fits:
            verdict = refusal(document.topology, document.catalog, wanted.element, wanted.port)
            self._shell.say(verdict.reason)
            return
        name = document.topology.elements[wanted.element].name
        self.chooser.ask(
            self.tr("Link {0} to a new device").format(name),
            [self._device_choice(fit.spec, fit, _cables(fit, wanted.cables)) for fit in fits],
            lambda fit: self._add_linked(fit, wanted),
            nothing=self.tr("No such device fits here"),
            at=self._window_point(wanted.scene),
        )

    def _add_block(self, block: Block, place: "Point") -> None:
        text = self.tr("Place {0}").format(block.name)
        verdict = paste_at(self._shell.document, block.parts, *place, text)
        if not verdict.ok:
            self._shell.say(verdict.reason)

    def _device_choice(self, spec: DeviceSpec, thing: object, detail: str) -> Choice:
        mark = badge(spec)
        return Choice(
            text=f"{spec.name} ({mark})" if mark else spec.name,
            thing=thing,
            detail=detail,
            tip=tooltip(spec),
            words=f"{spec.vendor} {spec.id} {spec.summary} {spec.kind.value}",
            icon=icon(spec.kind.value),
        )

    def _do(self, thing: QAction | str) -> None:
        if isinstance(thing, QAction):
            thing.trigger()
        else:
            self._shell.raise_dock(thing)

    def _add(self, thing: DeviceSpec | Block, place: "Point") -> None:
        if isinstance(thing, Block):
            self._add_block(thing, place)
            return
        spec, document = thing, self._shell.document
        x, y = _corner(spec, place)
        element = new_element(document.topology, spec, x, y)
        text = self.tr("Place {0}").format(spec.name)
        verdict = document.perform(text, PutElements((element,)))
        if verdict.ok:
            document.select(frozenset({element.id}))
        else:
            self._shell.say(verdict.reason)

    def _add_linked(self, fit: Fit, wanted: "DeviceWanted") -> None:
        document = self._shell.document
        try:
            element, change = linked_element(
                document.topology, fit, *_corner(fit.spec, wanted.scene), wanted.cables
            )
        except EngineError as error:
            self._shell.say(str(error))
            return
        verdict = document.perform(self.tr("Link {0}").format(fit.spec.name), change)
        if verdict.ok:
            document.select(frozenset({element.id}))
        else:
            self._shell.say(verdict.reason)

    def _window_point(self, place: "Point") -> QPoint | None:
        canvas = self._shell.canvas
        if canvas is None:
            return None
        x, y = canvas.camera.to_view(*place)
        return canvas.mapTo(self._shell.widget, QPoint(round(x), round(y)))

    def _back_to_canvas(self) -> None:
        if self._shell.canvas is not None:
            self._shell.canvas.setFocus()


def _corner(spec: DeviceSpec, place: "Point") -> "Point":
    """The corner on the grid of a device whose middle is at a place."""
    width, height = member_size(spec)
    x, y = place[0] - width / 2, place[1] - height / 2
    return round(x / GRID) * GRID, round(y / GRID) * GRID


def _cables(fit: Fit, wanted: int) -> str:
    offer = fit.proposal
    cables = min(wanted, offer.cables) if wanted else offer.cables
    rate = format_quantity(offer.bandwidth_bytes_per_s, "B/s")
    return f"{cables} x {rate} {offer.medium.value}"
