"""Painting and editing large drawings: frames of the window's thread at 1600x900 and 2560x1440."""

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from engine.catalog.devices import DeviceKind, Medium
from engine.catalog.loader import load_catalog
from engine.topology.elements import Element, Endpoint, Link
from engine.topology.generators import HallPlan, hall
from tests.benchmarks.timing import Row, Table, cpu_s, seconds

if TYPE_CHECKING:
    from app.canvas.run_picture import RunPicture
    from app.canvas.view import CanvasView
    from app.document import Document

SHOP = load_catalog()
DEVICES, LINKS, MOVED, SIDE = 10_000, 30_000, 4_096, 100
FRAMES = 60
SIZES = ((1600, 900), (2560, 1440))


def measure() -> Iterator[Table]:
    """Full redraws of halls, then frames of 10,000 devices with 30,000 links and 5,000 dots."""
    from PySide6.QtWidgets import QApplication

    application = QApplication.instance() or QApplication([])
    rows = []
    for name, racks, singles in (
        ("16 racks", 16, False), ("1,024 racks in arrays", 1024, False),
        ("1,024 single racks", 1024, True),
    ):  # fmt: skip
        drawing = hall(SHOP, HallPlan(racks, clients=16), singles=singles)
        view = _view(_document(drawing.elements, drawing.links), SIZES[0])

        def redraw(shown: "CanvasView" = view) -> None:
            shown.set_frame(None)
            shown.grab()

        rows.append(Row(name, (seconds(cpu_s(redraw)),)))
        _close(view)
        application.processEvents()
    yield Table("Canvas", ("full redraw",), rows)
    document = _document(*flat_drawing())
    tables = [_frames(document, size) for size in SIZES]
    heads = tuple(f"{width}x{height} median, p99" for width, height in SIZES)
    yield Table(
        "Canvas with 10,000 devices, 30,000 links, 5,000 dots: thread time a frame",
        heads,
        [Row(name, tuple(table[name] for table in tables)) for name in tables[0]],
    )


def flat_drawing() -> tuple[tuple[Element, ...], tuple[Link, ...]]:
    """Hosts and leaves in a square, each link between two that are near."""
    rng = np.random.default_rng(1)
    kinds = [DeviceKind.SWITCH if n % 4 == 0 else DeviceKind.HOST for n in range(DEVICES)]
    specs = {DeviceKind.SWITCH: "hpn7-leaf", DeviceKind.HOST: "xuantie-c950-host"}
    elements = tuple(
        Element(
            id=f"e{n}", kind=kind, spec=specs[kind], name=f"E {n}",
            x=(n % SIDE) * 256.0, y=(n // SIDE) * 128.0,
        )
        for n, kind in enumerate(kinds)
    )  # fmt: skip
    links = []
    for number in range(LINKS):
        first = int(rng.integers(DEVICES))
        row, column = divmod(first, SIDE)
        row = min(row + int(rng.integers(1, 4)), SIDE - 1)
        column = min(max(column + int(rng.integers(-3, 4)), 0), SIDE - 1)
        second = row * SIDE + column
        if second == first:
            second = (first + 1) % DEVICES
        ports = ["port" if kinds[n] is DeviceKind.SWITCH else "eth" for n in (first, second)]
        links.append(
            Link(
                id=f"l{number}",
                a=Endpoint(element=f"e{first}", port=ports[0]),
                b=Endpoint(element=f"e{second}", port=ports[1]),
                medium=Medium.ETHERNET, count=1, bandwidth_bytes_per_s=5e10, latency_s=1e-6,
            )
        )  # fmt: skip
    return elements, tuple(links)


def _document(elements: tuple[Element, ...], links: tuple[Link, ...]) -> "Document":
    from app.document import Document
    from engine.topology.changes import Batch, PutElements, PutLinks

    document = Document(SHOP)
    document.perform("", Batch((PutElements(elements), PutLinks(links))))
    return document


def _view(document: "Document", size: tuple[int, int]) -> "CanvasView":
    from app.canvas.view import CanvasView

    view = CanvasView(document)
    view.resize(*size)
    view.fit_all()
    return view


def _close(view: "CanvasView") -> None:
    view.close()
    view.deleteLater()


def _picture(document: "Document") -> "RunPicture":
    """Traffic on every link."""
    from app.canvas.run_picture import LinkNames, LinkTraffic, RunPicture

    names = LinkNames([link.id for link in document.design().links])
    number = np.arange(len(names.ids))
    use = np.stack([0.1 + (number % 9) / 10, (number % 5) / 10], axis=1)
    traffic = LinkTraffic(names, use, use * 5e10)
    return RunPicture(chip_utilisation={}, scale_up_utilisation={}, links=traffic, playing=False)


def _frames(document: "Document", size: tuple[int, int]) -> dict[str, str]:
    from PySide6.QtCore import Qt
    from PySide6.QtWidgets import QApplication

    from app.canvas.gestures.base import Pointer
    from app.canvas.gestures.move import MoveGesture
    from app.canvas.gestures.rubber_band import RubberBandGesture

    view = _view(document, size)
    view.show()
    QApplication.processEvents()
    picture = _picture(document)
    found: dict[str, str] = {}

    def timed(name: str, step: Callable[[int], None], frames: int = FRAMES) -> None:
        spent = []
        for number in range(frames):
            before = time.thread_time()
            step(number)
            view.repaint()
            spent.append(time.thread_time() - before)
        low, high = np.quantile(spent[1:], [0.5, 0.99])
        found[name] = f"{seconds(float(low))}, {seconds(float(high))}"

    def pointer(x: float, y: float) -> Pointer:
        scene = view.camera.to_scene(x, y)
        return Pointer((x, y), scene, Qt.KeyboardModifier.NoModifier)

    timed("all in view, drawing alone", lambda _n: view.set_frame(None))
    view.set_frame(picture)
    timed("all in view, dots move", lambda _n: view._particles.advance(0.016))
    timed("all in view, new figures of a run", lambda _n: view.set_frame(picture))
    timed("all in view, pan", lambda n: _pan(view, n))
    view.set_frame(None)
    band = RubberBandGesture(view, pointer(10, 10))
    timed("box selection", lambda n: band.move(pointer(40 + 20 * n, 40 + 11 * n)))
    band.cancel()
    chosen = frozenset(f"e{n}" for n in range(MOVED))
    document.select(chosen)
    x, y = view.camera.to_view(20.0, 20.0)
    move = MoveGesture(view, pointer(x, y), "e0")
    timed("4,096 devices dragged", lambda n: move.move(pointer(x + 6 + n, y + 6 + n)))
    move.cancel()
    view.camera.zoom(1.0 / view.camera.scale, *_middle(view))
    view.set_frame(picture)
    timed("at 100 %, pan with traffic", lambda n: _pan(view, n))
    document.select(frozenset())
    timed("at 100 %, dots move", lambda _n: view._particles.advance(0.016))
    _close(view)
    return found


def _pan(view: "CanvasView", number: int) -> None:
    view.camera.pan(3.0 if number % 20 < 10 else -3.0, 2.0)
    view._camera_moved()


def _middle(view: "CanvasView") -> tuple[float, float]:
    return view.width() / 2, view.height() / 2
