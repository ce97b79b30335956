"""Rows of what would help: a resource, a fix that was tried, a fix that cannot be."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QEvent, QSize, Qt, Signal
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
)

from app.panels.bottlenecks import ShareBar
from app.support.icons import icon
from engine.units import format_quantity

if TYPE_CHECKING:  # the modules pull numba in, which the window does not wait for
    from collections.abc import Sequence

    from engine.study.fixes import Dropped, Fix
    from engine.study.places import Place
    from engine.study.whatif import Effect, WhatIf
    from engine.study.worth import Gain, Worth

NOTHING = 0.0005  # changes below 0.05 % are not worth a word
LEAST_COST = 0.5  # of the currency, or watts


class PlacedRow(QFrame):
    """A title with a button that locates what it is about, and texts below."""

    locate_requested = Signal(object)  # frozenset of element and link ids

    def __init__(self, title: str, place: "Place | None") -> None:
        super().__init__()
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)  # of texts that wrap; their hint is for another width
        self.setSizePolicy(policy)
        self.box = QVBoxLayout(self)
        self.box.setContentsMargins(0, 2, 0, 2)
        self.box.setSpacing(3)
        self.head = QHBoxLayout()
        self.head.setSpacing(4)
        self.head.addWidget(text_label(title, bold=True), 1)
        self.box.addLayout(self.head)
        self.locate = QToolButton()
        self.locate.setIcon(icon("search"))
        self.locate.setIconSize(QSize(16, 16))
        self.locate.setAutoRaise(True)
        self.locate.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.locate.setToolTip(
            self.tr("Locate: selects and shows on the canvas what this is about")
        )
        self.locate.setAccessibleName(self.tr("Locate: {0}").format(title))
        self._ids = (
            frozenset() if place is None else frozenset((*place.element_ids, *place.link_ids))
        )
        self.locate.clicked.connect(lambda: self.locate_requested.emit(self._ids))
        self.head.addWidget(self.locate, 0, Qt.AlignmentFlag.AlignTop)
        self.locate.setVisible(bool(self._ids))  # once it is in the row: else it is a window

    def changeEvent(self, event: QEvent) -> None:
        """Draws the icon in the colours of another theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "locate"):
            self.locate.setIcon(icon("search"))

    def say(self, *texts: str) -> None:
        """Adds a line for each text that is not empty."""
        for text in texts:
            if text:
                self.box.addWidget(text_label(text))


class ResourceRow(PlacedRow):
    """What twice as much of a resource brings."""

    def __init__(self, number: int, row: "WhatIf", all_rows: "Sequence[WhatIf]") -> None:
        title = QCoreApplication.translate("WhatIfPanel", "{0}. Twice the {1}: {2}")
        super().__init__(title.format(number, row.resource, latency_text(row.large)), row.place)
        bar = ShareBar()
        bar.set_share(row.large.latency.mean if row.large.latency else 0.0)
        self.box.addWidget(bar)
        self.say(*others_texts(row.large))
        if row.small.latency is not None:
            self.say(self.tr("10 % more: latency {0}").format(percent(-row.small.latency.mean)))
        same = [
            other.resource for other in all_rows if other.group == row.group and other is not row
        ]
        if same:
            self.say(self.tr("inseparable from {0}").format(", ".join(same)))


class FixRow(PlacedRow):
    """A fix: its verdict, what it brings and costs, and a button that applies it."""

    apply_requested = Signal(object)  # Fix

    def __init__(self, fix: "Fix", currency: str) -> None:
        super().__init__(fix.proposal.text, fix.place)
        self.apply = QPushButton(self.tr("Apply"))
        self.apply.setAccessibleName(self.tr("Apply: {0}").format(fix.proposal.text))
        self.apply.setToolTip(self.tr("Does it as one step that can be undone"))
        self.apply.clicked.connect(lambda: self.apply_requested.emit(fix))
        self.head.addWidget(self.apply, 0, Qt.AlignmentFlag.AlignTop)
        self.setToolTip(fix.proposal.why)
        self.say(
            f"{self._verdict(fix)}: {latency_text(fix.effect)}",
            *others_texts(fix.effect),
            self._cost(fix, currency),
            *worth_texts(fix.worth, currency),
        )

    def _verdict(self, fix: "Fix") -> str:
        """A shape and words: whether the interval is on one side of zero."""
        if fix.helps:
            return self.tr("\u2714 helps for certain")
        if fix.harms:
            return self.tr("\u2716 makes it worse")
        if fix.is_idle:
            return self.tr("= no change")
        return self.tr("? not certain")

    def _cost(self, fix: "Fix", currency: str) -> str:
        parts = []
        if fix.unpriced:
            parts.append(self.tr("not known ({0})").format(", ".join(fix.unpriced)))
        elif abs(fix.price) >= LEAST_COST:
            parts.append(_signed(fix.price, currency))
        if abs(fix.power_w) >= LEAST_COST:
            parts.append(_signed(fix.power_w, "W"))
        return self.tr("Price and power: {0}").format(", ".join(parts) or "-")


