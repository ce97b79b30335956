"""The status bar: what the drawing costs, draws and holds, the run's clock and the zoom."""

from PySide6.QtWidgets import QLabel, QStatusBar, QWidget

from app.jobs.check_job import Checked
from engine.findings import Severity
from engine.units import format_quantity


class StatusBar(QStatusBar):
    """Short figures right, messages left."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.price = self._field(self.tr("Price"))
        self.power = self._field(self.tr("Power"))
        self.chips = self._field(self.tr("Chips"))
        self.fit = self._field(self.tr("Memory fit"))
        self.clock = self._field(self.tr("Simulated time"))
        self.zoom = self._field(self.tr("Zoom"))
        self.setSizeGripEnabled(False)
        self.show_clock(None)
        self.show_zoom(1.0)

    def show_checked(self, checked: Checked) -> None:
        """Sums of the drawing after a check."""
        self._show_price(checked)
        power = checked.power
        self.power.setText("" if power is None else format_quantity(power.total_w, "W"))
        self.power.setToolTip(self.tr("Power of everything drawn at full load"))
        self.chips.setText(self.tr("{0} chips").format(f"{checked.chips:,}"))
        errors = [f for f in checked.findings if f.severity is Severity.ERROR]
        if not checked.design.elements:
            self.fit.setText("")
        elif errors:
            self.fit.setText(self.tr("cannot run"))
            self.fit.setToolTip(errors[0].text)
        else:
            self.fit.setText(self.tr("model fits"))
            self.fit.setToolTip(self.tr("The deployment fits the memory of the drawn chips"))

    def show_clock(self, seconds: float | None) -> None:
        """Simulated time of the run, nothing without one."""
        self.clock.setText("" if seconds is None else f"t = {seconds:,.2f} s")

    def show_zoom(self, zoom: float) -> None:
        """The zoom of the canvas."""
        self.zoom.setText(f"{zoom:.0%}" if zoom >= 0.1 else f"{zoom:.1%}")

    def _show_price(self, checked: Checked) -> None:
        price = checked.price
        if price is None:
            self.price.setText("")
            return
        total = format_quantity(price.total, price.currency)
        estimated = price.estimate
        self.price.setText(self.tr("{0} (estimate)").format(total) if estimated else total)
        low = format_quantity(price.low, price.currency)
        high = format_quantity(price.high, price.currency)
        tip = self.tr("Sum of the price list: {0} to {1}").format(low, high)
        if price.missing:
            missing = ", ".join(str(name) for name in price.missing)
            tip += "\n" + self.tr("Without a price: {0}").format(missing)
        self.price.setToolTip(tip)

    def _field(self, name: str) -> QLabel:
        label = QLabel()
        label.setAccessibleName(name)
        label.setToolTip(name)
        label.setContentsMargins(6, 0, 6, 0)
        self.addPermanentWidget(label)
        return label
