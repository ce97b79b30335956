"""The window: menus, tool bars, docks and canvas, wired to the document and the run.

It only wires; what things do is in the controllers and panels. `complete` adds the canvas and the
charts, whose imports take longest, after the window is on the screen.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QResizeEvent
from PySide6.QtWidgets import QDockWidget, QLabel, QMainWindow, QMenu, QToolBar, QWidget

from app.actions.registry import ActionRegistry
from app.document import Document
from app.jobs.band_job import BandJob
from app.jobs.check_job import Checked, CheckJob
from app.jobs.run_controller import RunController, RunState
from app.jobs.whatif_job import WhatIfJob
from app.panels.analysis import AnalysisPanel
from app.panels.banner import ReadOnlyBanner
from app.panels.bottlenecks import BottlenecksPanel
from app.panels.faults_panel import FaultsPanel
from app.panels.findings import FindingsPanel
from app.panels.inspector import InspectorPanel
from app.panels.load_panel import LoadPanel
from app.panels.outline import OutlinePanel
from app.panels.palette import PalettePanel
from app.panels.run_bar import RunBar
from app.panels.slow_panel import SlowPanel
from app.panels.whatif_panel import WhatIfPanel
from app.shell.arranging import Arranging
from app.shell.blocks import Blocks
from app.shell.crash_recovery import CrashRecovery
from app.shell.docks import Area, add_dock, set_corners, stacked
from app.shell.drops import FileDrops
from app.shell.editing import Editing
from app.shell.fault_tool import FaultTool
from app.shell.features import Feature, Handlers, all_handlers
from app.shell.files import FileController
from app.shell.keys import Keys
from app.shell.model_import import ModelImport
from app.shell.own_devices import OwnDevices
from app.shell.quick_access import QuickAccess
from app.shell.recent_files import RecentFiles
from app.shell.status_bar import StatusBar
from app.shell.timeline_control import TimelineControl
from app.shell.tour import Tour
from app.shell.trace_import import TraceImport
from app.shell.validation import ValidationHelp
from app.shell.views import Views
from app.shell.welcome import Welcome
from app.support import theme
from app.support.icons import app_icon
from app.support.notifications import Notifications
from app.support.settings import Settings
from engine import __version__

if TYPE_CHECKING:
    from app.canvas.view import CanvasView
    from app.charts.live_charts import LiveCharts
    from app.shell.run_view import RunView

FIRST_SIZE = (1440, 900)
LEFT_WIDTH, RIGHT_WIDTH = 250, 320
CHARTS_HEIGHT, CHARTS_HEIGHT_LOW, TALL = 200, 140, 900
MESSAGE_MS = 8000


class MainWindow(QMainWindow):
    """One window on one document."""

    completed = Signal()

    def __init__(
        self, document: Document, settings: Settings, notifications: Notifications | None = None
    ) -> None:
        super().__init__()
        self.document = document
        self.settings = settings
        self.run = RunController(document, self)
        self.checks = CheckJob(document, self)
        self.bands = BandJob(document, self)
        self.studies = WhatIfJob(document, self)
        self.files = FileController(document, settings, notifications or Notifications(self))
        self.models = ModelImport(document, self.files.notifications)
        self.validation = ValidationHelp(self, self.bands, self.files.notifications)
        self.drops = FileDrops(self, self.files, self.models)
        self.actions_by_id = ActionRegistry(self)
        self.canvas: CanvasView | None = None
        self.charts: LiveCharts | None = None
        self.run_view: RunView | None = None
        self.setWindowIcon(app_icon())
        if not self.restoreGeometry(settings.geometry):
            self.resize(*FIRST_SIZE)
        self.setDockNestingEnabled(True)
        waiting = QLabel(self.tr("Loading the canvas ..."))
        waiting.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setCentralWidget(waiting)
        self._make_panels()
        self.editing = Editing(self, self.outline)
        self.quick_access = QuickAccess(self, self.actions_by_id)
        self.keys = Keys(self, self.actions_by_id)
        self.recovery = CrashRecovery(self, self.files, self.quick_access.chooser)
        self.arranging = Arranging(self, self.actions_by_id)
        self.views = Views(self, self.actions_by_id, self.quick_access.chooser)
        self.own_devices = OwnDevices(self, self.actions_by_id, self.palette_panel)
        self.blocks = Blocks(self, self.actions_by_id, self.palette_panel)
        self.recent = RecentFiles(self, self.files)
        self.welcome = Welcome(self, self.files, self.run, self.palette_panel)
        self.tour = Tour(
            self, self.actions_by_id, self.welcome, self.run, self.bottlenecks, self.what_if
        )
        self.features: tuple[Feature, ...] = (
            self.editing, self.quick_access, self.keys, self.recovery, self.arranging,
            self.views, self.welcome, self.tour, self.blocks, self.own_devices,
        )  # fmt: skip
        self.status = StatusBar(self)
        self.setStatusBar(self.status)
        self._make_menus_and_bars()
        self._connect()
        self._show_title()

    @property
    def notifications(self) -> Notifications:
        """Message boxes and file choosers."""
        return self.files.notifications

    @property
    def widget(self) -> QWidget:
        """The window, as a parent of dialogs."""
        return self

    def complete(self) -> None:
        """Adds the canvas and the charts, restores the layout and starts the first check."""
        from app.canvas.view import CanvasView
        from app.charts.live_charts import LiveCharts
        from app.shell.run_view import RunView

        self.canvas = CanvasView(self.document)
        self.timeline = TimelineControl(self.document, self.run, self.run_bar, self.faults, self)
        banner = ReadOnlyBanner(self.document)
        banner.save_as_requested.connect(self.files.save_as)
        drawing = stacked(banner, self.canvas, self.timeline.strip)
        self.setCentralWidget(self.welcome.around(drawing))
        self.timeline.locate_requested.connect(self.locate)
        self.timeline.said.connect(self.say)
        self.timeline.faults_requested.connect(lambda: self.raise_dock("faults"))
        self.charts = LiveCharts()
        dock = self.docks["charts"] = add_dock(
            self, "charts", self.tr("Charts"), self.charts, Area.BottomDockWidgetArea
        )
        self._view_menu.addAction(dock.toggleViewAction())
        self.tabifyDockWidget(dock, self.docks["slow"])
        self.tabifyDockWidget(self.docks["slow"], self.docks["load"])
        self.tabifyDockWidget(self.docks["load"], self.docks["faults"])
        dock.raise_()
        self.run_view = RunView(
            self.run, self.bands, self.canvas, self.charts, self.bottlenecks, self.faults, self.slow,
            self.status, self,
        )  # fmt: skip
        self.run_bar.scrubbed.connect(self.run_view.look_at)
        self.bottlenecks.results.validation_requested.connect(self.validation.open)
        self.canvas.status_text.connect(self.say)
        self.canvas.zoom_changed.connect(self.status.show_zoom)
        self.canvas.context_menu_requested.connect(self._show_context_menu)
        self.outline.context_menu_requested.connect(self._show_context_menu)
        self.palette_panel.place_requested.connect(self.canvas.begin_place)
        self.canvas.note_wanted.connect(self.editing.ask_note)
        self.canvas.device_wanted.connect(self.quick_access.ask_linked)
        for panel in (
            self.outline, self.bottlenecks, self.findings, self.analysis, self.faults, self.what_if,
        ):  # fmt: skip
            panel.locate_requested.connect(self.locate)
        if not self.restoreState(self.settings.dock_state):
            QTimer.singleShot(0, self, self._first_layout)
        self.actions_by_id["tool.select"].setChecked(True)
        self.canvas.setFocus()
        self.canvas.fit_all()
        self.views.complete()
        self.blocks.complete()
        self.recovery.start()
        self.checks.request()
        self.bands.request()
        QTimer.singleShot(0, self.charts, self.charts.warm_up)
        self.completed.emit()

    def _first_layout(self) -> None:
        """Sizes of the docks at the first start; later the user's own are restored."""
        sides = [self.docks["palette"], self.docks["inspector"]]
        self.resizeDocks(sides, [LEFT_WIDTH, RIGHT_WIDTH], Qt.Orientation.Horizontal)
        column = [self.docks["inspector"], self.docks["bottlenecks"]]
        height = self.height()
        self.resizeDocks(column, [height * 55 // 100, height * 45 // 100], Qt.Orientation.Vertical)
        column = [self.docks["palette"], self.docks["outline"]]
        self.resizeDocks(column, [height * 65 // 100, height * 35 // 100], Qt.Orientation.Vertical)
        self.docks["charts"].raise_()
        charts = CHARTS_HEIGHT if height >= TALL else CHARTS_HEIGHT_LOW
        self.resizeDocks([self.docks["charts"]], [charts], Qt.Orientation.Vertical)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Asks about unsaved changes, ends the threads, remembers the layout."""
        if not self.files.may_discard():
            event.ignore()
            return
        self.settings.geometry = self.saveGeometry()
        self.settings.dock_state = self.saveState()
        self.settings.flush()
        self.hide()  # a compilation under way has to end first
        self.recovery.shut_down()
        self.recent.shut_down()
        self.arranging.shut_down()
        self.files.opening.guard.release()
        self.run.shut_down()
        self.checks.shut_down()
        self.bands.shut_down()
        self.studies.shut_down()
        self.traces.shut_down()
        event.accept()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Gives the corners to where there is room."""
        super().resizeEvent(event)
        set_corners(self, event.size().width())

    def changeEvent(self, event: QEvent) -> None:
        """Draws icons and charts again when the colours change."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.ActivationChange and self.isActiveWindow():
            QTimer.singleShot(0, self, self.files.look_outside)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "actions_by_id"):
            self.actions_by_id.refresh_icons()
            self.palette_panel.refresh_icons()
            if self.charts is not None:
                self.charts.refresh_colors()

    def _make_panels(self) -> None:
        self.palette_panel = PalettePanel(self.document.shop)
        self.outline = OutlinePanel(self.document)
        self.inspector = InspectorPanel(self.document, self.bands)
        self.bottlenecks = BottlenecksPanel()
        self.findings = FindingsPanel()
        self.analysis = AnalysisPanel()
        self.what_if = WhatIfPanel(self.document, self.studies)
        self.slow = SlowPanel()
        self.slow.refresh_requested.connect(self.run.request_summary)
        self.traces = TraceImport(
            self, self.document, self.files.notifications, lambda: self.inspector.tenant
        )
        self.inspector.trace_requested.connect(self.traces.ask)
        self.inspector.trace_columns_requested.connect(self.traces.ask_columns)
        self.load = LoadPanel(self.document)
        self.load.tenant_chosen.connect(self._show_tenant)
        self.load.pool_chosen.connect(self._show_pool)
        self.faults = FaultsPanel(self.document)
        self.fault_tool = FaultTool(self.document, self.run)
        left, right = Area.LeftDockWidgetArea, Area.RightDockWidgetArea
        bottom = Area.BottomDockWidgetArea
        self.docks: dict[str, QDockWidget] = {
            "palette": add_dock(self, "palette", self.tr("Palette"), self.palette_panel, left),
            "outline": add_dock(self, "outline", self.tr("Outline"), self.outline, left),
            "inspector": add_dock(self, "inspector", self.tr("Inspector"), self.inspector, right),
            "bottlenecks": add_dock(
                self, "bottlenecks", self.tr("Bottlenecks"), self.bottlenecks, right
            ),
            "what_if": add_dock(self, "what_if", self.tr("What helps"), self.what_if, right),
            "findings": add_dock(self, "findings", self.tr("Findings"), self.findings, right),
            "analysis": add_dock(self, "analysis", self.tr("Analysis"), self.analysis, right),
            "slow": add_dock(self, "slow", self.tr("Slow requests"), self.slow, bottom),
            "load": add_dock(self, "load", self.tr("Tenants and pools"), self.load, bottom),
            "faults": add_dock(self, "faults", self.tr("Faults"), self.faults, bottom),
        }
        self.tabifyDockWidget(self.docks["load"], self.docks["faults"])
        self.tabifyDockWidget(self.docks["inspector"], self.docks["what_if"])
        self.tabifyDockWidget(self.docks["bottlenecks"], self.docks["findings"])
        self.tabifyDockWidget(self.docks["findings"], self.docks["analysis"])
        for name in ("bottlenecks", "inspector"):
            self.docks[name].raise_()

    def _make_menus_and_bars(self) -> None:
        menus = self.actions_by_id.fill_menu_bar(self.menuBar())
        menus["file"].insertMenu(self.actions_by_id["file.example"], self.recent.menu)
        self.welcome.connect_actions(self.actions_by_id)
        self._view_menu = menus["view"]
        self._view_menu.addSeparator()
        for dock in self.docks.values():
            self._view_menu.addAction(dock.toggleViewAction())
        bar = self.addToolBar(self.tr("Tools"))
        bar.setObjectName("tools")
        bar.setMovable(False)
        for group in ("file", "edit", "tool", "view"):
            self.actions_by_id.fill_tool_bar(bar, group)
            bar.addSeparator()
        self._add_run_tools(bar)
        self._context_menu = QMenu(self)
        for action_id in (
            "cut", "copy", "paste", "duplicate", "delete", "rename", "connect", "group", "collapse",
        ):  # fmt: skip
            self._context_menu.addAction(self.actions_by_id[f"edit.{action_id}"])
        self._context_menu.addSeparator()
        self._context_menu.addAction(self.actions_by_id["view.fit_selection"])
        self._context_menu.addAction(self.actions_by_id["run.fail"])

    def _add_run_tools(self, bar: QToolBar) -> None:
        self.actions_by_id.fill_tool_bar(bar, "run")
        self.actions_by_id.fill_tool_bar(bar, "speed")
        self.run_bar = RunBar(self.run)
        bar.addWidget(self.run_bar)

    def _connect(self) -> None:
        self.actions_by_id.connect_all(all_handlers(self._handlers(), self.features))
        stack = self.document.undo_stack
        stack.canUndoChanged.connect(self.actions_by_id["edit.undo"].setEnabled)
        stack.canRedoChanged.connect(self.actions_by_id["edit.redo"].setEnabled)
        stack.undoTextChanged.connect(self._show_undo_text)
        stack.redoTextChanged.connect(self._show_redo_text)
        self.actions_by_id["edit.undo"].setEnabled(stack.canUndo())
        self.actions_by_id["edit.redo"].setEnabled(stack.canRedo())
        self.document.dirty_changed.connect(self._show_title)
        self.document.path_changed.connect(self._show_title)
        self.document.replaced.connect(self._on_replaced)
        self.document.selection_changed.connect(self._show_selection_actions)
        self.checks.checked.connect(self._show_checked)
        self.findings.count_changed.connect(self._show_finding_count)
        self.findings.repair_requested.connect(self.editing.repair)
        self.what_if.applied.connect(self._say_applied)
        self.run.failed.connect(self._on_run_failed)
        self.run.state_changed.connect(self._show_run_state)
        self.actions_by_id[f"view.theme_{self.settings.theme}"].setChecked(True)
        self._show_selection_actions()

    def _handlers(self) -> Handlers:
        return {
            "file.new": self.files.new,
            "file.open": self.files.open,
            "file.save": self.files.save,
            "file.save_as": self.files.save_as,
            "file.import_model": self.models.ask,
            "file.import_trace": self.traces.ask,
            "file.quit": self.close,
            "view.fit": self._fit_all,
            "view.fit_selection": self._fit_selection,
            "view.next_issue": self._next_issue,
            "view.theme_system": lambda: self._set_theme("system"),
            "view.theme_light": lambda: self._set_theme("light"),
            "view.theme_dark": lambda: self._set_theme("dark"),
            "run.restart": self.run.reset,
            "run.play": self.run.toggle,
            "run.step": self.run.step,
            "run.slower": self.run.slower,
            "run.faster": self.run.faster,
            "run.fail": self._fail_selection,
            "help.validation": self.validation.open,
            "help.about": self._about,
        }

    def _fit_all(self) -> None:
        if self.canvas is not None:
            self.canvas.fit_all()

    def _fit_selection(self) -> None:
        if self.canvas is not None:
            self.canvas.fit_selection()

    def _fail_selection(self) -> None:
        verdict = self.fault_tool.fail_selection()
        self.editing.report(verdict)
        if verdict.ok:
            self.raise_dock("faults")

    def _next_issue(self) -> None:
        self.raise_dock("findings")
        self.findings.next_issue()

    def raise_dock(self, name: str) -> None:
        """Shows a dock and brings it to the front."""
        self.docks[name].show()
        self.docks[name].raise_()

    def _show_tenant(self, row: int) -> None:
        self.inspector.show_tenant(row)
        self.raise_dock("inspector")

    def _show_pool(self, row: int) -> None:
        self.inspector.show_pool(row)
        self.raise_dock("inspector")

    def _set_theme(self, name: str) -> None:
        self.settings.theme = name
        theme.apply(name)

    def _about(self) -> None:
        text = self.tr(
            "Rackflow {0}: designs AI inference clusters and simulates LLM serving on the drawn "
            "network.\n\nLicence: Apache-2.0. Catalogue of {1}. Every figure names its source and "
            "how sure it is."
        )
        self.files.notifications.about(
            self.tr("About Rackflow"), text.format(__version__, self.document.catalog.version)
        )

    def locate(self, ids: frozenset[str]) -> None:
        """Selects and shows elements, links and notes, and points at them."""
        design = self.document.design()
        known = {*design.ids(), *(note.id for note in design.notes)}
        found = frozenset(ids) & known
        if found and self.canvas is not None:
            self.canvas.zoom_to(found, pulse=True)

    def say(self, text: str) -> None:
        """Shows a text in the status bar for a while."""
        self.status.showMessage(text, MESSAGE_MS)

    def _say_applied(self, text: str) -> None:
        self.say(self.tr("Applied: {0}. Undo takes it back.").format(text))

    def _show_context_menu(self, place: QPoint) -> None:
        self._context_menu.popup(place)

    def _show_title(self) -> None:
        path = self.document.path
        name = Path(path).name if path else self.document.design().name
        self.setWindowTitle(f"{name}[*] - Rackflow")
        self.setWindowFilePath(str(path) if path else "")
        self.setWindowModified(self.document.is_dirty)

    def _on_replaced(self) -> None:
        self._show_title()
        if self.canvas is not None:
            self.canvas.fit_all()

    def _show_undo_text(self, text: str) -> None:
        self.actions_by_id["edit.undo"].setText(self.tr("&Undo {0}").format(text).strip())

    def _show_redo_text(self, text: str) -> None:
        self.actions_by_id["edit.redo"].setText(self.tr("&Redo {0}").format(text).strip())

    def _show_selection_actions(self) -> None:
        chosen = bool(self.document.selection)
        for name in ("cut", "copy", "duplicate", "delete", "rename"):
            self.actions_by_id[f"edit.{name}"].setEnabled(chosen)
        for name in ("view.fit_selection", "run.fail"):
            self.actions_by_id[name].setEnabled(chosen)

    def _show_checked(self, checked: Checked) -> None:
        self.status.show_checked(checked)
        self.findings.show_findings(checked.findings, checked.repairs)
        self.analysis.show_analysis(checked.analysis, checked.flow)

    def _show_finding_count(self, count: int) -> None:
        title = self.tr("Findings ({0})").format(count) if count else self.tr("Findings")
        self.docks["findings"].setWindowTitle(title)

    def _show_run_state(self, _state: RunState) -> None:
        playing = self.run.is_playing
        action = self.actions_by_id["run.play"]
        action.setText(self.tr("&Pause") if playing else self.tr("&Play"))
        self.actions_by_id.set_icon("run.play", "pause" if playing else "play")

    def _on_run_failed(self, text: str) -> None:
        self.files.notifications.error(self.tr("The design cannot run"), text)
