"""Ten thousand random edits: all can be undone and redone, and nothing depends on how it came."""

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from app.canvas.view import CanvasView
from app.document import Document
from engine.catalog.catalog import Catalog
from engine.scenario.hashing import design_hash
from tests.helpers.random_edits import random_change

EDITS = 10_000
LOOKS = 10


@pytest.fixture
def edited(qtbot: QtBot, shop: Catalog) -> Document:
    """A document after many edits."""
    document = Document(shop)
    rng = np.random.default_rng(7)
    for number in range(EDITS):
        verdict = document.perform(f"edit {number}", random_change(rng, document, number))
        assert verdict.ok, verdict.reason
    return document


def test_undoing_all_gives_the_first_design_and_redoing_all_the_last(edited: Document) -> None:
    stack = edited.undo_stack
    last = edited.design()
    assert stack.count() == EDITS
    while stack.canUndo():
        stack.undo()
    assert design_hash(edited.design()) == design_hash(Document(edited.catalog).design())
    while stack.canRedo():
        stack.redo()
    assert edited.design() == last
    assert design_hash(edited.design()) == design_hash(last)


def test_the_canvas_shows_what_a_new_one_shows_however_it_came_to_be(
    qtbot: QtBot, shop: Catalog
) -> None:
    document = Document(shop)
    view = CanvasView(document)
    qtbot.addWidget(view)
    view.resize(640, 480)
    rng = np.random.default_rng(11)
    for number in range(LOOKS * 20):
        document.perform("edit", random_change(rng, document, number))
        if rng.random() < 0.3:
            document.undo_stack.undo()
        if number % 20 == 19:
            view.fit_all()
            fresh = CanvasView(document)
            qtbot.addWidget(fresh)
            fresh.resize(640, 480)
            fresh.fit_all()
            assert view.grab().toImage() == fresh.grab().toImage()