class DroppedRow(PlacedRow):
    """A fix that the drawing or the model does not allow, and why."""

    def __init__(self, dropped: "Dropped") -> None:
        super().__init__(dropped.text, dropped.place)
        self.say(dropped.reason)


def latency_text(effect: "Effect") -> str:
    """The change of the mean latency with its interval."""
    tr = QCoreApplication.translate
    gain: Gain | None = effect.latency
    if gain is None:
        return tr("WhatIfPanel", "latency not known")
    if max(abs(gain.low), abs(gain.high)) < NOTHING:
        return tr("WhatIfPanel", "latency as before")
    return tr("WhatIfPanel", "latency {0} ({1} to {2})").format(
        percent(-gain.mean), percent(-gain.high), percent(-gain.low)
    )


def others_texts(effect: "Effect") -> list[str]:
    """A line of the other figures whose change is certain, and one of those that may be chance."""
    tr = QCoreApplication.translate
    sure: list[str] = []
    unsure: list[str] = []
    for gain, sign, name in (
        (effect.output_tokens_per_s, 1.0, tr("WhatIfPanel", "tokens/s")),
        (effect.ttft_p50, -1.0, tr("WhatIfPanel", "TTFT p50")),
        (effect.ttft_p95, -1.0, tr("WhatIfPanel", "TTFT p95")),
        (effect.tpot_p50, -1.0, tr("WhatIfPanel", "TPOT p50")),
        (effect.tpot_p95, -1.0, tr("WhatIfPanel", "TPOT p95")),
        (effect.goodput, 1.0, tr("WhatIfPanel", "goodput")),
    ):
        if gain is not None and abs(gain.mean) >= NOTHING:
            (sure if gain.is_certain else unsure).append(f"{name} {percent(sign * gain.mean)}")
    lines = [", ".join(sure)]
    if unsure:
        lines.append(tr("WhatIfPanel", "may be chance: {0}").format(", ".join(unsure)))
    return lines


def worth_texts(worth: "Worth", currency: str) -> list[str]:
    """A line for money and one for power, '-' where a figure is not known."""
    if not worth.is_known:
        return []
    tr = QCoreApplication.translate
    money = tr("WhatIfPanel", "Per 1,000 {0}: {1} tokens/s; per million: latency {2}")
    power = tr("WhatIfPanel", "Per kW: {0} tokens/s, latency {1}")
    return [
        money.format(
            currency, _rate(worth.tokens_per_s_a_thousand), _share(worth.latency_a_million)
        ),
        power.format(_rate(worth.tokens_per_s_a_kw), _share(worth.latency_a_kw)),
    ]


def text_label(text: str, *, bold: bool = False) -> QLabel:
    """Plain text that wraps."""
    label = QLabel(text)
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setForegroundRole(QPalette.ColorRole.WindowText)
    font = label.font()
    font.setBold(bold)
    label.setFont(font)
    return label


def percent(value: float) -> str:
    """A signed share."""
    return f"{value:+.1%}" if abs(value) < 0.1 else f"{value:+.0%}"


def _signed(value: float, unit: str) -> str:
    return ("+" if value > 0 else "-") + format_quantity(abs(value), unit, 3)


def _rate(value: float | None) -> str:
    return "-" if value is None else f"{value:+.3g}"


def _share(gain: float | None) -> str:
    return "-" if gain is None else f"{-gain:+.2%}"
