"""The docks around the canvas and where they stand."""

from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtWidgets import QAbstractButton, QDockWidget, QMainWindow, QVBoxLayout, QWidget

WIDE = 1600  # from this width on the side docks reach down to the status bar
Area = Qt.DockWidgetArea


def add_dock(
    window: QMainWindow, name: str, title: str, widget: QWidget, area: Area
) -> QDockWidget:
    """A dock with a stable name, so that its place is remembered."""
    dock = QDockWidget(title, window)
    dock.setObjectName(name)
    dock.setWidget(widget)
    dock.setFeatures(
        QDockWidget.DockWidgetFeature.DockWidgetClosable
        | QDockWidget.DockWidgetFeature.DockWidgetMovable
    )
    close = dock.findChild(QAbstractButton, "qt_dockwidget_closebutton")
    if close is not None:
        told = QCoreApplication.translate("Docks", "Hide {0}; the View menu shows it again")
        close.setToolTip(told.format(title))
        close.setAccessibleName(QCoreApplication.translate("Docks", "Hide {0}").format(title))
    window.addDockWidget(area, dock)
    return dock


def set_corners(window: QMainWindow, width: int) -> None:
    """Gives the lower corners to the charts on a narrow window, to the sides on a wide one."""
    wide = width >= WIDE
    left = Area.LeftDockWidgetArea if wide else Area.BottomDockWidgetArea
    right = Area.RightDockWidgetArea if wide else Area.BottomDockWidgetArea
    if window.corner(Qt.Corner.BottomLeftCorner) is not left:
        window.setCorner(Qt.Corner.BottomLeftCorner, left)
    if window.corner(Qt.Corner.BottomRightCorner) is not right:
        window.setCorner(Qt.Corner.BottomRightCorner, right)


def stacked(above: QWidget, middle: QWidget, below: QWidget) -> QWidget:
    """Three widgets in a column; the middle one has all the room that the others leave."""
    column = QWidget()
    layout = QVBoxLayout(column)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(0)
    layout.addWidget(above)
    layout.addWidget(middle, 1)
    layout.addWidget(below)
    return column
