"""Painting halls at 1600x900."""

from collections.abc import Iterator

from engine.catalog.loader import load_catalog
from engine.topology.generators import HallPlan, hall
from tests.benchmarks.timing import Row, Table, cpu_s, seconds

SHOP = load_catalog()


def measure() -> Iterator[Table]:
    """Full redraws of a small hall and of 131,072 chips, as arrays and as single racks."""
    from PySide6.QtWidgets import QApplication

    from app.canvas.view import CanvasView
    from app.document import Document
    from engine.topology.changes import Batch, PutElements, PutLinks

    application = QApplication.instance() or QApplication([])
    rows = []
    for name, racks, singles in (
        ("16 racks", 16, False), ("1,024 racks in arrays", 1024, False),
        ("1,024 single racks", 1024, True),
    ):  # fmt: skip
        drawing = hall(SHOP, HallPlan(racks, clients=16), singles=singles)
        document = Document(SHOP)
        document.perform("", Batch((PutElements(drawing.elements), PutLinks(drawing.links))))
        view = CanvasView(document)
        view.resize(1600, 900)
        view.fit_all()

        def redraw(shown: CanvasView = view) -> None:
            shown.set_frame(None)
            shown.grab()

        rows.append(Row(name, (seconds(cpu_s(redraw)),)))
        view.close()
        view.deleteLater()
        application.processEvents()
    yield Table("Canvas", ("full redraw",), rows)
