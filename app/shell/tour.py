"""Help > Tour: three steps - draw, play, mend - each beside the part of the window it speaks of."""

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, Qt, QTimer
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QApplication, QToolBar, QWidget

from app.actions.registry import ActionRegistry
from app.jobs.run_controller import RunController, RunState
from app.panels.bottlenecks import BottlenecksPanel
from app.panels.whatif_panel import WhatIfPanel
from app.shell.callout import Callout, Ring, arrow_of, place_beside
from app.shell.features import Handlers, Shell
from app.shell.welcome import Welcome

ADVANCE_MS = 1200  # the tick of the last goal is seen before the next step comes
_FOLLOWED = (
    QEvent.Type.Resize, QEvent.Type.Move, QEvent.Type.Show, QEvent.Type.Hide,
    QEvent.Type.LayoutRequest,
)  # fmt: skip


@dataclass(slots=True, kw_only=True)
class Goal:
    """Something to do: its text, the part of the window it is done in, and whether it is done."""

    text: str
    part: Callable[[], QWidget | None]
    dock: str = ""  # is brought to the front for it
    done: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One callout: it is over when all of its goals are done, or by Next."""

    title: str
    text: str
    goals: tuple[Goal, ...]

    @property
    def goal(self) -> Goal:
        """What is to do now: the first goal that is not done, or the last one."""
        return next((goal for goal in self.goals if not goal.done), self.goals[-1])

    @property
    def is_done(self) -> bool:
        """Nothing is left to do."""
        return all(goal.done for goal in self.goals)


class Tour(QObject):
    """Shows the steps, follows the window, and goes on when what they ask for was done."""

    def __init__(
        self,
        shell: Shell,
        actions: ActionRegistry,
        welcome: Welcome,
        run: RunController,
        bottlenecks: BottlenecksPanel,
        what_if: WhatIfPanel,
    ) -> None:
        super().__init__(shell.widget)
        self._shell, self._actions, self._welcome = shell, actions, welcome
        self.steps: tuple[Step, ...] = ()
        self.number = -1  # of the step that is shown, -1 while there is no tour
        self.callout: Callout | None = None
        self.ring: Ring | None = None
        self._drawn = (0, 0)  # elements and links when the tour began
        self._followed: list[QWidget] = []
        self._advance = QTimer(self)
        self._advance.setSingleShot(True)
        self._advance.setInterval(ADVANCE_MS)
        self._advance.timeout.connect(self.next)
        document = shell.document
        document.changed.connect(self._on_changed)
        document.replaced.connect(self._count_drawn)
        run.state_changed.connect(self._on_run_state)
        bottlenecks.locate_requested.connect(lambda _ids: self._reach(2, 0))
        what_if.applied.connect(lambda _text: self._reach(2, 1))
        welcome.tour_requested.connect(self.start)

    def handlers(self) -> Handlers:
        """What each action does."""
        return {"help.tour": self.start}

    @property
    def is_running(self) -> bool:
        """A step is shown."""
        return self.number >= 0

    def start(self) -> None:
        """Begins with the first step."""
        if self._shell.canvas is None:
            return
        self._welcome.leave()
        self.steps = self._make_steps()
        self._count_drawn()
        if self.callout is None:
            self.ring = Ring(self._shell.widget)
            self.callout = Callout(self._shell.widget)
            self.callout.next_requested.connect(self.next)
            self.callout.back_requested.connect(self.back)
            self.callout.close_requested.connect(self.close)
            self._shell.widget.installEventFilter(self)
        self.number = 0
        self._show_step()
        self.callout.next.setFocus()

    def next(self) -> None:
        """The next step; after the last one the tour is over."""
        if self.number == len(self.steps) - 1:
            self.close()
        elif self.is_running:
            self.number += 1
            self._show_step()

    def back(self) -> None:
        """The step before."""
        if self.number > 0:
            self.number -= 1
            self._show_step()

    def close(self) -> None:
        """Ends the tour."""
        self.number = -1
        self._advance.stop()
        self._follow(None)
        if self.callout is not None and self.ring is not None:
            focused = QApplication.focusWidget()
            had_focus = focused is not None and self.callout.isAncestorOf(focused)
            self.callout.hide()
            self.ring.hide()
            if had_focus and self._shell.canvas is not None:
                self._shell.canvas.setFocus()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Follows the part and the window; Escape that nobody else wanted ends the tour."""
        if not self.is_running:
            return False
        if event.type() in _FOLLOWED:
            QTimer.singleShot(0, self, self._place)
        elif (
            watched is self._shell.widget
            and isinstance(event, QKeyEvent)
            and event.type() == QEvent.Type.KeyPress
            and event.key() == Qt.Key.Key_Escape
        ):
            self.close()
            return True
        return False

    # ------------------------------------------------------------------ the steps

    def _make_steps(self) -> tuple[Step, ...]:
        shell = self._shell
        draw = Step(
            title=self.tr("Draw"),
            text=self.tr(
                "Drag a rack and a leaf switch from the palette onto the canvas. Then pull from a "
                "dot at the rack's edge to the switch: green says what the link will be, red why "
                "there can be none."
            ),
            goals=(
                Goal(
                    text=self.tr("Put a device onto the canvas"),
                    part=lambda: shell.docks["palette"],
                    dock="palette",
                ),
                Goal(text=self.tr("Link it to another one"), part=lambda: shell.canvas),
            ),
        )
        play = Step(
            title=self.tr("Play"),
            text=self.tr(
                "Play runs the model, the deployment and the load of the inspector on what is "
                "drawn: chips and links take the colour of their use. The first run after an "
                "installation compiles for some minutes."
            ),
            goals=(
                Goal(text=self.tr("Press Play, or Space on the canvas"), part=self._play_button),
            ),
        )
        mend = Step(
            title=self.tr("Mend"),
            text=self.tr(
                "The list ranks what holds the requests up; a click shows the place and says why. "
                "What helps then tries fixes on the same load, and Apply takes one; Undo takes it "
                "back."
            ),
            goals=(
                Goal(
                    text=self.tr("Click a bottleneck"),
                    part=lambda: shell.docks["bottlenecks"],
                    dock="bottlenecks",
                ),
                Goal(
                    text=self.tr("Ask what would help and apply a fix"),
                    part=lambda: shell.docks["what_if"],
                    dock="what_if",
                ),
            ),
        )
        return draw, play, mend

    def _play_button(self) -> QWidget | None:
        """The button in the tool bar, or the bar where the button does not fit into it."""
        action = self._actions["run.play"]
        for bar in self._shell.widget.findChildren(QToolBar):
            button = bar.widgetForAction(action)
            if button is not None:
                return button if button.isVisibleTo(self._shell.widget) else bar
        return None

    def _count_drawn(self) -> None:
        topology = self._shell.document.topology
        self._drawn = len(topology.elements), len(topology.links)

    def _on_changed(self, _change: object) -> None:
        if not self.is_running:
            return
        topology = self._shell.document.topology
        if len(topology.elements) > self._drawn[0]:
            self._reach(0, 0)
        if len(topology.links) > self._drawn[1]:
            self._reach(0, 1)

    def _on_run_state(self, state: RunState) -> None:
        if state is RunState.PLAYING:
            self._reach(1, 0)

    def _reach(self, step: int, goal: int) -> None:
        """Ticks a goal; the step that it completes gives way to the next one."""
        if not self.is_running or self.steps[step].goals[goal].done:
            return
        self.steps[step].goals[goal].done = True
        if step == self.number:
            self._show_step()
            if self.steps[step].is_done and step < len(self.steps) - 1:
                self._advance.start()

    # ------------------------------------------------------------------ on the window

    def _show_step(self) -> None:
        assert self.callout is not None
        self._advance.stop()
        step = self.steps[self.number]
        goals = [(goal.text, goal.done) for goal in step.goals]
        self.callout.show_step(self.number, len(self.steps), step.title, step.text, goals)
        if step.goal.dock:
            self._shell.raise_dock(step.goal.dock)
        self._follow(step.goal.part())
        self._place()

    def _follow(self, part: QWidget | None) -> None:
        """Watches a part and all that it lies in, but for the window, which always is."""
        for widget in self._followed:
            widget.removeEventFilter(self)
        self._followed = []
        while part is not None and part is not self._shell.widget:
            self._followed.append(part)
            part.installEventFilter(self)
            part = part.parentWidget()

    def _place(self) -> None:
        """Puts callout and ring where the part is now; in the middle where it is not seen."""
        if not self.is_running or self.callout is None or self.ring is None:
            return
        window = self._shell.widget
        part = self.steps[self.number].goal.part()
        seen = part is not None and part.isVisibleTo(window) and not part.size().isEmpty()
        if part is None or not seen:
            self.ring.hide()
            self.callout.move(window.rect().center() - self.callout.rect().center())
        else:
            rect = QRect(part.mapTo(window, QPoint(0, 0)), part.size())
            placed = place_beside(self.callout.size(), rect, window.size())
            self.callout.move(placed.rect.topLeft())
            self.ring.point_at(rect, arrow_of(placed, rect))
        self.callout.show()
        self.callout.raise_()
