"""Reduced motion: arrows show the ways of traffic, and the clock of frames stands."""

import numpy as np
import pytest
from PySide6.QtCore import QRectF
from pytestqt.qtbot import QtBot

from app.canvas.camera import Camera
from app.canvas.layers.arrows import arrows
from app.canvas.run_picture import LinkNames, LinkTraffic, RunPicture
from app.canvas.scene import make_scene
from app.canvas.view import CanvasView
from engine.catalog.catalog import Catalog
from tests.helpers.windows import drawn_document


def picture(ahead: float, back: float) -> RunPicture:
    traffic = LinkTraffic(LinkNames(["cable"]), np.array([[0.9, 0.1]]), np.array([[ahead, back]]))
    return RunPicture(chip_utilisation={}, scale_up_utilisation={}, links=traffic, playing=True)


def test_each_way_that_carries_something_has_an_arrow_in_its_direction(shop: Catalog) -> None:
    scene = make_scene(drawn_document(shop).design(), shop, {})
    camera, view = Camera(), QRectF(-5000, -5000, 20_000, 20_000)
    places, heads, sizes = arrows(scene, picture(1e9, 1e6), camera, view)
    assert len(places) == 2
    np.testing.assert_allclose(heads[0], -heads[1])
    assert sizes[0] > sizes[1]  # the busier way
    steps = np.diff(scene.routes[0], axis=0)
    longest = steps[np.argmax(np.abs(steps).sum(axis=1))]
    np.testing.assert_allclose(heads[0], longest / np.hypot(*longest))
    assert len(arrows(scene, picture(1e9, 0.0), camera, view)[0]) == 1
    assert len(arrows(scene, picture(1e9, 1e9), camera, QRectF(90_000, 0, 10, 10))[0]) == 0


@pytest.mark.qt_log_ignore("This plugin does not support", extend=True)
def test_the_clock_of_frames_stands_while_nothing_is_to_move(qtbot: QtBot, shop: Catalog) -> None:
    view = CanvasView(drawn_document(shop))
    qtbot.addWidget(view)
    view.resize(600, 400)
    view.show()
    view.set_frame(picture(1e9, 1e9))
    assert view._clock.isActive()
    moving = view.grab().toImage()
    view.set_still(still=True)
    assert not view._clock.isActive()
    still = view.grab().toImage()
    assert moving != still
    assert view.grab().toImage() == still
    view.set_still(still=False)
    assert view._clock.isActive()
    view.hide()
