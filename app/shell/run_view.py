"""Shows a run: hands each update to the canvas, the charts, the ranking and the clock."""

from PySide6.QtCore import QObject

from app.canvas.view import CanvasView
from app.charts.live_charts import LiveCharts
from app.jobs.band_job import PENDING, BandJob
from app.jobs.run_control import RunUpdate
from app.jobs.run_controller import RunController
from app.panels.bottlenecks import BottlenecksPanel
from app.panels.faults_panel import FaultsPanel
from app.panels.run_picture import PictureMaker
from app.panels.slow_panel import SlowPanel
from app.shell.run_history import RunHistory
from app.shell.status_bar import StatusBar
from engine.metrics.summary import Summary
from engine.sim.lower import Lowered


class RunView(QObject):
    """Connects the run with everything that shows it."""

    def __init__(
        self,
        run: RunController,
        bands: BandJob,
        canvas: CanvasView,
        charts: LiveCharts,
        bottlenecks: BottlenecksPanel,
        faults: FaultsPanel,
        slow: SlowPanel,
        status: StatusBar,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._run, self._bands = run, bands
        self._canvas, self._charts = canvas, charts
        self._bottlenecks, self._faults, self._status = bottlenecks, faults, status
        self._slow = slow
        self._maker: PictureMaker | None = None
        self.last_update: RunUpdate | None = None
        self.summary: Summary | None = None
        self.frames = 0
        self.history = RunHistory()
        run.prepared.connect(self._on_prepared)
        run.updated.connect(self._on_updated)
        run.finished.connect(self._on_finished)
        run.summarised.connect(self._on_summarised)
        run.cleared.connect(self._on_cleared)
        run.stale_changed.connect(self._on_stale)
        bands.changed.connect(self._show_bands)
        self._show_bands()

    def _on_prepared(self, lowered: Lowered) -> None:
        self._maker = PictureMaker(lowered)
        if self._run.design is not None:
            self._charts.set_slo(self._run.design.slo)
            self._bottlenecks.results.set_slo(self._run.design.slo)

    def _on_updated(self, update: RunUpdate) -> None:
        self.last_update = update
        self.frames += 1
        if self._maker is not None:
            picture = self._maker.picture(update.frame, playing=self._run.is_playing)
            self.history.add(update.frame.time_s, picture)
            self._canvas.set_frame(picture)
        self._charts.set_cursor(None)
        self._faults.show_until(None)
        self._charts.show_series(update.frame.series, everything=not self._run.is_playing)
        if update.bottlenecks is not None:
            self._bottlenecks.show_ranking(update.bottlenecks)
            self._bottlenecks.results.show_series(update.frame.series)
        self._status.show_clock(update.frame.time_s)
        self._faults.show_report(update.frame.faults)

    def _on_finished(self, summary: Summary) -> None:
        self.summary = summary
        self._slow.show_requests(summary.slowest)
        self._bottlenecks.results.show_summary(summary)
        if self.last_update is not None:
            self._charts.show_series(self.last_update.frame.series, everything=True)
            if self._maker is not None:
                self._canvas.set_frame(self._maker.picture(self.last_update.frame, playing=False))

    def look_at(self, time_s: float) -> None:
        """Shows what was simulated at a time: heat, charts, events and clock in step."""
        picture = self.history.at(time_s)
        if picture is not None:
            self._canvas.set_frame(picture)
        self._charts.set_cursor(time_s)
        self._faults.show_until(time_s)
        self._status.show_clock(time_s)

    def _on_summarised(self, summary: Summary) -> None:
        self._slow.show_requests(summary.slowest)

    def _on_cleared(self) -> None:
        self._maker = None
        self.last_update = None
        self.summary = None
        self.frames = 0
        self.history.clear()
        self._charts.set_cursor(None)
        self._canvas.set_frame(None)
        self._charts.clear()
        self._bottlenecks.clear()
        self._faults.show_report(None)
        self._slow.show_requests(())
        self._status.show_clock(None)
        self._bands.follow_run(self._run.design)
        self._show_bands()

    def _show_bands(self) -> None:
        """The ranges of the run's results: of the design that it reads, not of later edits."""
        design = self._run.design
        known = PENDING if design is None else self._bands.of(design)
        self._charts.set_bands(known)
        self._bottlenecks.results.set_bands(known)

    def _on_stale(self, stale: bool) -> None:
        self._canvas.set_stale(stale=stale)
        self._charts.set_stale(stale=stale)
        self._bottlenecks.set_stale(stale=stale)
