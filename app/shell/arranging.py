"""The Arrange menu: alignment, equal gaps, arrays, whole fabrics, tidying up."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QDialog

from app.actions.registry import ActionRegistry
from app.commands import clipboard
from app.dialogs.array import ArrayDialog
from app.dialogs.fabric import PICTURE, FabricDialog, Shown
from app.jobs.layout_job import LayoutJob
from app.shell.features import Handlers, Shell
from engine.errors import EngineError
from engine.scenario.design import Design
from engine.scenario.prices import power_sum, price_sum
from engine.storage.blocks import Fragment
from engine.topology.arrange import ArrayPlan, Edge, align, array_of, distribute
from engine.topology.changes import Change, MoveElements, PutElements, PutLinks
from engine.topology.generators import Drawing
from engine.topology.layout import GRID, Rectangle, element_rect
from engine.units import format_quantity

if TYPE_CHECKING:
    from collections.abc import Callable

FEWEST = {"across": 3, "down": 3, **{edge.value: 2 for edge in Edge}}
MARGIN = 8 * GRID


class Arranging(QObject):
    """Wires the actions; what needs a selection is off without one."""

    def __init__(self, shell: Shell, actions: ActionRegistry) -> None:
        super().__init__(shell.widget)
        self._shell, self._actions = shell, actions
        self.layout_job = LayoutJob(self)
        self.layout_job.found.connect(self._on_laid_out)
        self.dialog: QDialog | None = None
        self.present: Callable[[QDialog], None] = QDialog.open
        shell.document.selection_changed.connect(self._show_enabled)
        self._show_enabled()

    def handlers(self) -> Handlers:
        """What each action does."""
        edges = {f"arrange.{edge.value}": self._aligner(edge) for edge in Edge}
        return {
            **edges,
            "arrange.across": lambda: self._distribute(across=True),
            "arrange.down": lambda: self._distribute(across=False),
            "arrange.array": self.ask_array,
            "arrange.fabric": self.ask_fabric,
            "arrange.tidy": self.tidy,
        }

    def ask_array(self) -> None:
        """Asks how many copies of the selection, and draws them."""
        chosen = list(self._boxes())
        document = self._shell.document
        if not chosen:
            return
        first = document.topology.elements[chosen[0]].name
        what = first if len(chosen) == 1 else self.tr("{0} devices").format(len(chosen))
        dialog = self.dialog = ArrayDialog(what, self._array_text, self._shell.widget)
        dialog.accepted.connect(lambda: self._array(dialog.plan()))
        dialog.finished.connect(dialog.deleteLater)
        self.present(dialog)

    def ask_fabric(self) -> None:
        """Asks for a fabric and draws it beside what is there."""
        catalog = self._shell.document.catalog
        dialog = self.dialog = FabricDialog(catalog, self._shown, self._shell.widget)
        dialog.accepted.connect(lambda: self._insert(dialog))
        dialog.finished.connect(dialog.deleteLater)
        self.present(dialog)

    def tidy(self) -> None:
        """Lays the selection, or everything, out in tiers; again: cancels."""
        if self.layout_job.is_running:
            self.layout_job.cancel()
            self._shell.say(self.tr("Tidying up was cancelled"))
            return
        document = self._shell.document
        design = document.design()
        chosen = [e for e in design.elements if e.id in document.selection]
        elements = chosen if len(chosen) > 1 else list(design.elements)
        if elements:
            self._shell.say(self.tr("Tidying up ... (choose it again to cancel)"))
            self.layout_job.start(design, document.catalog, elements)

    def shut_down(self) -> None:
        """Ends a layout that is under way."""
        self.layout_job.shut_down()

    def _on_laid_out(self, design: Design, move: MoveElements) -> None:
        if self._shell.document.design() is not design:
            self._shell.say(self.tr("The drawing has changed meanwhile: tidy up again"))
            return
        if self._perform(self.tr("Tidy up"), move):
            self._shell.say(self.tr("Tidied up. Undo takes it back."))
        if self._shell.canvas is not None:
            self._shell.canvas.fit_all()

    def _show_enabled(self) -> None:
        count = len(self._boxes())
        for name, fewest in FEWEST.items():
            self._actions[f"arrange.{name}"].setEnabled(count >= fewest)
        self._actions["arrange.array"].setEnabled(count > 0)

    def _boxes(self) -> dict[str, Rectangle]:
        """Boxes of the selected elements, in the order of the drawing."""
        document = self._shell.document
        devices = document.catalog.devices
        return {
            name: element_rect(element, devices[element.spec])
            for name, element in document.topology.elements.items()
            if name in document.selection and element.spec in devices
        }

    def _aligner(self, edge: Edge) -> "Callable[[], None]":
        def run() -> None:
            boxes = self._boxes()
            if len(boxes) >= FEWEST[edge.value]:
                self._perform(self.tr("Align"), align(boxes, edge))

        return run

    def _distribute(self, *, across: bool) -> None:
        boxes = self._boxes()
        if len(boxes) >= FEWEST["across"]:
            self._perform(self.tr("Distribute"), distribute(boxes, across=across))

    def _array_text(self, plan: ArrayPlan) -> str:
        document = self._shell.document
        boxes = self._boxes()
        made = array_of(document.topology, document.catalog, list(boxes), _around(boxes), plan)
        elements, links = made.change.changes
        assert isinstance(elements, PutElements)
        assert isinstance(links, PutLinks)
        names = [element.name for element in elements.elements]
        text = self.tr("{0} new devices, {1} new links: {2} to {3}").format(
            len(names), len(links.links), names[0], names[-1]
        )
        if made.unlinked:
            text += "\n" + self.tr("{0} links find no free ports and are left out").format(
                made.unlinked
            )
        return text

    def _array(self, plan: ArrayPlan) -> None:
        document = self._shell.document
        boxes = self._boxes()
        try:
            made = array_of(document.topology, document.catalog, list(boxes), _around(boxes), plan)
        except EngineError as error:
            self._shell.say(str(error))
            return
        if self._perform(self.tr("Array"), made.change):
            document.select(made.ids)

    def _shown(self, drawing: Drawing) -> Shown:
        """Picture and sums of a fabric."""
        from app.canvas.thumbnails import thumbnail

        document = self._shell.document
        design = Design(
            elements=drawing.elements, links=drawing.links, prices=document.design().prices
        )
        price, power = price_sum(design, document.catalog), power_sum(design, document.catalog)
        widget = self._shell.widget
        picture = thumbnail(
            design, document.catalog, PICTURE, widget.palette(), widget.devicePixelRatioF()
        )
        mark = self.tr(" (estimate)") if price.estimate else ""
        text = self.tr("{0} devices, {1} links of {2} cables, {3}{4}, {5}").format(
            sum(element.count for element in drawing.elements),
            len(drawing.links),
            sum(link.count for link in drawing.links),
            format_quantity(price.total, price.currency),
            mark,
            format_quantity(power.total_w, "W"),
        )
        return Shown(picture, text)

    def _insert(self, dialog: FabricDialog) -> None:
        dialog.refresh()
        if dialog.drawing is None:
            return
        change, ids = self._beside(dialog.drawing)
        text = self.tr("Insert {0}").format(self.tr(dialog.preset.title))
        if self._perform(text, change):
            self._shell.document.select(ids)
            if self._shell.canvas is not None:
                self._shell.canvas.fit_selection()

    def _beside(self, drawing: Drawing) -> clipboard.Pasted:
        """The fabric with ids and names that are free, right of what is drawn."""
        document = self._shell.document
        boxes = [
            element_rect(e, document.catalog.devices[e.spec])
            for e in document.topology.elements.values()
            if e.spec in document.catalog.devices
        ]
        x = max((box[0] + box[2] for box in boxes), default=-MARGIN) + MARGIN
        y = min((box[1] for box in boxes), default=0.0)
        fragment = Fragment(elements=drawing.elements, links=drawing.links)
        return clipboard.fresh(document, fragment, x, y)

    def _perform(self, text: str, change: Change) -> bool:
        verdict = self._shell.document.perform(text, change)
        if not verdict.ok:
            self._shell.say(verdict.reason)
        return verdict.ok


def _around(boxes: dict[str, Rectangle]) -> Rectangle:
    left, top = min(b[0] for b in boxes.values()), min(b[1] for b in boxes.values())
    right = max(b[0] + b[2] for b in boxes.values())
    bottom = max(b[1] + b[3] for b in boxes.values())
    return left, top, right - left, bottom - top
